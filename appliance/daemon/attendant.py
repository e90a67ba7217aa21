"""The attendant: the one thread that owns the box. Does what is due, and ends in the dark.

Lets the box live, asks duty.py what is due, performs it, judges it, sounds alarms. Every way out of `run`
goes through `power_off`, and the death of the process takes the box's supply as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from appliance.daemon import alarms, duty, notice, outcome, overdue
from appliance.daemon import desk as desks
from appliance.daemon.box import Box, Wake
from appliance.daemon.desk import Desk
from appliance.daemon.duty import Act, Decision
from appliance.daemon.outcome import Outcome
from appliance.daemon.record import WINDOWS_KEPT, Alarm, Past
from appliance.domain.phases import Reading
from appliance.errors import (
    CutOrdered,
    InterlockRefused,
    IwatoError,
    NetworkForeign,
    RecordLost,
    UnorderlyEnd,
    WindowBarren,
)

LOOK_S = 3600  # s between looks at what is overdue or full

Say = Callable[[Alarm], None]


class Attendant:
    """See the module. `beat` tells whoever watches over the process that this thread lives; `say` writes an
    alarm that is news into the journal; `tell` one line of what goes on."""

    def __init__(
        self,
        box: Box,
        desk: Desk,
        wake: Wake,
        *,
        say: Say,
        tell: Callable[[str], None],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._box, self._desk, self._wake = box, desk, wake
        self._say, self._tell, self._beat = say, tell, beat
        self._record = desk.record
        self._looked_s = 0
        self._sources: dict[str, bool] = {}
        self.stopping = threading.Event()

    # -- life ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Power up and find out what the last run left."""
        self._rise()
        reading, record = self._box.look(), self._record
        self._desk.publish(reading)
        now_s = reading.unix_s
        with self._desk.lock:
            record.since_s = record.since_s or now_s
            if record.job:
                self._sound("ended without notice", UnorderlyEnd(job=record.job), now_s)
                record.job = ""
            elif record.window_s and not record.closed and not record.tries:
                record.closed = True
        self._desk.store()

    def run(self) -> None:
        """Until somebody stops it. After an error the record still names the job: the next run tells."""
        try:
            while not self.stopping.is_set():
                self.step()
        except BaseException:
            self._box.power_off()
            raise
        self.end()

    def stop(self) -> None:
        """Make `run` end soon. From a signal handler or any thread."""
        self.stopping.set()
        self._desk.called.set()

    def end(self) -> None:
        """Dark, and said so."""
        self._box.power_off()
        with self._desk.lock:
            self._record.job = ""
        self._desk.store()

    def step(self) -> None:
        """One look and at most one deed."""
        self._beat()
        reading = self._box.look()
        self.reading(reading)
        self._desk.take_cut()  # nothing is live now: there is nothing left to cut
        with self._desk.lock:
            self._notice(reading)
            decision = duty.decide(self._box.schedule, self._record, reading.unix_s)
        match decision.act:
            case Act.WINDOW:
                self._window(decision)
            case Act.SCRUB:
                self._scrub(decision)
            case Act.CLOSE:
                self._close()
            case Act.SKIP:
                self._skip(decision)
            case Act.WAIT:
                self._desk.called.clear()
                self._wake.wait(self._box, decision.until_s, self._desk.called)

    # -- ports.Watcher, while a job runs ----------------------------------------------------------------

    def reading(self, reading: Reading) -> None:
        """A new measurement. Raises CutOrdered where somebody cut: the box is powered off on its way."""
        self._desk.publish(reading)
        self._beat()
        if self._record.job:
            who = "the end of the daemon" if self.stopping.is_set() else self._desk.take_cut()
            if who:
                raise CutOrdered(job=self._record.job, who=who)

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        """What the controller says; it may be lying, so it is shown and decides nothing."""
        if event == "progress":
            self._desk.progressed(fields)

    # -- deeds ---------------------------------------------------------------------------------------

    def _window(self, decision: Decision) -> None:
        assert decision.span is not None
        record = self._record
        with self._desk.lock:
            if record.window_s != decision.span.begin_s:
                record.window_s, record.tries, self._sources = decision.span.begin_s, 0, {}
            record.tries, record.closed, record.again_s = record.tries + 1, False, 0
        self._start("window")
        found = self._attempt(lambda: outcome.of(self._box.window(self)))
        now_s = self._ended()
        with self._desk.lock:
            self._judge(found, now_s)
            record.again_s = now_s + duty.rest_s(record.tries)
            record.closed = not found.retry
        self._tell(f"window {desks.utc(record.window_s)}: {self._record.windows[-1].outcome} {found.code}")
        if record.closed:
            self._close()
        self._desk.store()

    def _scrub(self, decision: Decision) -> None:
        assert decision.span is not None
        with self._desk.lock:
            self._record.scrub_s = decision.span.begin_s
        self._start("scrub")
        finished = False

        def scrub() -> Outcome:
            nonlocal finished
            document = self._box.scrub(self)
            finished = bool(document.get("finished"))
            return Outcome(committed=True, whole=True, retry=False)

        found = self._attempt(scrub)
        now_s = self._ended()
        with self._desk.lock:
            if finished:
                self._record.scrubbed_s = now_s
            self._conditions(found, now_s)
        self._tell(f"scrub: {'finished' if finished else found.code or 'goes on in the next slot'}")
        self._desk.store()

    def _skip(self, decision: Decision) -> None:
        assert decision.span is not None
        with self._desk.lock:
            self._record.window_s, self._record.closed, self._record.skip = decision.span.begin_s, True, False
            past = Past(begin_s=decision.span.begin_s, outcome="skipped")
            desks.remember(self._record, past, WINDOWS_KEPT)
        self._tell(f"window {desks.utc(decision.span.begin_s)}: skipped as asked")
        self._desk.store()

    def _close(self) -> None:
        """Nothing more will be tried in the window: what it amounted to is final."""
        record = self._record
        with self._desk.lock:
            record.closed = True
            now_s = self._box.look().unix_s
            past = next((w for w in record.windows if w.begin_s == record.window_s), None)
            if past is None:  # the process ended in it before it could judge
                past = Past(begin_s=record.window_s, outcome="barren", tries=record.tries,
                            code=UnorderlyEnd.code, cause="the daemon ended")
                desks.remember(record, past, WINDOWS_KEPT)
            if past.outcome == "barren":
                error = WindowBarren(window=desks.utc(past.begin_s), tries=past.tries,
                                     cause_code=past.code or "IW-6103", cause=past.cause)
                self._sound("barren window", error, now_s)
            overdue.count_sources(record, self._box.schedule.sources, past, self._sources)
        self._desk.store()

    # -- around a deed -------------------------------------------------------------------------------

    def _attempt(self, deed: Callable[[], Outcome]) -> Outcome:
        try:
            return deed()
        except IwatoError as error:
            return outcome.failed(error)
        except OSError as error:  # a full or broken disk under the daemon's own files
            return outcome.failed(RecordLost(detail=error.strerror or str(error)))

    def _start(self, job: str) -> None:
        with self._desk.lock:
            self._record.job = job
        self._desk.store()  # before anything is connected: a crash is then known for what it was
        self._tell(f"{job} begins")

    def _ended(self) -> int:
        """The job is over: the box is dark and idle again. The interlock's time."""
        with self._desk.lock:
            self._record.job = ""
        self._desk.progressed({})
        self._rise()
        self._wake.rejoin()
        reading = self._box.look()
        self._desk.publish(reading)
        return reading.unix_s

    def _rise(self) -> None:
        try:
            self._box.power_up()
        except IwatoError as error:
            now_s = self._box.look().unix_s
            with self._desk.lock:
                self._sound("no rest", error, now_s)
            return
        with self._desk.lock:
            alarms.end(self._record, "no rest", now_s=self._box.look().unix_s)

    def _judge(self, found: Outcome, now_s: int) -> None:
        record = self._record
        earlier = next((w for w in record.windows if w.begin_s == record.window_s), None)
        self._sources |= {name: True for name, whole in found.sources.items() if whole}
        word = "committed" if found.whole else "partial" if found.committed else "barren"
        if found.code == CutOrdered.code:
            word = "cut"
        if earlier is not None and earlier.outcome in desks.ALWAYS and not found.committed:
            earlier.tries = record.tries  # what an earlier attempt committed stays committed
        else:
            why = found if earlier is None or found.code != InterlockRefused.code else earlier
            past = Past(
                begin_s=record.window_s, outcome=word, tries=record.tries, code=why.code,
                cause=why.cause, snapshot=found.snapshot, bytes_new=found.bytes_new,
                bytes_stored=found.bytes_stored + (earlier.bytes_stored if earlier else 0),
                link_s=found.link_s + (earlier.link_s if earlier else 0),
            )
            desks.remember(record, past, WINDOWS_KEPT)
        if word == "cut":
            self._sound("cut", CutOrdered(job="window", who=found.cause), now_s)
        self._conditions(found, now_s)

    def _conditions(self, found: Outcome, now_s: int) -> None:
        """What an attempt says of lasting conditions."""
        if found.foreign:
            self._sound("foreign network", NetworkForeign(count=found.foreign), now_s)
        elif found.committed:
            alarms.end(self._record, "foreign network", now_s=now_s)

    # -- conditions ----------------------------------------------------------------------------------

    def _notice(self, reading: Reading) -> None:
        """What the measurement and the clock tell, whatever is due; what is overdue or full now and then."""
        record, now_s = self._record, reading.unix_s
        news = notice.take(record, self._box.schedule, reading, clock_known=self._box.clock_known)
        is_time = now_s > 0 and abs(now_s - self._looked_s) >= LOOK_S
        if is_time:
            self._looked_s = now_s
            unseen = self._box.unseen_windows()
            news += overdue.look(record, self._box.rooms(), self._box.proven_s(), unseen, now_s)
        if self._desk.store_error:
            self._sound("record lost", RecordLost(detail=self._desk.store_error), now_s)
        elif is_time:
            alarms.end(record, "record lost", now_s=now_s)
        for alarm in news:
            self._say(alarm)
        if news or is_time:
            self._desk.store()

    def _sound(self, kind: str, error: IwatoError, now_s: int) -> None:
        alarm = alarms.sound(self._record, kind, error, now_s=now_s)
        if alarm is not None:
            self._say(alarm)
