"""A seeded voyage: a fully hostile controller, careless people and failing parts against one box.

Everything that happens follows from the seed, so a failure replays from it.
"""

from __future__ import annotations

import random

from firmware.model import step
from firmware.model.state import Input, Output, State
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import Cosign, Done, EventRead, Heartbeat, Message, RequestPhase
from tests.firmware import invariants
from tests.firmware.box import HOLDERS, Box, Stepper, order_text, policy_text, sign
from tests.firmware.papers import TWO_GROUPS, Pen, Vote, replaced, stamp, votes

PHASES = tuple(Phase)
Paper = tuple[UploadKind, bytes, list[Vote]]
TIMES = (43_790, 43_800, 43_850, 43_915, 46_790, 46_800, 47_095, 0)


class Voyage:
    """One run. `go(moves)` raises invariants.Violation when the model under `stepper` breaks a promise."""

    def __init__(self, seed: int, stepper: Stepper = step.step) -> None:
        self.random = random.Random(seed)
        self.inner = stepper
        self.ghost = invariants.Ghost()
        self.phases: set[Phase] = set()
        self.kept: list[bytes] = []
        self.orders = 0
        self.box = Box(stepper=self.observed)
        self.box.boot()
        self.box.birth(policy_text(drives=TWO_GROUPS, delay="30m"))
        self.pen = Pen(self.box)
        self.papers: list[Paper] = []

    def observed(self, state: State, event: Input) -> tuple[State, tuple[Output, ...]]:
        after, outputs = self.inner(state, event)
        self.ghost = invariants.watch(self.ghost, state, event, after, outputs, invariants.PLAIN)
        self.phases.add(after.phase)
        return after, outputs

    def go(self, moves: int, *, breakage: bool = True) -> None:
        choices = [
            (30, self.work),
            (20, self.pass_time),
            (14, self.shake_coils),
            (14, self.say_anything),
            (8, self.jump),
            (3, self.replay),
            (2, self.noise),
            (4, self.upload_order),
            (8, self.hand_in),
            (3, self.wait_for_a_policy),
            (2, self.people),
            (1, self.reset),
            (1 if breakage else 0, self.break_clock),
        ]
        acts = [act for _, act in choices]
        weights = [weight for weight, _ in choices]
        for _ in range(moves):
            self.random.choices(acts, weights)[0]()

    def work(self) -> None:
        """Go on like an honest controller would, or nearly."""
        box = self.box
        match box.phase:
            case Phase.ISOLATED:
                if self.random.random() < 0.2:
                    self.jump()
                box.beat()
                wish = (
                    Phase.RECOVERY
                    if box.state.order is not None
                    else self.random.choice(
                        (Phase.INTAKE, Phase.INTAKE, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY)
                    )
                )
                box.say(RequestPhase(phase=wish))
            case Phase.CONTACT_TEST:
                for k1, k2 in ((True, False), (False, True), (True, True)):
                    box.coils.k1, box.coils.k2 = k1, k2
                    box.run(60)
            case Phase.INTAKE:
                box.run(400)
                box.beat()
                if self.random.random() < 0.3:
                    box.say(Done(phase=Phase.INTAKE))
            case Phase.SEAL | Phase.SCRUB | Phase.RECOVERY:
                box.beat()
                box.coils.drives = self.random.choice((0b111, 0b010, 0b111111))
                box.run(200)
                size = box.state.fram.log.size
                box.say(Cosign(size=size + self.random.choice((0, 1, 1, 2)), leaf_hash=self.leaf()))
                if self.random.random() < 0.2:
                    box.say(Done(phase=box.phase))
            case _:
                box.run(1000)

    def pass_time(self) -> None:
        beat = self.random.random() < 0.7
        for _ in range(self.random.randrange(1, 8)):
            self.box.run(self.random.choice((20, 100, 400)))
            if beat:
                self.box.beat()

    def shake_coils(self) -> None:
        coils = self.box.coils
        coils.k1, coils.k2 = self.random.random() < 0.5, self.random.random() < 0.5
        coils.drives = self.random.randrange(64)
        self.box.run(self.random.choice((20, 60)))

    def say_anything(self) -> None:
        draw = self.random.random()
        phase = self.random.choice(PHASES)
        message: Message
        if draw < 0.35:
            if phase is Phase.SECURED and self.random.random() < 0.9:
                phase = Phase.INTAKE
            message = RequestPhase(phase=phase)
        elif draw < 0.55:
            message = Done(phase=phase)
        elif draw < 0.75:
            message = Heartbeat(
                progress=0, stamp_ms=max(0, self.box.uptime_ms + self.random.randrange(-3000, 500))
            )
        elif draw < 0.9:
            size = self.box.state.fram.log.size
            message = Cosign(size=max(0, size + self.random.randrange(-1, 3)), leaf_hash=self.leaf())
        else:
            message = EventRead(after=self.random.randrange(100))
        self.box.say(message)

    def leaf(self) -> bytes:
        return bytes([self.random.randrange(3)]) * 32

    def jump(self) -> None:
        self.box.jump_to(self.random.choice(TIMES))

    def replay(self) -> None:
        data = self.box.outer.send(Heartbeat(progress=1, stamp_ms=self.box.stamp_ms))
        self.kept.append(data)
        for old in self.random.sample(self.kept, min(3, len(self.kept))):
            self.box.raw(old)

    def noise(self) -> None:
        self.box.raw(self.random.randbytes(self.random.randrange(1, 60)))

    def upload_order(self) -> None:
        policy = self.box.state.fram.policy
        if policy is None or self.box.rtc_s is None or self.box.phase is not Phase.ISOLATED:
            return
        self.orders += 1
        nonce = self.random.randrange(1, self.orders + 1)
        expires = self.box.rtc_s + self.random.choice((-10, 30, 3600))
        text = order_text(policy, nonce=nonce, expires=stamp(expires))
        holders = self.random.choice(((1, 2, 3), (1, 2, 3), (1, 2), (1, 1, 2)))
        self.box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, b"iwato-recovery-order@v1", holders))
        self.box.key = self.random.random() < 0.7

    def hand_in(self) -> None:
        """Any kind of text, signed by many, few or the wrong ones, as itself or as another; or an old one."""
        box = self.box
        dark = box.phase in (Phase.ISOLATED, Phase.SECURED, Phase.FAULT)
        if not dark or box.rtc_s is None or not box.state.senses.controller_supplied:
            return
        box.key = self.random.random() < 0.8
        box.tick()
        if self.papers and self.random.random() < 0.25:
            box.upload(*self.random.choice(self.papers))
            return
        kind = self.random.choice((*UploadKind, *self.likely()))
        text = self.paper(kind)
        holders = self.random.choice(((1, 2, 3), (1, 2, 3), (2, 3, 4), (1, 2), (4,), (5,), (1, 2, 3, 4)))
        meant = kind if self.random.random() < 0.9 else self.random.choice(tuple(UploadKind))
        signed = [*votes(meant, text, holders), *self.pen.entering(text)]
        self.papers.append((kind, text, signed))
        box.upload(kind, text, signed)

    def likely(self) -> tuple[UploadKind, ...]:
        """What somebody would hand in now."""
        if self.box.phase is not Phase.ISOLATED:
            return (UploadKind.RELEASE_ORDER,) * 8
        pending = self.box.state.fram.pending
        if pending is None:
            return (UploadKind.POLICY,) * 4
        return (UploadKind.OVERRIDE,) * 4 if pending.vetoes else (UploadKind.VETO,) * 2

    def paper(self, kind: UploadKind) -> bytes:
        pen, draw, box = self.pen, self.random, self.box
        fram, now_s = box.state.fram, box.rtc_s or box.state.fram.time_floor_s
        match kind:
            case UploadKind.VETO | UploadKind.OVERRIDE if fram.pending is not None:
                standing = [n for n in range(1, 17) if fram.pending.vetoes >> n - 1 & 1]
                return pen.veto() if kind is UploadKind.VETO else pen.override(*(standing or [4]))
            case UploadKind.RELEASE_ORDER:
                return pen.release(secured=fram.secured != (draw.random() < 0.1), fault=fram.fault)
            case UploadKind.TIME_ORDER:
                return pen.time(now_s + draw.choice((-900, -200, 30, 3600, 90_000)))
            case UploadKind.UNSEAL_ORDER:
                return pen.unseal(draw.choice((1, 2, 2, 2)), life_s=draw.choice((3, 600)))
            case UploadKind.RECOVERY_ORDER:
                return pen.recovery(life_s=draw.choice((30, 3600)))
            case _:
                holders = draw.choice((HOLDERS, HOLDERS, replaced(5)))
                version = pen.policy.version + draw.choice((1, 1, 1, 2))
                return pen.successor(delay=draw.choice(("30m", "1h")), holders=holders, version=version)

    def wait_for_a_policy(self) -> None:
        pending = self.box.state.fram.pending
        if pending is None or self.box.rtc_s is None:
            return
        self.box.rtc_s = max(self.box.rtc_s, pending.due_s - self.random.choice((0, 0, 5, 600)))
        self.box.run(10_100)

    def people(self) -> None:
        self.box.cut = True
        self.box.run(self.random.choice((20, 500)))
        self.box.cut = False
        self.box.key = self.random.random() < 0.5
        self.box.run(40)

    def reset(self) -> None:
        self.box.power_on()
        self.box.boot()

    def break_clock(self) -> None:
        rtc_s = self.box.rtc_s
        self.box.rtc_s = None if self.random.random() < 0.5 or rtc_s is None else rtc_s - 400
        self.box.run(200)
        self.box.rtc_s = rtc_s
        self.box.run(100)
