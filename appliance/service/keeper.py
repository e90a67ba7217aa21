"""The keeper: beats for the work, follows the interlock, moves the relays by the phase table.

`tick(now_ms)` is synchronous and short; it is called from its own thread (service/pulse.py) or, on a
virtual clock, from the work's progress calls. It beats only while the work moves: a hung intake
loses its heartbeat and with it the link. Decides nothing about permission: the interlock does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from appliance.domain.ids import Bay
from appliance.domain.phases import BootFacts, InterlockStatus, Phase
from appliance.errors import InterlockRefused, InterlockSilent
from appliance.ports import Clock, Interlock, Relays
from appliance.window import phase as phase_table
from appliance.window.phase import Action, Event

HEARTBEAT_MS = 500  # ms; 20-interlock: every 0.5 s, lost after 1.5 s
STALL_MS = 30_000  # ms; longest time one step of honest work was seen to take (fsync of a slow disk), x3
NAMING_MS = 25_000  # ms without progress; 5 s are left to write down what held the work up
CONTACT_SETTLE_MS = 50  # ms; operate 10 ms + bounce 4 ms, x3.5; three of them leave the test 350 ms of slack
FINISH_S_MAX = 10  # s before the cut; closing four open packs on a slow staging disk took 6 s
FINISH_SHARE = 8  # a phase shorter than 80 s gives an eighth of itself to finishing, so that it also works
FINISH_S_MIN = 2  # s; the interlock counts whole seconds and is asked twice in each

_ENDED = frozenset({Phase.ISOLATED, Phase.AIRLOCK})
_WORKING = frozenset({Phase.INTAKE, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY})


class Keeper:
    """One boot of the controller. `phase` is what the controller may act on."""

    def __init__(self, interlock: Interlock, relays: Relays, clock: Clock, bays: Sequence[Bay]) -> None:
        self.interlock, self._relays, self._clock, self._bays = interlock, relays, clock, tuple(bays)
        self._lock = threading.RLock()
        self._beat_at_ms = self._moved_at_ms = self._contacts_at_ms = clock.monotonic_ms()
        self._contact_steps = [Event.K1_SETTLED, Event.K2_SETTLED]
        self._allotted_s = 0
        self._warned = False
        self._progress = 0
        self._named = False
        self.phase = Phase.UNKNOWN
        self.cause = ""
        self.finish_early = threading.Event()
        self.status: InterlockStatus | None = None
        self.held_up: Callable[[int], None] = lambda _since_ms: None
        """Told once, with the time of the last progress, when the work has not moved for NAMING_MS."""

    def boot(self) -> BootFacts:
        """Say hello, learn the phase and take it on."""
        with self._lock:
            facts = self.interlock.hello()
            self._take(phase_table.BOOTED.get(facts.phase, Event.BOOTED_OTHERWISE))
            return facts

    def moved(self) -> None:
        """The work made progress."""
        self._progress += 1
        self._moved_at_ms = self._clock.monotonic_ms()

    def request_link(self) -> None:
        """Ask for INTAKE. Raises InterlockRefused with the interlock's cause."""
        with self._lock:
            self.moved()
            self._beat(self._clock.monotonic_ms())  # a permit needs a fresh heartbeat
            cause = self.interlock.request(Phase.INTAKE)
            if cause:
                raise InterlockRefused(request=Phase.INTAKE.value, cause=cause)
            self._contacts_at_ms = self._clock.monotonic_ms()
            self._contact_steps = [Event.K1_SETTLED, Event.K2_SETTLED]
            self._take(Event.LINK_GRANTED)

    def work_done(self) -> None:
        """Release the lines and tell the interlock, unless it has ended the phase already."""
        with self._lock:
            if self.phase in _WORKING:
                self._take(Event.WORK_DONE)

    def tick(self, now_ms: int) -> None:
        """Beat when it is time; follow the contact test and what the interlock says."""
        if self.phase in _WORKING and not self._named and now_ms - self._moved_at_ms > NAMING_MS:
            self._named = True
            self.held_up(self._moved_at_ms)
        with self._lock:
            if self.phase in {Phase.UNKNOWN, Phase.FAULT}:
                return
            if self.phase is Phase.CONTACT_TEST:
                self._follow_contacts(now_ms)
            elif now_ms - self._beat_at_ms < HEARTBEAT_MS or now_ms - self._moved_at_ms > STALL_MS:
                return
            self._beat(now_ms)

    def _beat(self, now_ms: int) -> None:
        self._beat_at_ms = now_ms
        try:
            self.status = self.interlock.heartbeat(self._progress)
        except InterlockSilent:
            self.cause = "silent"
            self._take(Event.SILENT)
            return
        self._follow(self.status)

    def _follow_contacts(self, now_ms: int) -> None:
        if self._contact_steps and now_ms - self._contacts_at_ms >= CONTACT_SETTLE_MS:
            self._contacts_at_ms = now_ms
            self._take(self._contact_steps.pop(0))

    def _follow(self, status: InterlockStatus) -> None:
        event = self._event_of(status)
        if event is not None:
            self.cause = status.cause
            self._take(event)
        elif self.phase is status.phase and self.phase in _WORKING and not self._warned:
            self._warned = self._is_short(status)
            if self._warned:
                self._take(Event.CUT_SOON)

    def _is_short(self, status: InterlockStatus) -> bool:
        """The phase's time is nearly over. Where the interlock names no time, its warning counts."""
        left_s = status.link_left_s if self.phase is Phase.INTAKE else status.drives_left_s
        if not self._allotted_s:
            self._allotted_s = left_s
        if not self._allotted_s:
            return self.interlock.cut_soon()
        return left_s <= max(FINISH_S_MIN, min(FINISH_S_MAX, self._allotted_s // FINISH_SHARE))

    def _event_of(self, status: InterlockStatus) -> Event | None:
        said = status.phase
        if said is self.phase or self.phase is Phase.AIRLOCK:
            return None
        if said is Phase.FAULT:
            return Event.FAULTED
        if said is Phase.SECURED:
            return Event.SECURED
        if self.phase is Phase.CONTACT_TEST:
            return Event.LINK_LIVE if said is Phase.INTAKE else Event.TEST_FAILED
        if self.phase is Phase.ISOLATED:
            return None
        return Event.PHASE_ENDED if said in _ENDED else Event.FAULTED

    def _take(self, event: Event) -> None:
        self.phase, actions = phase_table.step(self.phase, event)
        for action in actions:
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Action.RELEASE_ALL:
                self._relays.energise_link(k1=False, k2=False)
                self._relays.energise_drives(())
            case Action.ENERGISE_K1:
                self._relays.energise_link(k1=True, k2=False)
            case Action.ENERGISE_K2:
                self._relays.energise_link(k1=False, k2=True)
            case Action.ENERGISE_LINK:
                self._relays.energise_link(k1=True, k2=True)
            case Action.ENERGISE_DRIVES:
                self._relays.energise_drives(self._bays)
            case Action.FINISH_EARLY:
                self.finish_early.set()
            case Action.TELL_DONE:
                self.interlock.done()
