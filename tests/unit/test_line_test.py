"""`iwato line`'s survey and test, against the twin: over the board's channel and over gpiozero's pins."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from appliance.adapters.link import BoardLink
from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused
from appliance.service import line_survey
from appliance.service.line_bench import Bench as LineBench
from appliance.service.line_bench import Finding, Question, Step, StepResult, Verdict
from appliance.service.line_survey import Survey
from appliance.service.line_test import LineTest
from appliance.service.pulse import InlinePulse
from hw.twin import scenario
from tests.contract.pin_bench import MAKERS, Controls, PinBench
from tests.unit.twin_bench import BAYS, WINDOW_S, Boot

SETTLE_MS = 50


@dataclass
class Person:
    """At the bench: says what the copper does, unless told to say something else; turns the key."""

    bench: PinBench
    says: dict[Question, bool | None] = field(default_factory=dict)
    hands: bool = True
    log: list[str] = field(default_factory=list)

    def begins(self, step: Step) -> None:
        self.log.append(step)

    def sees(self, question: Question) -> bool | None:
        self.log.append(question)
        if question in self.says:
            return self.says[question]
        circuit = self.bench.bench.plant.circuit
        match question:
            case Question.LAMP_DARK:
                return not circuit.link_conducting
            case Question.LAMP_LIT:
                return circuit.link_conducting
            case Question.DRIVES_DARK:
                return not any(circuit.drives_live)

    def turns_key(self, *, turned: bool) -> bool:
        if self.hands:
            self.bench.bench.plant.turn_key(turned=turned)
        return self.hands

    def ended(self, result: StepResult) -> None:
        self.log.append(result.verdict)


def line_bench(boot: Boot, controls: Controls) -> LineBench:
    return LineBench(
        relays=controls,
        senses=controls.senses,
        link=BoardLink(boot.channel),
        interlock=boot.interlock,
        clock=boot.controller,
        bays=tuple(boot.bays),
        pulse=lambda keeper: InlinePulse(keeper, boot.controller),
        settle_ms=SETTLE_MS,
        carrier_ms=400,
    )


@pytest.fixture(params=sorted(MAKERS))
def bench(request: pytest.FixtureRequest) -> PinBench:
    if request.param == "gpiozero":
        return PinBench(_with_bays)
    return PinBench(MAKERS[request.param])


def _with_bays(boot: Boot) -> Controls:
    """gpiozero's pins on a box whose bus shows no drive."""
    pins = MAKERS["gpiozero"](boot)
    inner = pins.senses
    pins.senses = lambda: inner((None,) * BAYS)  # type: ignore[method-assign,call-arg]
    return pins


def tried(
    bench: PinBench, person: Person | None = None, *, connect: bool = False, events: str = "", at_s: int = 0
) -> dict[Step, StepResult]:
    bench.bench.scenario = scenario.parse(events, bays=BAYS) if events else scenario.Scenario()
    results: list[StepResult] = []

    def act(boot: Boot, controls: Controls) -> None:
        if at_s:
            bench.bench.plant.jump(at_s)
        eyes = person or Person(bench)
        results.extend(LineTest(line_bench(boot, controls), eyes, connect=connect).run())

    bench.play(act)
    return {result.step: result for result in results}


def surveyed(bench: PinBench, events: str = "") -> Survey:
    bench.bench.scenario = scenario.parse(events, bays=BAYS) if events else scenario.Scenario()
    seen: list[Survey] = []

    def act(boot: Boot, controls: Controls) -> None:
        lines = line_bench(boot, controls)
        lines.interlock.hello()
        boot.controller.sleep_ms(SETTLE_MS)
        seen.append(line_survey.look(lines))

    bench.play(act)
    return seen[0]


