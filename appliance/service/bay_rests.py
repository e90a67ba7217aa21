"""Bays that are left dark for some drive phases, because their drive held one up until it was cut.

One hung drive would otherwise end every window without a commit (60-reliability, I15). After its first
strike a bay rests for four phases, then for eight and so on; one phase in which it works ends that.
What is remembered is a bay and not a drive: the header of a drive that does not answer cannot be read, and
a bay that rests gets no supply. Never rests so many that too few drives are left for the phase.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from appliance.domain.ids import Bay
from appliance.ports import ScratchFiles

RECORD = "bay-rests.json"
RECORD_BYTES_MAX = 4096  # bytes; 16 bays take 600
FIRST_REST = 4  # phases; a day has two, a window and a scrub, and after a cut one more that rolls forward
STRIKES_MAX = 5  # a bay that strikes on rests for 64 phases at a time: a month


class _Rest(msgspec.Struct, forbid_unknown_fields=True):
    """How often the bay's drive held a phase up, and for how many phases it still rests."""

    strikes: int
    phases: int

    @property
    def is_ours(self) -> bool:
        """No other numbers were ever written."""
        return 0 < self.strikes <= STRIKES_MAX and 0 <= self.phases <= _rest_of(self.strikes)


class BayRests:
    """Of one drive phase that begins now: counts it. OSError when `state` cannot be written."""

    def __init__(self, state: ScratchFiles, bays: Collection[Bay], needed: int) -> None:
        self._state = state
        self._known = {bay: rest for bay, rest in _read(state).items() if bay in bays and rest.is_ours}
        waiting = [bay for bay, rest in self._known.items() if rest.phases > 0]
        waiting.sort(key=lambda bay: (-self._known[bay].strikes, bay))
        self.resting = frozenset(waiting[: max(0, len(bays) - needed)])
        self._struck: set[Bay] = set()
        for bay in self.resting:
            self._known[bay].phases -= 1
        if self.resting:
            self._write()

    def phases_left(self, bay: Bay) -> int:
        """How many phases after this one the bay rests."""
        return self._known[bay].phases

    def strike(self, bay: Bay) -> None:
        """The bay's drive holds this phase up. Durable on return. OSError as the disk says."""
        rest = self._known.setdefault(bay, _Rest(0, 0))
        rest.strikes = min(rest.strikes + 1, STRIKES_MAX)
        rest.phases = _rest_of(rest.strikes)
        self._struck.add(bay)
        self._write()

    def passed(self) -> None:
        """The phase came to its end: every bay that took part and did not strike begins anew."""
        kept = {bay: rest for bay, rest in self._known.items() if bay in self.resting | self._struck}
        if kept != self._known:
            self._known = kept
            self._write()

    def _write(self) -> None:
        self._state.replace(RECORD, msgspec.json.encode(self._known))


def _rest_of(strikes: int) -> int:
    """Phases."""
    return int(FIRST_REST * 2 ** (strikes - 1))


def forget(state: ScratchFiles) -> None:
    """A person wants every bay to be tried again. OSError as the disk says."""
    if state.exists(RECORD):
        state.replace(RECORD, b"{}")


def _read(state: ScratchFiles) -> dict[Bay, _Rest]:
    """What is remembered; nothing where that cannot be read: then all bays are tried."""
    try:
        return msgspec.json.decode(state.read(RECORD, RECORD_BYTES_MAX), type=dict[Bay, _Rest])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}
