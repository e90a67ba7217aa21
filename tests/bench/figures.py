"""What was measured, and the arithmetic on it: medians over the repetitions, ratios between tools.

A tool that failed once at a step has no time for it, however fast it was: it has a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

STEPS = ("first", "changed", "unchanged", "restore", "verify")
BACKUPS = ("first", "changed", "unchanged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of one tool at one step. `failure` is "" for a run that counts; `link_s` and `drives_s` are
    the parts of a backup where the tool has two halves."""

    data: str
    step: str
    tool: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    rss_mib: float = 0.0
    link_s: float | None = None
    drives_s: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The medians of one cell, or why there are none."""

    runs: int = 0
    wall_s: float = 0.0
    wall_low_s: float = 0.0
    wall_high_s: float = 0.0
    cpu_s: float = 0.0
    rss_mib: float = 0.0
    link_s: float | None = None
    drives_s: float | None = None
    failure: str = ""


NOT_MEASURED = Figure(failure="not measured")


class Figures:
    """All samples of one race."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = tuple(samples)

    def of(self, data: str, step: str, tool: str) -> Figure:
        """The cell's medians; its first failure, if any run failed; NOT_MEASURED without a run."""
        found = [s for s in self._samples if (s.data, s.step, s.tool) == (data, step, tool)]
        failure = next((sample.failure for sample in found if sample.failure), "")
        if failure:
            return Figure(failure=failure)
        return _medians(found) if found else NOT_MEASURED

    def failures(self) -> Sequence[str]:
        """Each that failed, once, with where."""
        said = {f"{s.tool}, {s.data}, {s.step}: {s.failure}": None for s in self._samples if s.failure}
        return tuple(said)


def _medians(samples: Sequence[Sample]) -> Figure:
    def middle(value: Callable[[Sample], float | None]) -> float | None:
        present = [number for sample in samples if (number := value(sample)) is not None]
        return median(present) if present else None

    return Figure(
        runs=len(samples),
        wall_s=median(sample.wall_s for sample in samples),
        wall_low_s=min(sample.wall_s for sample in samples),
        wall_high_s=max(sample.wall_s for sample in samples),
        cpu_s=median(sample.cpu_s for sample in samples),
        rss_mib=median(sample.rss_mib for sample in samples),
        link_s=middle(lambda sample: sample.link_s),
        drives_s=middle(lambda sample: sample.drives_s),
    )


def ratio(peer: Figure, ours_s: float | None) -> float | None:
    """How many times as long the peer takes; below 1 the peer is faster. None where either has no time."""
    if peer.failure or not ours_s:
        return None
    return peer.wall_s / ours_s
