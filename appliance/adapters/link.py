"""ports.Link: does the network line carry? On the emulated board the media converter says so."""

from __future__ import annotations

from collections.abc import Callable


class BoardLink:
    """Asks `carrier` (BoardChannel.carrier) each time; remembers nothing."""

    def __init__(self, carrier: Callable[[], bool]) -> None:
        self._carrier = carrier

    def carrier(self) -> bool:
        return self._carrier()
