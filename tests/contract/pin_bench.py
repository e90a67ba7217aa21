"""The emulated box with the controller's relays and senses in the middle: the board's own channel, or
gpiozero's pins whose wires end in the twin.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from appliance.adapters.header_pins import HeaderPins
from appliance.domain.senses import Senses
from appliance.ports import Relays
from appliance.service.keeper import Keeper
from appliance.service.pulse import InlinePulse
from hw import channel
from hw.channel import PinLevels
from hw.twin.loopback import Halted, LoopbackController, SupplyLost
from tests.contract.twin_pins import TwinFactory
from tests.unit.twin_bench import BOARD, Bench, Boot


class Controls(Relays, Protocol):
    """What the suite holds to its promises."""

    def senses(self) -> Senses: ...


def factory_of(boot: Boot) -> TwinFactory:
    """Pins of this boot's controller. gpiozero lets go of its pins also long after the controller is dead."""

    def tell(levels: int) -> None:
        with suppress(SupplyLost, Halted):
            boot.controller.send(channel.encode(PinLevels(levels)))

    return TwinFactory(tell, lambda: boot.channel.inputs().levels)


def emulated(boot: Boot) -> Controls:
    return boot.channel


def through_gpiozero(boot: Boot) -> Controls:
    return HeaderPins(BOARD, factory_of(boot))


MAKERS: dict[str, Callable[[Boot], Controls]] = {"emulated": emulated, "gpiozero": through_gpiozero}


@dataclass
class PinBench:
    """A born box. `make` gives each boot its relays and senses."""

    make: Callable[[Boot], Controls]
    bench: Bench = field(default_factory=Bench)

    def __post_init__(self) -> None:
        self.bench.birth()

    def play(self, act: Callable[[Boot, Controls], None]) -> None:
        """`act` in a freshly booted controller; its errors are raised here."""
        ended: list[BaseException | None] = []

        def programs(boot: Boot) -> Callable[[LoopbackController], None]:
            def run(_: LoopbackController) -> None:
                try:
                    act(boot, self.make(boot))
                    ended.append(None)
                except Exception as error:  # noqa: BLE001 - raised again below, outside the box
                    ended.append(error)

            return run

        self.bench.restart()
        self.bench.programs = programs
        assert self.bench.run(lambda _: bool(ended), 60)
        if ended[0] is not None:
            raise ended[0]

    def window(self) -> bool:
        """A whole honest window over these relays; True when the box came back ISOLATED."""

        def programs(boot: Boot) -> Callable[[LoopbackController], None]:
            boot.keeper = Keeper(boot.interlock, self.make(boot), boot.controller, boot.bays)
            boot.pulse = InlinePulse(boot.keeper, boot.controller)
            return lambda _: self.bench.honest(boot)

        self.bench.programs = programs
        return self.bench.window()
