"""Times of day at which the box may connect or power its drives: values and their arithmetic.

Knows no clock and no calendar (window/calendar.py asks when the next one is). A day is 86,400 seconds
at a fixed offset from UTC: no daylight saving, no leap seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 86_400  # s
UNIT_S = {"s": 1, "m": 60, "h": 3600}  # s per unit
LINK_S_MAX = 2 * 3600  # s per window; the firmware's hard cap, which no signature lifts (20-interlock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A length of time as people wrote it: `amount` of `unit` ("s", "m" or "h"). The spelling is
    kept, because the holders signed it."""

    amount: int
    unit: str

    @property
    def seconds(self) -> int:
        return self.amount * UNIT_S[self.unit]

    @classmethod
    def of(cls, seconds: int) -> Duration:
        """In minutes where it is whole minutes, else in seconds."""
        if seconds % UNIT_S["m"]:
            return cls(amount=seconds, unit="s")
        return cls(amount=seconds // UNIT_S["m"], unit="m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The same interval of every day: seconds of the local day at which it begins and ends (`end_s` at
    or before `begin_s` lies on the next day), and `offset_s`, the seconds that local time is ahead
    of UTC. Half-open: it has ended at `end_s`."""

    begin_s: int
    end_s: int
    offset_s: int

    @property
    def length_s(self) -> int:
        """Seconds, 1 to 86,400."""
        return (self.end_s - self.begin_s - 1) % DAY_S + 1

    @property
    def begin_utc_s(self) -> int:
        """Second of the UTC day at which it begins."""
        return (self.begin_s - self.offset_s) % DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A slot whose first part is the link half, at most `link` long; the rest is the drive half."""

    slot: Slot
    link: Duration

    @property
    def link_s(self) -> int:
        return self.link.seconds

    @classmethod
    def halved(cls, slot: Slot) -> Window:
        """The default: half the window for the link, within the firmware's cap."""
        return cls(slot=slot, link=Duration.of(min(slot.length_s // 2, LINK_S_MAX)))
