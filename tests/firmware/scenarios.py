"""Directed attacks and accidents, each against a given model and under the observer's eyes.

The exploration and the voyages cover what is near; these reach what needs a long or exact run-up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from firmware.model import step
from firmware.model.facts import Span
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import Cosign, Heartbeat, RequestPhase
from tests.firmware.box import Stepper, order_text, sign
from tests.firmware.papers import stamp
from tests.firmware.voyage import Voyage

WINDOW = 43_800
SCRUB = 46_800


def started(stepper: Stepper) -> Voyage:
    """A box in its window, nothing yet connected."""
    voyage = Voyage(0, stepper)
    voyage.box.jump_to(WINDOW)
    voyage.box.beat()
    return voyage


def old_beats_keep_coming(stepper: Stepper = step.step) -> None:
    """The controller died; somebody on the wire delivers its last beats late, at the worst moments."""
    box = started(stepper).box
    box.connect()
    old = box.uptime_ms
    late = [box.outer.send(Heartbeat(progress=n, stamp_ms=old)) for n in range(10)]
    for data in late:
        box.run(400)
        box.raw(data)


def budget_runs_out(stepper: Stepper = step.step) -> None:
    """Four hours less five seconds are used; the link must end five seconds later."""
    voyage = started(stepper)
    box = voyage.box
    assert box.rtc_s is not None
    spans = tuple(
        Span(begin_s=box.rtc_s - 80_000 + n * 7200, end_s=box.rtc_s - 72_805 + n * 7200 + 5 * (n == 0))
        for n in range(2)
    )
    box.state = replace(box.state, fram=replace(box.state.fram, exposure=spans))
    voyage.ghost = replace(voyage.ghost, links=tuple((one.begin_s, one.end_s) for one in spans))
    box.connect()
    box.until(lambda: box.phase is not Phase.INTAKE, 10_000, beating=True)


def reconnect_at_once(stepper: Stepper = step.step) -> None:
    """Connect, cut, and ask again without a pause."""
    box = started(stepper).box
    box.connect()
    box.say(RequestPhase(phase=Phase.ISOLATED))
    box.run(200)
    box.beat()
    box.say(RequestPhase(phase=Phase.INTAKE))
    box.contact_test()
    box.run(200)


def recover_then_connect(stepper: Stepper = step.step) -> None:
    """A recovery just before the window, the link right after it."""
    voyage = started(stepper)
    box = voyage.box
    policy = box.state.fram.policy
    assert policy is not None
    assert box.rtc_s is not None
    text = order_text(policy, expires=stamp(box.rtc_s + 600))
    box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, b"iwato-recovery-order@v1", (1, 2, 3)))
    box.key = True
    box.tick()
    box.say(RequestPhase(phase=Phase.RECOVERY))
    box.run(2000)
    box.beat()
    box.run(200)
    box.done()
    box.until(lambda: box.phase is not Phase.AIRLOCK, 20_000)
    box.beat()
    box.say(RequestPhase(phase=Phase.INTAKE))
    box.contact_test()
    box.run(100)
    box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, b"iwato-recovery-order@v1", (1, 2, 3)))
    other = order_text(policy, nonce=2, expires=stamp(box.rtc_s + 600))
    box.run(62_000)
    box.beat()
    box.upload(UploadKind.RECOVERY_ORDER, other, sign(other, b"iwato-recovery-order@v1", (1, 2, 3)))


def one_order_after_another(stepper: Stepper = step.step) -> None:
    """Many orders live at once; the first is handed in again at the end."""
    pen = started(stepper).pen
    texts = [pen.recovery() for _ in range(4)]
    for text in (*texts, texts[0]):
        pen.hand_in(UploadKind.RECOVERY_ORDER, text)


def a_contact_welds(stepper: Stepper = step.step) -> None:
    """Each contact in turn stays conducting after the link was cut, or a drive's after the scrub."""
    for name in ("k1", "k2", "drives"):
        box = started(stepper).box
        setattr(box.weld, name, 0b1 if name == "drives" else True)
        box.run(800)


def memory_over_a_reset(stepper: Stepper = step.step) -> None:
    """Facts made just before the power fails are facts after it."""
    box = started(stepper).box
    box.say(Cosign(size=1, leaf_hash=b"\x01" * 32))
    box.say(Cosign(size=2, leaf_hash=b"\x02" * 32))
    box.run(2000)
    box.say(Cosign(size=2, leaf_hash=b"\x02" * 32))
    box.power_on()
    box.boot()
    box.say(Cosign(size=2, leaf_hash=b"\x03" * 32))
    box.say(RequestPhase(phase=Phase.SECURED))
    box.power_on()
    box.boot()


def controller_dies(stepper: Stepper = step.step) -> None:
    """The controller falls silent in every phase that needs it, with its pins left high."""
    for phase, second in ((Phase.INTAKE, WINDOW), (Phase.SCRUB, SCRUB)):
        voyage = started(stepper)
        box = voyage.box
        box.jump_to(second)
        if phase is Phase.INTAKE:
            box.connect()
        else:
            box.beat()
            box.say(RequestPhase(phase=phase))
            box.run(2000)
            box.beat()
            box.coils.drives = 0b111
        box.run(4000)


def clock_goes_back(stepper: Stepper = step.step) -> None:
    """The crystal loses half a minute while the link conducts."""
    box = started(stepper).box
    box.run(20_000)
    box.connect()
    assert box.rtc_s is not None
    box.rtc_s -= 15
    box.run(500)


SCENARIOS: tuple[Callable[[Stepper], None], ...] = (
    old_beats_keep_coming,
    budget_runs_out,
    reconnect_at_once,
    recover_then_connect,
    one_order_after_another,
    a_contact_welds,
    memory_over_a_reset,
    controller_dies,
    clock_goes_back,
)
