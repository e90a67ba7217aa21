"""A cause that strikes a running window, and how long coils are fed after it, in the box's own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firmware.wire.codes import Phase
from hw.twin.plant import Plant, PowerCut
from hw.twin.recorder import TracedPlant
from hw.twin.scenario import Deed, Trigger

STEP_MS = 5  # ms; how often image and copper exchange their levels
CLOSE_MS = 1  # ms; the same while a reaction is measured
GIVE_UP_MS = 5000  # ms; later than every limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """`act` so long after the coils were first fed in `phase`; `limit_ms` until none may be fed any more."""

    phase: Phase
    act: Callable[[Plant], None]
    limit_ms: int
    after_ms: int = 200


def deed(do: str, **fields: object) -> Callable[[Plant], None]:
    """A scenario's deed, as the act of a strike."""
    made = Deed(trigger=Trigger(after_ms=0), do=do, **fields)  # type: ignore[arg-type]
    return lambda plant: plant.do(made)


def fed(plant: Plant) -> bool:
    """Whether either pump still holds what a coil needs."""
    return plant.circuit.link_charge_ms > 0 or plant.circuit.drives_charge_ms > 0


class StruckPlant(TracedPlant):
    """A plant in fine steps. With a strike it ends as a power cut when the reaction is over; `reaction_ms` is
    None until then. `on_time` is told of every millisecond that has passed."""

    strike: Strike | None = None
    reaction_ms: int | None = None
    struck_ms: int | None = None
    on_time: Callable[[int], None] = staticmethod(lambda _: None)
    _fed_ms: int | None = None

    def _step_ms(self, drawn: object) -> int:
        fine_ms = STEP_MS if self.struck_ms is None else CLOSE_MS
        return min(fine_ms, super()._step_ms(drawn))  # type: ignore[arg-type]

    def _step(self, most_ms: int) -> int:
        dt_ms = super()._step(most_ms)
        self.on_time(self.uptime_ms)
        if self.strike is not None:
            self._watch(self.strike)
        return dt_ms

    def _watch(self, strike: Strike) -> None:
        if self.struck_ms is None:
            if self._fed_ms is None and self.phase is strike.phase and fed(self):
                self._fed_ms = self.uptime_ms
            if self._fed_ms is not None and self.uptime_ms - self._fed_ms >= strike.after_ms:
                assert fed(self), "the phase was over before the strike"
                self.struck_ms = self.uptime_ms
                strike.act(self)
            return
        if not fed(self):
            self.reaction_ms = self.uptime_ms - self.struck_ms
        if self.reaction_ms is not None or self.uptime_ms - self.struck_ms > GIVE_UP_MS:
            raise PowerCut
