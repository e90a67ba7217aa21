"""The measurement as a Markdown table, and its place in a page between two markers.

Where Iwato is slower the ratio is bold. A tool that is absent or that failed is named in its cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.figures import STEPS, Figure, Figures, ratio

BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"
PEERS = ("restic", "borg")
HEAD = ("wall s / CPU s / RSS MiB", "Iwato", "of it intake + sealing", *PEERS, "restic/Iwato", "borg/Iwato")
TITLES = {
    "first": "first backup",
    "changed": "1 % changed",
    "unchanged": "unchanged",
    "restore": "restore",
    "verify": "verify all data",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a reader has to know about a measurement; `notes` are sentences."""

    machine: str
    versions: Sequence[str]
    date: str
    seed: int
    repetitions: int
    sets: Sequence[tuple[str, str]]  # name and title
    notes: Sequence[str] = ()


def cell(figure: Figure) -> str:
    """Wall, CPU and memory of one tool at one step."""
    if figure.failure:
        return figure.failure.replace("|", "/").replace("\n", " ")
    return f"{figure.wall_s:.2f} / {figure.cpu_s:.2f} / {figure.rss_mib:.0f}"


def halves(figure: Figure) -> str:
    """Intake and sealing in seconds."""
    if figure.failure or figure.link_s is None or figure.drives_s is None:
        return "-"
    return f"{figure.link_s:.1f} + {figure.drives_s:.1f}"


def times(value: float | None) -> str:
    """A ratio; bold where Iwato is the slower one."""
    if value is None:
        return "-"
    text = f"{value:.2f}x"
    return f"**{text}**" if value < 1 else text


def _versus(figures: Figures, data: str, step: str, peer: str) -> str:
    """The ratio of the whole, and of intake alone where there is one."""
    ours = figures.of(data, step, "Iwato")
    theirs = figures.of(data, step, peer)
    if ours.failure or theirs.failure:
        return "-"
    whole = times(ratio(theirs, ours.wall_s))
    return whole if ours.link_s is None else f"{whole}, intake {times(ratio(theirs, ours.link_s))}"


def markdown(figures: Figures, facts: Circumstances) -> str:
    """The whole section: circumstances, one table, what failed, how to read it."""
    versions = ", ".join(facts.versions)
    how = f"Medians of {facts.repetitions}, order drawn with seed {facts.seed}."
    lines = [
        " ".join([f"Measured {facts.date} on {facts.machine}; {versions}.", how, *facts.notes]),
        "",
        f"| {' | '.join(HEAD)} |",
        "|---" * len(HEAD) + "|",
    ]
    for name, title in facts.sets:
        lines.append(f"| **{title}** | | | | | | |")
        for step in STEPS:
            ours = figures.of(name, step, "Iwato")
            row = [TITLES[step], cell(ours), halves(ours)]
            row += [cell(figures.of(name, step, peer)) for peer in PEERS]
            row += [_versus(figures, name, step, peer) for peer in PEERS]
            lines.append(f"| {' | '.join(row)} |")
    lines += ["", *(f"Failed: {text}." for text in figures.failures()), LEGEND]
    return "\n".join(lines) + "\n"


LEGEND = (
    "Ratios are the peer's wall time by Iwato's, **bold where Iwato is slower**. Whole processes, from the "
    "start of the program: CPU with all children, RSS of the largest process. Iwato's time includes two "
    "boots of the emulated controller and the relays. Intake is how long the link was connected (the ratio "
    "beside it compares that with the peer's whole run, start of the program included), sealing how long the "
    "drives were powered, which is not exposure. Iwato writes 4+2 shards to six directories of one disk, "
    "flushes them, reads them back and commits with a witness; the peers keep one copy. Verify is `drive "
    "scrub`, `restic check --read-data`, `borg check --verify-data`. Sources are in the page cache."
)


def replaced(page: str, section: str) -> str:
    """`page` with `section` between its markers. ValueError unless both stand there once and in order."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page needs one {BEGIN} and, after it, one {END}")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{rest.split(END)[1]}"
