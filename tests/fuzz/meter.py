"""What one call of a parser costs: calls of functions, and the most memory it held. No clock."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

# Above what the largest honest reading of the corpus costs, far below what hurts a small machine.
CALLS_PER_BYTE = 40  # calls of functions for every byte of input
CALLS_MAX = 20_000  # calls of functions, whatever the input: parsers loop over counts that they checked
PEAK_PER_BYTE = 200  # bytes held for every byte of input
PEAK_MAX = 4 << 20  # bytes held, whatever the input: one frame or block of 2 MiB, twice


@dataclass(slots=True)
class Cost:
    """Of one call."""

    calls: int = 0
    peak: int = 0

    def within(self, length: int) -> bool:
        """Whether an input of `length` bytes may cost as much."""
        calls_fit = self.calls <= CALLS_MAX + CALLS_PER_BYTE * length
        return calls_fit and self.peak <= PEAK_MAX + PEAK_PER_BYTE * length


@contextmanager
def metered() -> Iterator[Callable[[Callable[[], Any]], Cost]]:
    """Gives `measure(work)`, which lets `work` raise. Tracing ends with the context."""

    def measure(work: Callable[[], Any]) -> Cost:
        cost = Cost()

        def count(_frame: FrameType, event: str, _argument: object) -> None:
            if event in {"call", "c_call"}:
                cost.calls += 1

        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(None)
            cost.peak = max(0, tracemalloc.get_traced_memory()[1] - before)
        return cost

    tracemalloc.start(1)
    try:
        yield measure
    finally:
        tracemalloc.stop()
