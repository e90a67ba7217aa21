"""The worst-case stack of an image, from the compiler's own call graphs (-fcallgraph-info=su).

The deepest chain of the foreground, plus every interrupt that can be stacked on it, each with its frame.
A function without a known frame, recursion, and a call through a pointer that POINTERS does not name are
errors, not guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

EXCEPTION_BYTES = 36  # bytes that the core pushes: eight words, and one to align (ARMv6-M B1.5.7)
# Chains that can lie on one another: reset, the serial interrupt, the tick that interrupts both, a fault.
CHAINS = ("start", "serial_interrupt", "tick_interrupt", "fault")
# Without a call graph of their own: written in assembly, frames read from the disassembly.
FRAMES = {
    "__aeabi_uidiv": 8, "__udivsi3": 8, "__aeabi_uidivmod": 20, "__aeabi_idiv": 8, "__aeabi_idivmod": 20,
    "__aeabi_llsl": 0, "__aeabi_llsr": 0, "__aeabi_lmul": 28,
    "__aeabi_ldivmod": 96, "__aeabi_uldivmod": 96,  # with its helper, __divdi3 and __clzdi2
}  # fmt: skip
SWITCH_BYTES = 8  # bytes that the helper of a switch pushes (__gnu_thumb1_case_*); no graph shows its calls
# What is called through pointers: the one curve that the logic hands to BearSSL (logic/sshsig.c).
POINTERS = {
    "br_ecdsa_i15_vrfy_raw": ("ec_p256_m15.c:api_muladd",),
    "key_sound": ("ec_p256_m15.c:api_mul",),
}
INDIRECT = "__indirect_call"
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
            frames[_short(title)] = int(size.group(1))
        for source, target in _EDGE.findall(graph):
            name = _short(source)
            called = POINTERS.get(name, (INDIRECT,)) if target == INDIRECT else (_short(target),)
            calls.setdefault(name, set()).update(called)
    chains = [_deepest(root, frames, calls, ()) for root in CHAINS]
    return sum(chains) + SWITCH_BYTES * len(chains) + EXCEPTION_BYTES * (len(chains) - 1)


def _short(title: str) -> str:
    """A static function is named with its file; the folder differs from machine to machine."""
    return title.rsplit("/", 1)[-1]


def _deepest(name: str, frames: dict[str, int], calls: dict[str, set[str]], above: tuple[str, ...]) -> int:
    if name in above:
        raise UnboundedError(f"{name}: calls itself")
    if name not in frames:
        raise UnboundedError(f"{name}: no frame is known")
    below = [_deepest(called, frames, calls, (*above, name)) for called in sorted(calls.get(name, ()))]
    return frames[name] + max(below, default=0)
