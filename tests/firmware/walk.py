"""Seeded walks of the interlock: a hostile controller and wire, senses against physics, a clock that jumps.

A walk begins with what some memory holds, boots, and does whatever the dice say. Everything is on record for
`recording.replay`. The dice prefer what goes on: a walk that is only refused explores nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.model.state import Senses, Tick
from firmware.wire import frame, messages
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import (
    AuthorityRead,
    ChallengeRead,
    Cosign,
    Done,
    EventRead,
    Granted,
    Heartbeat,
    Message,
    NoEvent,
    RequestPhase,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadSignature,
)
from tests.firmware.box import BAYS, NOON_S, policy_text
from tests.firmware.papers import TWO_GROUPS, Pen, votes
from tests.firmware.recording import RecordingBox

STEPS_MS = (20, 100, 100, 100, 100, 400, 600, 1100, 1700, 12_000)
TIMES_S = (
    43_799,
    43_800,
    43_830,
    43_858,
    43_859,
    43_860,
    43_890,
    43_919,
    43_920,
    46_800,
    46_950,
    47_099,
    47_100,
)
ASKED = tuple(Phase)
DRIVING = ((Phase.SEAL, 43_870), (Phase.SCRUB, 46_810), (Phase.RECOVERY, 50_000))
HOLDERS: tuple[tuple[int, ...], ...] = ((1, 2, 3), (3, 4, 5), (1, 2, 3, 4), (2, 1), (1, 1, 2))
VETOERS: tuple[tuple[int, ...], ...] = ((1,), (2, 3), (1, 2, 3))
POLICIES = tuple(
    policy_text(windows=windows, drives=drives, delay=delay)
    for windows, drives, delay in (
        ((), ("drives 2+1 write=3",), "72h"),
        (("window 12:10:00-12:12:00 daily +00:00 link=60s",), TWO_GROUPS, "1s"),
        (
            (
                "window 13:10:00-13:12:00 daily +01:00 link=59s",
                "window 23:59:00-00:30:00 daily -03:30 link=10m",
            ),
            ("drives 2+1 write=3", "drives 2+1 write=2 sealed"),
            "10s",
        ),
    )
)


@dataclass
class Pool:
    """Memories and their clocks, from which walks begin; the newest of many replace old ones."""

    dice: random.Random
    kept: list[tuple[tuple[bytes, bytes], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for text in (None, *POLICIES):
            box = RecordingBox()
            box.boot()
            if text is not None:
                box.birth(text)
            self.keep(box.slots, box.rtc_s or NOON_S)

    def keep(self, slots: list[bytes], rtc_s: int) -> None:
        one = ((slots[0], slots[1]), rtc_s)
        if len(self.kept) < 64:
            self.kept.append(one)
        else:
            self.kept[self.dice.randrange(4, 64)] = one


class Walk:
    """One walk of `steps` actions."""

    driving: tuple[tuple[Phase, int], ...] = DRIVING

    def __init__(self, dice: random.Random, pool: Pool) -> None:
        self.dice = dice
        slots, rtc_s = dice.choice(pool.kept) if pool.kept else ([], NOON_S)
        self.box = RecordingBox(slots=list(slots), rtc_s=rtc_s)
        self.said: list[bytes] = []
        self.pen = Pen(self.box)
        self.pen.nonce = dice.getrandbits(60)
        self.pool = pool

    def run(self, steps: int) -> RecordingBox:
        if self.dice.random() < 0.95:
            self.boot()
        for _ in range(steps):
            self.dice.choices(ACTIONS, WEIGHTS)[0](self)
        self.tick(1000, self.plain(), self.later(1000))  # what waited to be written is written
        ended = self.box.phase in (Phase.SECURED, Phase.FAULT)
        if self.box.rtc_s is not None and self.dice.random() < (0.01 if ended else 0.1):
            self.pool.keep(self.box.slots, self.box.rtc_s)
        return self.box

    # Time and senses ---------------------------------------------------------------------------------

    def plain(self) -> Senses:
        """What obeying hardware shows."""
        orders, dice = self.box.orders, self.dice
        mask = orders.drive_mask & dice.getrandbits(BAYS) if orders.permit_drives else 0
        return Senses(
            k1_conducting=orders.permit_link and dice.random() < 0.7,
            k2_conducting=orders.permit_link and dice.random() < 0.7,
            k3_on_link=orders.k3_on_link,
            drives_live=tuple(bool(mask >> bay & 1) for bay in range(BAYS)),
            cut_pressed=self.box.cut,
            key_turned=self.box.key,
            controller_supplied=orders.controller_power,
        )

    def odd(self) -> Senses:
        coin = self.dice.getrandbits
        return Senses(
            k1_conducting=not coin(2),
            k2_conducting=not coin(2),
            k3_on_link=bool(coin(1)),
            drives_live=tuple(not coin(3) for _ in range(BAYS)),
            cut_pressed=not coin(3),
            key_turned=bool(coin(1)),
            controller_supplied=bool(coin(1)),
        )

    def tick(self, step_ms: int, senses: Senses, rtc_s: int | None) -> None:
        self.box.uptime_ms += step_ms
        self.box._take(Tick(uptime_ms=self.box.uptime_ms, rtc_s=rtc_s, senses=senses))

    def later(self, step_ms: int) -> int | None:
        """The clock goes on."""
        if self.box.rtc_s is not None:
            whole = self.box.rtc_part_ms + step_ms
            self.box.rtc_s, self.box.rtc_part_ms = self.box.rtc_s + whole // 1000, whole % 1000
        return self.box.rtc_s

    def go_on(self) -> None:
        step_ms = self.dice.choice(STEPS_MS)
        self.tick(step_ms, self.plain(), self.later(step_ms))

    def boot(self) -> None:
        for step_ms in (100, 1000, 100, 10_000, 100):
            self.tick(step_ms, self.plain(), self.later(step_ms))
            if self.box.phase is not Phase.UNKNOWN:
                break
        self.beat()

    def misbehave(self) -> None:
        self.tick(self.dice.choice(STEPS_MS), self.odd(), self.later(100))

    def jump(self) -> None:
        if self.box.rtc_s is None:
            self.box.rtc_s = self.box.state.fram.time_floor_s
        self.box.rtc_s += (self.dice.choice(TIMES_S) - self.box.rtc_s) % 86_400
        self.tick(100, self.plain(), self.box.rtc_s)

    def bad_clock(self) -> None:
        now = self.box.rtc_s or NOON_S
        self.tick(100, self.plain(), self.dice.choice((None, now, now - 120, now + 1, now + 40 * 86_400)))

    def press(self) -> None:
        self.box.cut = not self.box.cut and self.dice.random() < 0.3
        self.box.key = self.dice.random() < 0.7
        self.go_on()

    def backwards(self) -> None:
        self.tick(-20, self.plain(), self.box.rtc_s)

    # Talk --------------------------------------------------------------------------------------------

    def say(self, message: Message) -> None:
        box = self.box
        if not box.outer.established:
            box.raw(box.outer.hello())
        data = box.outer.send(message)
        self.said.append(data)
        box.raw(data)

    def beat(self) -> None:
        self.say(Heartbeat(progress=0, stamp_ms=self.box.stamp_ms))

    def hold(self) -> None:
        """Time passes and the controller beats."""
        for _ in range(3):
            self.tick(400, self.plain(), self.later(400))
            self.beat()

    def ask(self) -> None:
        self.beat()
        self.say(RequestPhase(phase=self.dice.choice(ASKED)))

    def connect(self) -> None:
        """Into the window and through the contact test, if the box lets us."""
        if self.box.rtc_s is None:
            return
        self.box.rtc_s += (43_801 - self.box.rtc_s) % 86_400
        self.tick(100, self.plain(), self.box.rtc_s)
        self.beat()
        self.say(RequestPhase(phase=Phase.INTAKE))
        for k1, k2 in ((False, False), (True, False), (False, True), (True, True)):
            live = self.box.orders.permit_link
            supplied = self.box.orders.controller_power
            k3 = self.box.orders.k3_on_link
            self.tick(
                60,
                Senses(
                    k1_conducting=k1 and live,
                    k2_conducting=k2 and live,
                    k3_on_link=k3,
                    controller_supplied=supplied,
                ),
                self.later(60),
            )

    def done(self) -> None:
        self.say(Done(phase=self.box.phase if self.dice.random() < 0.8 else self.dice.choice(ASKED)))

    def through_the_airlock(self) -> None:
        for step_ms in (100, 100, 300, 1000, 100):
            self.tick(step_ms, self.plain(), self.later(step_ms))
        self.beat()

    def drive(self) -> None:
        """Into a drive phase through the airlock, if the box lets us."""
        phase, second = self.dice.choice(self.driving)
        if self.box.rtc_s is None:
            return
        self.box.key = phase is Phase.RECOVERY
        self.box.rtc_s += (second - self.box.rtc_s) % 86_400
        self.tick(100, self.plain(), self.box.rtc_s)
        if phase is Phase.RECOVERY and self.box.state.fram.policy is not None:
            self.upload(UploadKind.RECOVERY_ORDER, self.pen.recovery())
        self.beat()
        self.say(RequestPhase(phase=phase))
        self.through_the_airlock()

    def cosign(self) -> None:
        size = self.box.state.fram.log.size + self.dice.choice((1, 1, 1, 0, 2, -1))
        self.say(Cosign(size=max(0, size), leaf_hash=bytes([self.dice.getrandbits(1)]) * 32))

    def read(self) -> None:
        newest = self.box.state.fram.journal.newest
        after = max(0, newest - self.dice.randrange(70))
        self.say(
            self.dice.choice(
                (EventRead(after=after), AuthorityRead(), ChallengeRead(), EventRead(after=newest))
            )
        )

    def not_for_it(self) -> None:
        self.say(self.dice.choice((NoEvent(newest=1), Granted(phase=Phase.SEAL))))

    # The wire ----------------------------------------------------------------------------------------

    def noise(self) -> None:
        self.box.raw(self.dice.randbytes(self.dice.randrange(1, 40)))

    def long_noise(self) -> None:
        self.box.raw(bytes(self.dice.randrange(1, 256) for _ in range(700)) + b"\0")

    def flip(self) -> None:
        data = bytearray(self.box.outer.send(Heartbeat(progress=0, stamp_ms=self.box.stamp_ms)))
        for _ in range(self.dice.randrange(1, 3)):
            if data:
                data[self.dice.randrange(len(data))] ^= 1 << self.dice.randrange(8)
        self.box.raw(bytes(data))

    def replayed(self) -> None:
        if self.said:
            self.box.raw(self.dice.choice(self.said))

    def lose(self) -> None:
        for _ in range(self.dice.randrange(1, 70)):
            data = self.box.outer.send(EventRead(after=0))
            if data and self.dice.random() < 0.1:
                self.said.append(data)

    def reflect(self) -> None:
        """A frame of its own comes back."""
        outer = self.box.outer._current
        if outer is not None:
            payload = messages.encode(NoEvent(newest=0))
            self.box.raw(
                frame.seal(
                    key=outer.key,
                    direction=frame.Direction.FROM_INTERLOCK,
                    session=outer.session,
                    counter=0,
                    payload=payload,
                )
            )

    def forge(self) -> None:
        """Authentic, but no message, or none that fits its fields."""
        payload = self.dice.choice(
            (b"\x7f", b"\x03\x63", b"\x02", b"\x08\0", bytes(512), self.dice.randbytes(9))
        )
        outer = self.box.outer._current
        if outer is not None:
            self.box.raw(
                frame.seal(
                    key=outer.key,
                    direction=frame.Direction.FROM_CONTROLLER,
                    session=outer.session,
                    counter=outer.next_out,
                    payload=payload,
                )
            )
            outer.next_out += 1

    def hello_again(self) -> None:
        self.box.raw(self.box.outer.hello())

    def false_hello(self) -> None:
        key = self.box.outer._derive(b"iwato wire hello v1")
        payload = self.dice.choice(
            (messages.encode(messages.Hello(nonce=b"8" * 8)), b"\x01", b"\x01" + b"9" * 8)
        )
        self.box.raw(
            frame.seal(
                key=key,
                direction=frame.Direction.FROM_CONTROLLER,
                session=b"9" * 8,
                counter=self.dice.getrandbits(1),
                payload=payload,
            )
        )

    # Papers ------------------------------------------------------------------------------------------

    def upload(self, kind: UploadKind, text: bytes, holders: tuple[int, ...] = (1, 2, 3)) -> None:
        box, dice = self.box, self.dice
        if dice.random() < 0.1:
            at = dice.randrange(len(text))
            text = text[:at] + bytes([dice.getrandbits(7)]) + text[at + 1 :]
        box.say(UploadBegin(kind=kind, length=len(text)))
        for at in range(0, len(text), 480):
            box.say(UploadChunk(offset=at, data=text[at : at + 480]))
        for signer, signature in votes(kind, text, holders):
            broken = dice.random() < 0.02
            box.say(UploadSignature(signer=signer, signature=signature[:-1] + b"\0" if broken else signature))
        box.say(UploadCommit())

    def birth(self) -> None:
        self.box.key = self.dice.random() < 0.95
        self.tick(100, self.plain(), self.later(100))
        self.upload(
            UploadKind.POLICY, self.dice.choice(POLICIES), self.dice.choice(((1, 2, 3), (5, 2, 4), (1, 2)))
        )

    def paper(self) -> None:
        state, dice, pen = self.box.state, self.dice, self.pen
        if state.fram.policy is None:
            self.birth()
            return
        self.box.key = dice.random() < 0.9
        self.tick(100, self.plain(), self.later(100))
        kind = dice.choice(tuple(UploadKind))
        holders: tuple[int, ...] = dice.choice(HOLDERS)
        if kind in (UploadKind.VETO, UploadKind.OVERRIDE) and state.fram.pending is None:
            kind = UploadKind.POLICY
        life_s = dice.choice((3600, 3600, 60, -1, 8 * 86_400))
        match kind:
            case UploadKind.POLICY:
                text = pen.successor(drives=TWO_GROUPS, delay=f"{dice.randrange(1, 30)}s")
            case UploadKind.RECOVERY_ORDER:
                text = pen.recovery(life_s)
            case UploadKind.VETO:
                text, holders = pen.veto(), dice.choice(VETOERS)
            case UploadKind.OVERRIDE:
                vetoes = state.fram.pending.vetoes if state.fram.pending else 0
                text = pen.override(*(n for n in range(1, 6) if vetoes >> n - 1 & 1 or not vetoes))
            case UploadKind.RELEASE_ORDER:
                fault = state.fram.fault if dice.random() < 0.9 else Cause.CHANGEOVER_STUCK
                text = pen.release(secured=state.fram.secured, fault=fault, life_s=life_s)
            case UploadKind.TIME_ORDER:
                self.say(ChallengeRead())
                challenge = self.box.state.challenge or bytes(16)
                to_s = (self.box.rtc_s or NOON_S) + dice.choice((0, 100, -200, -400, 86_400))
                text = pen.time(to_s, challenge=challenge)
            case _:
                text = pen.unseal(dice.choice((1, 2, 2, 2, 9)), life_s=life_s)
        self.upload(kind, text, holders)

    def scrap(self) -> None:
        """Pieces of an upload in no order."""
        dice = self.dice
        self.say(
            dice.choice(
                (
                    UploadBegin(
                        kind=dice.choice(tuple(UploadKind)),
                        length=dice.choice((0, 1, 480, 2048, 2049, 16_384, 16_385)),
                    ),
                    UploadChunk(offset=dice.choice((0, 1, 480)), data=dice.randbytes(dice.randrange(1, 481))),
                    UploadSignature(signer=dice.getrandbits(8), signature=bytes(64)),
                    UploadCommit(),
                )
            )
        )

    def reset(self) -> None:
        """Power is lost; sometimes in the middle of a write."""
        slots, dice = self.box.slots, self.dice
        if dice.random() < 0.3:
            slot = dice.randrange(2)
            slots[slot] = slots[slot][: dice.randrange(len(slots[slot]) + 1)]
        if dice.random() < 0.05:
            slots[dice.randrange(2)] = b""
        self.said.clear()
        self.box.power_on()
        if dice.random() < 0.8:
            self.boot()


ACTIONS: tuple[Callable[[Walk], None], ...]
ODDS = {
    Walk.go_on: 30,
    Walk.misbehave: 3,
    Walk.jump: 4,
    Walk.bad_clock: 2,
    Walk.press: 2,
    Walk.backwards: 0.1,
    Walk.beat: 8,
    Walk.hold: 4,
    Walk.ask: 8,
    Walk.connect: 4,
    Walk.done: 4,
    Walk.through_the_airlock: 4,
    Walk.drive: 3,
    Walk.cosign: 4,
    Walk.read: 3,
    Walk.not_for_it: 1,
    Walk.noise: 2,
    Walk.long_noise: 0.5,
    Walk.flip: 2,
    Walk.replayed: 2,
    Walk.lose: 1,
    Walk.reflect: 1,
    Walk.forge: 2,
    Walk.hello_again: 1,
    Walk.false_hello: 1,
    Walk.paper: 1.5,
    Walk.scrap: 1,
    Walk.reset: 1,
}
ACTIONS = tuple(ODDS)
WEIGHTS = tuple(ODDS.values())
