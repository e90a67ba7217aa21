"""The twin behind gpiozero: pins of a controller whose wires end in the emulated board.

A change of any pin is told at once, all outputs together, as the board hears them; an input is asked for
its level at the moment it is read. Knows neither circuit nor channel: both ends are given.
"""

from __future__ import annotations

from collections.abc import Callable

from gpiozero.pins.mock import MockFactory, MockPin


class TwinPin(MockPin):
    """One pin. What gpiozero believes of its level and what the board has on the wire are the same."""

    def _set_function(self, value: str) -> None:
        super()._set_function(value)  # type: ignore[no-untyped-call]
        self.factory.tell()

    def _get_state(self) -> bool:
        if self._function == "input":
            return bool(self.factory.read() >> self._number & 1)
        return self._state

    def _change_state(self, value: bool) -> bool:
        changed = bool(super()._change_state(value))  # type: ignore[no-untyped-call]
        if changed and self.is_driven:
            self.factory.tell()
        return changed

    @property
    def is_driven(self) -> bool:
        return bool(self._function == "output")

    @property
    def mask(self) -> int:
        """Its bit while it is driven high."""
        return int(self.is_driven and self._state) << self._number


class TwinFactory(MockFactory):
    """`tell` gets the levels of all driven pins, a bit per BCM number; `read` gives those of the inputs."""

    def __init__(self, tell: Callable[[int], None], read: Callable[[], int]) -> None:
        super().__init__(pin_class=TwinPin)  # type: ignore[no-untyped-call]
        self._tell, self.read = tell, read

    def tell(self) -> None:
        """What is driven now."""
        self._tell(sum(pin.mask for pin in self.pins.values()))
