"""The worst-case stack of an image, from the compiler's own call graphs (-fcallgraph-info=su).

The deepest chain of the foreground, plus every interrupt that can be stacked on it, each with its frame.
A function without a known frame, recursion and a call through a pointer are errors, not guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

EXCEPTION_BYTES = 36  # bytes that the core pushes: eight words, and one to align (ARMv6-M B1.5.7)
# Chains that can lie on one another: reset, the serial interrupt, the tick that interrupts both, a fault.
CHAINS = ("start", "serial_interrupt", "tick_interrupt", "start.c:fault")
# Without a call graph of their own: written in assembly, frames read from the disassembly.
FRAMES = {
    "__aeabi_uidiv": 0, "__udivsi3": 0, "__aeabi_uidivmod": 8, "__aeabi_idiv": 0, "__aeabi_idivmod": 8,
    "__gnu_thumb1_case_uqi": 0, "__gnu_thumb1_case_sqi": 0,
}  # fmt: skip
_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]*)"', re.MULTILINE)
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', re.MULTILINE)
_BYTES = re.compile(r"\\n(\d+) bytes \((static|dynamic|dynamic,bounded)\)")


class UnboundedError(RuntimeError):
    """No bound can be given; the message names the function."""


def bound(graphs: Iterable[str]) -> int:
    """Bytes, from the texts of all call graphs of one image. Raises UnboundedError."""
    frames, calls = dict(FRAMES), dict[str, set[str]]()
    for graph in graphs:
        for title, label in _NODE.findall(graph):
            size = _BYTES.search(label)
            if size is None:
                continue
            if size.group(2) == "dynamic":
                raise UnboundedError(f"{title}: a frame of no fixed size")
            frames[title] = int(size.group(1))
        for source, target in _EDGE.findall(graph):
            calls.setdefault(source, set()).add(target)
    chains = [_deepest(root, frames, calls, ()) for root in CHAINS]
    return sum(chains) + EXCEPTION_BYTES * (len(chains) - 1)


def _deepest(name: str, frames: dict[str, int], calls: dict[str, set[str]], above: tuple[str, ...]) -> int:
    if name in above:
        raise UnboundedError(f"{name}: calls itself")
    if name not in frames:
        raise UnboundedError(f"{name}: no frame is known")
    below = [_deepest(called, frames, calls, (*above, name)) for called in sorted(calls.get(name, ()))]
    return frames[name] + max(below, default=0)
