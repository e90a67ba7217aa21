"""ports.Link: does the network line carry? On the emulated board the media converter says so."""

from __future__ import annotations

from typing import Protocol


class Inputs(Protocol):
    """What the board says of its networks."""

    def carrier(self) -> bool: ...

    def others(self) -> int: ...


class BoardLink:
    """Asks the board (BoardChannel) each time; remembers nothing."""

    def __init__(self, board: Inputs) -> None:
        self._board = board

    def carrier(self) -> bool:
        return self._board.carrier()

    def others(self) -> int:
        return self._board.others()
