"""The controller as the board sees it: a slot with pins, a serial line, a console and a supply.

Declares what ProcessController (process.py) and LoopbackController (loopback.py) both are. No behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hw.channel import Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What the loss of supply ended: (process id, name) of everything that still ran, and the proof."""

    killed: tuple[tuple[int, str], ...] = ()
    left: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of the console: a JSON object, or `None` with the count of what could not be read."""

    event: Mapping[str, object] | None
    garbage: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A program of the slot ended by itself; `status` is negative for a signal."""

    name: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Implant:
    """A program planted beside the controller, with its rights and its confinement."""

    name: str
    argv: tuple[str, ...]
    stdin: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who is told: console lines, programs that ended, what a loss of supply ended."""

    said: Callable[[Said], None] = lambda _: None
    ended: Callable[[Ended], None] = lambda _: None
    removed: Callable[[Removal], None] = lambda _: None


class Controller(Protocol):
    """Whatever sits in the controller's slot while its supply is on."""

    def arrived(self, most: int) -> Sequence[Packet]:
        """At most `most` packets that the controller sent; garbage is dropped."""
        ...

    def push(self, packet: Packet) -> None:
        """Give it a packet; dropped when it does not read."""
        ...

    def said(self) -> Sequence[Said]:
        """New console lines."""
        ...

    def ended(self) -> Sequence[Ended]:
        """Programs that ended by themselves since the last call. The supply stays."""
        ...

    def hang(self) -> None:
        """Stop it where it is, pins and all (a hung controller)."""
        ...

    def crash(self) -> None:
        """Kill the program, not the supply: its pins keep their levels."""
        ...

    def plant(self, implant: Implant) -> None: ...

    def remove_supply(self) -> Removal:
        """End it and everything it started."""
        ...
