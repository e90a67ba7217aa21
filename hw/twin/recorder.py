"""Writes down what a plant's lines do, for a trace (hw/trace.py). Looks; changes nothing.

`TracedPlant` is a plant that is looked at after every step. Without a recorder it is a plain one.
"""

from __future__ import annotations

from firmware.wire.codes import Phase
from hw import trace
from hw.trace import Event, Trace, Value
from hw.twin import contact
from hw.twin.circuit import Circuit
from hw.twin.plant import Plant
from hw.twin.scenario import DEEDS, Deed
from hw.twin.senses import Senses, Side

GAP_MS = 100  # ms between two power-ons on one axis; how long the box was really off nobody can see


class Recorder:
    """Collects one trace, also over several power-ons. Stops taking changes when there are too many."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, Value]]] = {}
        self._held: dict[str, tuple[int, Value]] = {}  # of slopes: when the last value was seen
        self._events: list[Event] = []
        self._offset_ms, self._end_ms, self._unix_ms = 0, 0, 0
        self._bays, self._changes, self._is_cut = 1, 0, False
        self._phase: Phase | None = None
        self._boot: object = None

    def power_on(self, bays: int) -> None:
        """What follows is another power-on of the box."""
        self._offset_ms = self._end_ms + (GAP_MS if self._rows else 0)
        self._bays, self._phase, self._boot = max(self._bays, bays), None, None
        self._event(0, "power", "on")

    def look(self, plant: Plant, seen: Senses) -> None:
        """The lines of this moment."""
        at_ms = plant.uptime_ms
        self._end_ms, self._unix_ms = self._offset_ms + at_ms, plant.unix_ms
        if plant.phase is not self._phase:
            self._phase = plant.phase
            self._event(at_ms, "phase", f"{plant.phase.name} {plant.device.state.cause.name}")
        if plant.controller is not self._boot:
            self._boot = plant.controller
            if plant.controller is not None:
                self._event(at_ms, "boot", plant.device.drive.boot_medium)
        for name, value in _values(plant, seen).items():
            self._take(at_ms, name, value)
        for name, relay in (("k1_coil", plant.circuit.k1), ("k2_coil", plant.circuit.k2)):
            timing = plant.circuit.profile.relay
            settled_ms = contact.settled_after_ms(timing, energised=relay.energised)
            since_ms = min(relay.since_ms, settled_ms, at_ms)
            self._take(at_ms - since_ms, name, int(relay.energised))  # its contact follows, as late as it is

    def deed(self, plant: Plant, deed: Deed) -> None:
        """A deed of the scenario, or of a hand."""
        fields = (_said(deed, name) for name in DEEDS[deed.do])
        self._event(plant.uptime_ms, "deed", " ".join([deed.do, *fields]))

    def trace(self) -> Trace:
        """What was collected."""
        return Trace(
            bays=self._bays,
            end_ms=self._end_ms,
            unix_ms=self._unix_ms,
            is_cut=self._is_cut,
            rows={name: tuple(row) for name, row in self._rows.items()},
            events=tuple(self._events),
        )

    def _event(self, at_ms: int, kind: str, detail: str) -> None:
        if len(self._events) < trace.CHANGES_MAX:
            self._events.append(
                Event(at_ms=self._offset_ms + at_ms, kind=kind, detail=detail[: trace.WORD_MAX])
            )

    def _take(self, at_ms: int, name: str, value: Value) -> None:
        row = self._rows.setdefault(name, [])
        when_ms = self._offset_ms + at_ms
        if row and row[-1][1] == value:
            self._held[name] = (when_ms, value)
            return
        self._is_cut |= self._changes >= trace.CHANGES_MAX
        if self._is_cut:
            return
        held = self._held.pop(name, None)
        if name in trace.SLOPES and held is not None and held != row[-1]:
            row.append(held)  # it was flat until here, and only then began to fall
            self._changes += 1
        row.append((when_ms, value))
        self._changes += 1


class TracedPlant(Plant):
    """See the module."""

    recorder: Recorder | None = None

    def record(self, recorder: Recorder | None, bays: int) -> None:
        """From now on; None records nothing."""
        self.recorder = recorder
        if recorder is not None:
            recorder.power_on(bays)
            self._look()

    def do(self, deed: Deed) -> None:
        """See Plant."""
        if self.recorder is not None:
            self.recorder.deed(self, deed)
        super().do(deed)
        self._look()

    def power_off(self) -> None:
        """See Plant."""
        super().power_off()
        self._look()

    def _step(self, most_ms: int) -> int:
        dt_ms = super()._step(most_ms)
        self._look()
        return dt_ms

    def _move(self, most_ms: int) -> int:
        dt_ms = super()._move(most_ms)
        self._look()
        return dt_ms

    def _look(self) -> None:
        if self.recorder is not None:
            self.recorder.look(self, self._senses(Side.INTERLOCK))


def _said(deed: Deed, name: str) -> str:
    match name:
        case "side":
            return "both" if len(deed.sides) > 1 else str(deed.sides[0])
        case "throw":
            return deed.throw.value
        case "bays":
            return ",".join(map(str, deed.bays))
        case "level":
            return "high" if deed.level else "low"
        case _:
            return str(getattr(deed, name))


def _values(plant: Plant, seen: Senses) -> dict[str, Value]:
    """Every row's value now. Contacts and supplies are the copper's, `sense_` what the interlock reads."""
    copper, drive = plant.circuit, plant.device.drive
    values: dict[str, Value] = {
        "phase": plant.phase.name,
        "controller": int(plant.controller is not None),
        "supply": int(copper.controller_supplied),
        "permit_link": int(drive.permit_link),
        "permit_drives": int(drive.permit_drives),
        "coil_link": _charged(copper, copper.link_charge_ms),
        "coil_drives": _charged(copper, copper.drives_charge_ms),
        "k3": copper.throw.value,
        "sense_k3": int(seen.k3_on_link),
        "link": int(copper.link_conducting),
        "carrier": int(copper.carrier),
        "cut": int(plant.hands.cut_pressed),
        "key": int(plant.hands.key_turned),
    }
    pair = (("k1", copper.k1, seen.k1_conducting), ("k2", copper.k2, seen.k2_conducting))
    for name, relay, conducting in pair:
        values[name] = int(relay.conducting)
        values[f"sense_{name}"] = int(conducting)
    for bay, live in enumerate(copper.drives_live, start=1):
        values[f"d{bay}"] = int(live)
        values[f"d{bay}_up"] = int(copper.drives_up[bay - 1])
        values[f"sense_d{bay}"] = int(seen.drives_live[bay - 1])
    return values


def _charged(copper: Circuit, left_ms: int) -> int:
    return trace.FULL * left_ms // max(copper.profile.permit_decay_ms, 1)
