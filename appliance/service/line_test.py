"""The guided test of a bench: every line tried alone, with both sides' measurements and a person's eyes.

The controller energises its half of every coil while the interlock permits nothing: no line may connect.
Only `connect` connects, the link alone, by the interlock's own window, contact test and budget; it counts as
one of the window's connections. Link and drives are never energised together, not even by the controller's
half alone. Drives are connected by a scrub, which boots the sealing medium, and not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from appliance.domain.ids import Bay
from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused
from appliance.service import line_survey
from appliance.service.keeper import Keeper
from appliance.service.line_bench import Bench, Eyes, Finding, Question, Step, StepResult, Verdict
from appliance.service.line_survey import Survey

WAIT_MS = 50  # ms between two looks
CONTACTS_MS = 2000  # ms; the interlock's contact test takes at most 500


class LineTest:
    """One run. Every way out of it releases every coil. `connect`: also connect the link in its window."""

    def __init__(self, bench: Bench, eyes: Eyes, *, connect: bool) -> None:
        self._bench, self._eyes, self._connect = bench, eyes, connect
        self._keeper = Keeper(bench.interlock, bench.relays, bench.clock, bench.bays)
        self._pulse = bench.pulse(self._keeper)

    def run(self) -> list[StepResult]:
        """All steps in their order; after the first that failed nothing is tried any more. Raises
        InterlockRefused unless the box is ISOLATED, InterlockSilent, PinsUnusable."""
        done: list[StepResult] = []
        phase = self._bench.interlock.hello().phase
        if phase is not Phase.ISOLATED:  # a keeper that boots into a drive phase feeds the drives
            raise InterlockRefused(request="line test", cause=phase.value)
        try:
            self._keeper.boot()
            with self._pulse:
                for step, act in self._steps():
                    self._eyes.begins(step)
                    result = act(step)
                    self._eyes.ended(result)
                    done.append(result)
                    if result.verdict is Verdict.FAILED:
                        break
        finally:
            self._release()
        return done

    def _steps(self) -> Iterator[tuple[Step, Callable[[Step], StepResult]]]:
        yield Step.DARK, self._dark
        yield Step.K1_ALONE, lambda step: self._alone(step, k1=True, k2=False)
        yield Step.K2_ALONE, lambda step: self._alone(step, k1=False, k2=True)
        yield Step.LINK_ALONE, lambda step: self._alone(step, k1=True, k2=True)
        yield Step.DRIVES_ALONE, self._drives_alone
        yield Step.KEY, self._key
        yield Step.DARK_AGAIN, self._dark
        yield Step.CONNECT, self._connected

    # Steps ----------------------------------------------------------------------------------------------

    def _dark(self, step: Step) -> StepResult:
        self._release()
        self._settle()
        return self._judged(step, self._live(), [Question.LAMP_DARK, Question.DRIVES_DARK])

    def _alone(self, step: Step, *, k1: bool, k2: bool) -> StepResult:
        """The controller's half of the link's coils, and nobody else's."""
        self._bench.relays.energise_link(k1=k1, k2=k2)
        self._settle()
        questions = [Question.LAMP_DARK] if k1 and k2 else []
        result = self._judged(step, self._live(), questions)
        self._release()
        return result

    def _drives_alone(self, step: Step) -> StepResult:
        """One bay after the other, then all of them."""
        found: list[Finding] = []
        every: list[tuple[Bay, ...]] = [(bay,) for bay in self._bench.bays]
        for bays in [*every, self._bench.bays]:
            self._bench.relays.energise_drives(bays)
            self._settle()
            found += [finding for finding in self._live() if finding not in found]
        result = self._judged(step, found, [Question.DRIVES_DARK])
        self._release()
        return result

    def _key(self, step: Step) -> StepResult:
        """The key switch does nothing by itself; a switch that reads turned at rest is a broken wire's
        opposite, and one that never turns keeps a box from every recovery."""
        for turned in (True, False):
            if not self._eyes.turns_key(turned=turned):
                return StepResult(step=step, verdict=Verdict.UNSEEN)
            self._settle()
            if self._bench.senses().key_turned is not turned:
                found = Finding(line="key", side="controller", live=not turned)
                return StepResult(step=step, verdict=Verdict.FAILED, findings=(found,))
        return StepResult(step=step, verdict=Verdict.PASSED)

    def _connected(self, step: Step) -> StepResult:
        """The link, as the interlock permits it; then cut again by the controller's half alone."""
        if not self._connect:
            return StepResult(step=step, verdict=Verdict.SKIPPED)
        try:
            self._keeper.request_link()
        except InterlockRefused as error:
            cause = str(error.values["cause"])
            return StepResult(step=step, verdict=Verdict.REFUSED, cause=cause)
        self._wait(CONTACTS_MS, lambda: self._keeper.phase is not Phase.CONTACT_TEST)
        if self._keeper.phase is not Phase.INTAKE:
            return StepResult(step=step, verdict=Verdict.FAILED, cause=self._keeper.cause)
        try:
            return self._cut_again(self._seen_connected(step))
        finally:
            self._keeper.work_done()  # the interlock now takes the controller's supply away

    def _seen_connected(self, step: Step) -> StepResult:
        self._wait(self._bench.carrier_ms, self._bench.link.carrier)
        found = list(self._cut(line_survey.look(self._bench)))
        return self._judged(step, found, [Question.LAMP_LIT])

    def _cut_again(self, seen: StepResult) -> StepResult:
        self._release()
        self._settle()
        after = self._judged(seen.step, self._live(), [Question.LAMP_DARK])
        verdicts = {seen.verdict, after.verdict}
        worst = next(v for v in (Verdict.FAILED, Verdict.UNSEEN, Verdict.PASSED) if v in verdicts)
        return StepResult(step=seen.step, verdict=worst, findings=seen.findings + after.findings)

    # Looking --------------------------------------------------------------------------------------------

    def _live(self) -> list[Finding]:
        """Everything that is CONNECTED, by anybody's measure."""
        seen = line_survey.look(self._bench)
        senses = seen.senses
        own = {"K1": senses.k1_conducting, "K2": senses.k2_conducting, "carrier": seen.carrier}
        found = [Finding(line=name, side="controller", live=True) for name, live in own.items() if live]
        found += [
            Finding(line=line.line, side="interlock", live=True) for line in seen.lines if line.interlock
        ]
        found += [
            Finding(line=line.line, side="controller", live=True)
            for line in seen.lines[1:]
            if line.controller
        ]
        if seen.others:
            found.append(Finding(line="another network", side="controller", live=True))
        return found

    def _cut(self, seen: Survey) -> Iterator[Finding]:
        """What of the link is cut although it should be CONNECTED; drives that are not dark."""
        own = {
            "K1": seen.senses.k1_conducting,
            "K2": seen.senses.k2_conducting,
            "carrier": seen.carrier,
        }
        for name in (name for name, live in own.items() if not live):
            yield Finding(line=name, side="controller", live=False)
        if not seen.lines[0].interlock:
            yield Finding(line=line_survey.LINK, side="interlock", live=False)
        for line in seen.lines[1:]:
            if line.interlock:
                yield Finding(line=line.line, side="interlock", live=True)

    def _judged(self, step: Step, found: Iterable[Finding], questions: Iterable[Question]) -> StepResult:
        """Nobody is asked to look at what was already measured wrong."""
        findings = tuple(found)
        answers = {} if findings else {question: self._eyes.sees(question) for question in questions}
        wrong = tuple(
            Finding(line=question.value, side="eyes", live=question is not Question.LAMP_LIT)
            for question, answer in answers.items()
            if answer is False
        )
        if findings or wrong:
            return StepResult(step=step, verdict=Verdict.FAILED, findings=findings + wrong)
        unseen = any(answer is None for answer in answers.values())
        return StepResult(step=step, verdict=Verdict.UNSEEN if unseen else Verdict.PASSED)

    # Moving ---------------------------------------------------------------------------------------------

    def _release(self) -> None:
        self._bench.relays.energise_link(k1=False, k2=False)
        self._bench.relays.energise_drives(())

    def _settle(self) -> None:
        self._pulse.wait(self._bench.settle_ms)

    def _wait(self, most_ms: int, until: Callable[[], bool]) -> None:
        for _ in range(max(1, most_ms // WAIT_MS)):
            if until():
                return
            self._pulse.wait(WAIT_MS)
