"""What is still to happen on the bench: a scenario's deeds and when each is due. Performs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firmware.wire.codes import Phase
from hw.twin.scenario import Deed, Trigger


class Agenda:
    """Deeds that were not performed yet. Times in ms of the box's uptime."""

    def __init__(self, deeds: Sequence[Deed]) -> None:
        self._deeds = list(deeds)
        self._entered_ms: dict[Phase, int] = {}

    def entered(self, phase: Phase, uptime_ms: int) -> None:
        """The box is in this phase; only the first time counts."""
        self._entered_ms.setdefault(phase, uptime_ms)

    def add(self, do: str, at_ms: int) -> None:
        """One more, which needs no fields."""
        self._deeds.append(Deed(trigger=Trigger(after_ms=at_ms), do=do))

    def take_due(self, uptime_ms: int) -> Iterator[Deed]:
        """Deeds whose time has come, each once."""
        for deed in tuple(self._deeds):
            at_ms = self._due_ms(deed)
            if at_ms is not None and at_ms <= uptime_ms:
                self._deeds.remove(deed)
                yield deed

    def next_ms(self) -> int | None:
        """When the next deed is due, as far as its phase was entered."""
        known = [at_ms for deed in self._deeds if (at_ms := self._due_ms(deed)) is not None]
        return min(known, default=None)

    def _due_ms(self, deed: Deed) -> int | None:
        if deed.trigger.phase is None:
            return deed.trigger.after_ms
        entered_ms = self._entered_ms.get(deed.trigger.phase)
        return None if entered_ms is None else entered_ms + deed.trigger.after_ms
