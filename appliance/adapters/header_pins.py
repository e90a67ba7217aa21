"""ports.Relays and the controller's sense lines on a real board: its own pins, through gpiozero.

A coil pin switches the low side of its coil through a transistor, so high energises; the pull of every coil
pin at power-on and its resistor on the carrier are down, so a pin that nobody drives releases its coil. All
pins are released before anything else at the start, and again by `close`.

Decides nothing and makes nothing safe: SIGKILL, a crash of the interpreter or a hung processor leave every
pin at its level. What is dark then is dark because the interlock takes the coil supply away (PROTOCOL 4.3).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from gpiozero.input_devices import InputDevice
from gpiozero.output_devices import OutputDevice

from appliance.domain.ids import Bay
from appliance.domain.senses import Senses
from appliance.errors import PinsUnusable
from hw.profile import BoardProfile

T = TypeVar("T")


def lgpio_factory() -> Any:  # noqa: ANN401 - the library carries no types
    """The pins of a Raspberry Pi. Named outright: gpiozero's own choice can be turned by an environment
    variable to pins that do not exist. PinsUnusable."""
    return _translated(_open_lgpio)


def _open_lgpio() -> Any:  # noqa: ANN401 - as above
    from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - the extra `pi`; only a Pi has it

    return LGPIOFactory()


class HeaderPins:
    """`factory` makes gpiozero's pins. PinsUnusable from every call that is refused. For any thread."""

    def __init__(self, profile: BoardProfile, factory: Any) -> None:  # noqa: ANN401 - the library's
        self._pins, self._factory = profile.pins, factory
        self._turn = threading.RLock()
        self._outputs: dict[int, OutputDevice] = {}
        self._inputs: dict[int, InputDevice] = {}
        try:
            for pin in self._pins.outputs:
                self._outputs[pin] = _translated(partial(self._output, pin))
            for kind, pin in self._sense_pins():
                is_up = kind in profile.open_reads_high
                self._inputs[pin] = _translated(partial(self._input, pin, up=is_up))
        except BaseException:
            self.close()
            raise

    def _sense_pins(self) -> Iterable[tuple[str, int]]:
        """(kind of profile.SENSES, pin)."""
        k1, k2 = self._pins.sense_link
        return (
            ("k1", k1),
            ("k2", k2),
            ("k3", self._pins.sense_k3),
            ("cut", self._pins.sense_cut),
            ("key", self._pins.sense_key),
        )

    def _output(self, pin: int) -> OutputDevice:
        return OutputDevice(pin, active_high=True, initial_value=False, pin_factory=self._factory)

    def _input(self, pin: int, *, up: bool) -> InputDevice:
        return InputDevice(pin, pull_up=up, pin_factory=self._factory)

    # ports.Relays

    def energise_link(self, k1: bool, k2: bool) -> None:
        """The controller's half of K1's and K2's coils."""
        self._set(dict(zip(self._pins.link, (k1, k2), strict=True)))

    def energise_drives(self, bays: Iterable[Bay]) -> None:
        """The controller's half of exactly these bays' coils."""
        wanted = {self._pins.drives[bay - 1] for bay in bays}
        self._set({pin: pin in wanted for pin in self._pins.drives})

    def _set(self, levels: dict[int, bool]) -> None:
        """Those that are released first: no two sets are ever energised together for a moment."""
        with self._turn:
            for pin, energised in sorted(levels.items(), key=lambda item: item[1]):
                device = self._outputs[pin]
                _translated(device.on if energised else device.off)

    # Senses

    def senses(self, drives: tuple[bool | None, ...] = ()) -> Senses:
        """What the pins show now; `drives` is what the bus shows."""
        with self._turn:
            high = [self._is_high(pin) for _, pin in self._sense_pins()]
        k1, k2, k3, cut, key = high
        return Senses(
            k1_conducting=k1,
            k2_conducting=k2,
            k3_on_link=k3,
            cut_pressed=cut,
            key_turned=key,
            drives=drives,
        )

    def _is_high(self, pin: int) -> bool:
        """The level itself: gpiozero's `value` is turned round by a pull-up."""
        return bool(_translated(lambda: self._inputs[pin].pin.state))

    def close(self) -> None:
        """Release every coil, then give the pins back: as inputs, which the carrier's resistors pull down.
        Repeatable; a pin that refuses does not keep the others from being released."""
        with self._turn:
            for output in self._outputs.values():
                with suppress(Exception):
                    output.off()
            for device in [*self._outputs.values(), *self._inputs.values()]:
                with suppress(Exception):
                    device.close()


def _translated(act: Callable[[], T]) -> T:
    try:
        return act()
    except Exception as error:
        raise PinsUnusable(detail=f"{type(error).__name__}: {error}") from error