def event(do: str, **values: object) -> str:
    """At once, but after the interlock has proved the box dark."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[[event]]", 'in_phase = "ISOLATED"', f'do = "{do}"', *lines, ""])


# Survey ---------------------------------------------------------------------------------------------------


def test_a_dark_box_is_cut_by_every_measure(bench: PinBench) -> None:
    seen = surveyed(bench)
    assert [line.line for line in seen.lines] == ["link", *(f"drive {bay}" for bay in range(1, BAYS + 1))]
    assert not any(line.ordered or line.interlock or line.controller for line in seen.lines)
    assert (seen.alarming, seen.carrier, seen.others) == (False, False, 0)
    assert 0 <= seen.controller_age_ms <= seen.interlock_age_ms


def test_a_link_that_carries_although_it_is_cut_alarms(bench: PinBench) -> None:
    assert surveyed(bench, event("hold_carrier")).alarming


# The test, passed -----------------------------------------------------------------------------------------


def test_a_sound_bench_passes_every_step_and_connects_nothing(bench: PinBench) -> None:
    results = tried(bench)
    assert set(results) == set(Step)
    assert results.pop(Step.CONNECT).verdict is Verdict.SKIPPED
    assert {result.verdict for result in results.values()} == {Verdict.PASSED}
    totals = bench.bench.plant.totals
    assert (totals.link_ms, totals.drives_ms) == (0, 0)


def test_in_its_window_the_link_is_connected_seen_and_cut_again(bench: PinBench) -> None:
    person = Person(bench)
    results = tried(bench, person, connect=True, at_s=WINDOW_S)
    assert results[Step.CONNECT] == StepResult(step=Step.CONNECT, verdict=Verdict.PASSED)
    assert person.log[-4:] == [Step.CONNECT, Question.LAMP_LIT, Question.LAMP_DARK, Verdict.PASSED]
    totals = bench.bench.plant.totals
    assert 0 < totals.link_ms < 5_000
    assert totals.never_both


def test_outside_its_window_the_interlock_refuses_and_nothing_is_forced(bench: PinBench) -> None:
    result = tried(bench, connect=True)[Step.CONNECT]
    assert (result.verdict, result.cause) == (Verdict.REFUSED, "OUTSIDE_WINDOW")
    assert bench.bench.plant.totals.link_ms == 0


def test_where_nobody_looks_no_step_that_needs_eyes_is_called_passed(bench: PinBench) -> None:
    nobody = Person(bench, says=dict.fromkeys(Question), hands=False)
    results = tried(bench, nobody)
    assert results[Step.DARK].verdict is Verdict.UNSEEN
    assert results[Step.KEY].verdict is Verdict.UNSEEN
    assert results[Step.K1_ALONE].verdict is Verdict.PASSED


# The test, failed -----------------------------------------------------------------------------------------


def failed(results: dict[Step, StepResult]) -> tuple[Step, tuple[Finding, ...]]:
    """The last step, which has to be the failed one."""
    step, result = list(results.items())[-1]
    assert result.verdict is Verdict.FAILED
    return step, result.findings


@pytest.mark.parametrize("question", [Question.LAMP_DARK, Question.DRIVES_DARK])
def test_a_person_who_says_no_ends_the_test(bench: PinBench, question: Question) -> None:
    step, findings = failed(tried(bench, Person(bench, says={question: False})))
    assert (step, findings) == (Step.DARK, (Finding(line=question.value, side="eyes", live=True),))


def test_a_lamp_that_stays_dark_while_everything_measures_connected_is_a_failure(bench: PinBench) -> None:
    person = Person(bench, says={Question.LAMP_LIT: False})
    step, findings = failed(tried(bench, person, connect=True, at_s=WINDOW_S))
    assert (step, findings[0].side) == (Step.CONNECT, "eyes")
    assert not bench.bench.plant.circuit.link_conducting


def test_a_sense_that_is_stuck_is_found_before_anything_is_energised(bench: PinBench) -> None:
    stuck = event("stick", line="k1_conducting", level=True, side="controller")
    step, findings = failed(tried(bench, events=stuck))
    assert (step, findings) == (Step.DARK, (Finding(line="K1", side="controller", live=True),))


def test_another_network_is_found(bench: PinBench) -> None:
    _, findings = failed(tried(bench, events=event("add_interface")))
    assert findings == (Finding(line="another network", side="controller", live=True),)


BRIDGED = '[[event]]\nat_s = 0\ndo = "short_pump"\nsupply = "link"\n'
BRIDGED += '[[event]]\nat_s = 0\ndo = "stick_k3"\nthrow = "link"\n'


class Bridging(Person):
    """Just before both halves of the link are tried, its coils get a supply that nobody permitted. (One
    fault is not enough for that, and the interlock finds the second one within 100 ms.)"""

    def begins(self, step: Step) -> None:
        super().begins(step)
        if step is Step.LINK_ALONE:
            for deed in scenario.parse(BRIDGED, bays=BAYS).deeds:
                self.bench.bench.plant.do(deed)


def test_a_coil_supply_that_nobody_permitted_is_found_by_the_controllers_half(bench: PinBench) -> None:
    step, findings = failed(tried(bench, Bridging(bench)))
    assert step is Step.LINK_ALONE
    assert {Finding(line=name, side="controller", live=True) for name in ("K1", "K2")} <= set(findings)
    bench.bench.plant.advance(SETTLE_MS)
    assert not bench.bench.plant.circuit.link_conducting


def test_a_key_switch_that_never_turns_is_found(bench: PinBench) -> None:
    stuck = event("stick", line="key_turned", level=False)
    step, findings = failed(tried(bench, events=stuck))
    assert (step, findings) == (Step.KEY, (Finding(line="key", side="controller", live=False),))


@pytest.mark.parametrize("events", ["", event("stick", line="k1_conducting", level=True, side="controller")])
def test_however_it_ends_every_coil_is_released(bench: PinBench, events: str) -> None:
    tried(bench, events=events)
    bench.bench.plant.advance(SETTLE_MS)
    assert not bench.bench.plant._gpio


def test_an_error_in_the_middle_releases_every_coil(bench: PinBench) -> None:
    class Fainting(Person):
        def sees(self, question: Question) -> bool | None:
            if len(self.log) > 8:
                raise KeyboardInterrupt
            return super().sees(question)

    caught: list[int | None] = []

    def act(boot: Boot, controls: Controls) -> None:
        try:
            LineTest(line_bench(boot, controls), Fainting(bench), connect=False).run()
        except KeyboardInterrupt:
            boot.controller.sleep_ms(SETTLE_MS)
            caught.append(bench.bench.plant._gpio)

    bench.play(act)
    assert caught == [0]


def test_a_box_that_is_not_isolated_is_not_tried(
    bench: PinBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that boots into a drive phase would feed the drives."""

    def act(boot: Boot, controls: Controls) -> None:
        inner = boot.interlock.hello
        monkeypatch.setattr(boot.interlock, "hello", lambda: replace(inner(), phase=Phase.SCRUB))
        with pytest.raises(InterlockRefused, match="SCRUB"):
            LineTest(line_bench(boot, controls), Person(bench), connect=True).run()

    bench.play(act)
    assert bench.bench.plant.totals.drives_ms == 0


# The test of the test -------------------------------------------------------------------------------------


@pytest.mark.planted
def test_a_test_that_energises_nothing_is_told_from_ours(
    bench: PinBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LineTest, "_alone", lambda self, step, **_: self._dark(step))
    results = tried(bench, Bridging(bench))
    assert Verdict.FAILED not in {result.verdict for result in results.values()}
