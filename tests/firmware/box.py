"""A box for the interlock's tests: the model, both ends of the wire, and contacts that take their time.

The world is honest physics only: a coil needs both supplies, contacts follow after OPERATE_MS, the
changeover decides which coils can be fed. Time moves in steps of STEP_MS. The controller is whoever
sets `coils` and calls `say`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.model import fram, sshsig, step
from firmware.model.facts import Policy
from firmware.model.state import (
    Drive,
    Input,
    Output,
    Persist,
    PowerOn,
    Received,
    Send,
    Senses,
    SetClock,
    State,
    Tick,
)
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import (
    Done,
    Granted,
    Heartbeat,
    HelloAck,
    Message,
    RequestPhase,
    Status,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadSignature,
)
from firmware.wire.session import Fault, Role, Session

STEP_MS = 20  # ms; five steps inside the slowest supervision
OPERATE_MS = 20  # ms; a relay's operate and release time
PAIRING_KEY = hashlib.sha256(b"pairing").digest()
WITNESS_SEED = hashlib.sha256(b"witness").digest()
VAULT_ID = hashlib.sha256(b"vault").digest()[:16]
KEYS = tuple(
    Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"holder %d" % n).digest()) for n in range(21)
)
HOLDERS = KEYS[:5]
NOON_S = 1_790_000_000 // 86_400 * 86_400 + 43_200  # 12:00 UTC of some day
DRIVES = 3
BAYS = 6

Stepper = Callable[[State, Input], tuple[State, tuple[Output, ...]]]


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def policy_text(
    *,
    windows: Sequence[str] = (),
    scrubs: Sequence[str] = (),
    quorum: int = 3,
    version: int = 1,
    previous: bytes = b"\xab" * 32,
    holders: Sequence[Ed25519PrivateKey] = HOLDERS,
    generations: Sequence[str] = (f"generation 1 vault=sha256:{'cd' * 32}",),
    drives: Sequence[str] = ("drives 2+1 write=3",),
    delay: str = "72h",
) -> bytes:
    witness = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED)
    log = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log").digest())
    lines = [
        f"iwato-policy {version}",
        "prev -" if version == 1 else f"prev sha256:{previous.hex()}",
        f"vault-id {VAULT_ID.hex()}",
        f"quorum {quorum} of {len(holders)}",
        *(
            f"holder {n} ssh=ssh-ed25519:{public(key)} unseal=sha256:{n:064x} share=sha256:{n:064x}"
            for n, key in enumerate(holders, start=1)
        ),
        *generations,
        f"log ed25519:{public(log)}",
        f"witness ed25519:{public(witness)}",
        *(windows or ["window 12:10:00-12:12:00 daily +00:00 link=60s"]),
        *(scrubs or ["scrub 13:00:00-13:05:00 daily +00:00"]),
        *drives,
        "source docs tier=1 path=/srv/docs",
        f"delay {delay}",
    ]
    return ("\n".join(lines) + "\n").encode()


def sign(text: bytes, namespace: bytes, holders: Sequence[int]) -> list[tuple[int, bytes]]:
    return [(n, HOLDERS[n - 1].sign(sshsig.blob(namespace, text))) for n in holders]


def order_text(policy: Policy, *, nonce: int = 1, expires: str = "2026-09-21T23:00:00Z") -> bytes:
    return (
        f"iwato-recovery-order 1\nvault-id {policy.vault_id.hex()}\npolicy sha256:{policy.digest.hex()}\n"
        f"nonce {nonce:032x}\nexpires {expires}\nwhat all\nwhy drill\ndestination /mnt/target\n"
    ).encode()


@dataclass
class Coils:
    """The controller's half of every coil."""

    k1: bool = False
    k2: bool = False
    drives: int = 0


@dataclass
class Weld:
    """What is broken for good."""

    k1: bool = False
    k2: bool = False
    drives: int = 0
    k3: bool | None = None


@dataclass
class Box:
    """One emulated box. `stepper` is the model, or a planted mutant of it."""

    stepper: Stepper = step.step
    rtc_s: int | None = NOON_S
    slots: list[bytes] = field(default_factory=list)
    coils: Coils = field(default_factory=Coils)
    weld: Weld = field(default_factory=Weld)
    key: bool = False
    cut: bool = False
    watch: list[Callable[[Box], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.slots:
            self.slots = list(
                fram.commission(pairing_key=PAIRING_KEY, witness_seed=WITNESS_SEED, time_s=NOON_S - 60)
            )
        self.boots = 0
        self.state: State = step.blank()
        self.power_on()

    def power_on(self) -> None:
        self.boots += 1
        self.uptime_ms = 0
        self.rtc_part_ms = 0
        self.orders = Drive()
        self.heard: list[Message | Fault] = []
        self.moves: dict[str, tuple[bool, int]] = {}
        self.settled: dict[str, bool] = {}
        self.controller_boots = 0
        self.stamp_ms = 0
        self.status: Status | None = None
        self.inner = Session(Role.INTERLOCK, PAIRING_KEY, b"inner%03d" % self.boots)
        self._fresh_controller()
        self._start()

    def _start(self) -> None:
        self._take(PowerOn(fram_bytes_slot_a=self.slots[0], fram_bytes_slot_b=self.slots[1]))

    def _fresh_controller(self) -> None:
        self.controller_boots += 1
        nonce = hashlib.sha256(b"outer %d %d" % (self.boots, self.controller_boots)).digest()[:8]
        self.outer = Session(Role.CONTROLLER, PAIRING_KEY, nonce)
        self.coils = Coils()

    # Physics -----------------------------------------------------------------------------------------

    def _follow(self, name: str, wanted: bool, delay_ms: int = OPERATE_MS) -> bool:
        """A contact that follows `wanted` after a delay."""
        target, since = self.moves.get(name, (False, -1000))
        if wanted != target:
            self.moves[name] = (wanted, self.uptime_ms)
            since = self.uptime_ms
        if self.uptime_ms - since >= delay_ms:
            self.settled[name] = wanted
        return self.settled.get(name, False)

    def senses(self) -> Senses:
        k3 = self._follow("k3", self.orders.k3_on_link)
        k3 = k3 if self.weld.k3 is None else self.weld.k3
        link = self.orders.permit_link and k3
        feed = self.orders.permit_drives and not k3
        supplied = self._follow("supply", self.orders.controller_power, 200)
        live = tuple(
            self._follow(f"d{bay}", feed and bool(self.coils.drives & self.orders.drive_mask & 1 << bay))
            or bool(self.weld.drives & 1 << bay)
            for bay in range(BAYS)
        )
        return Senses(
            k1_conducting=self._follow("k1", link and self.coils.k1) or self.weld.k1,
            k2_conducting=self._follow("k2", link and self.coils.k2) or self.weld.k2,
            k3_on_link=k3,
            drives_live=live,
            cut_pressed=self.cut,
            key_turned=self.key,
            controller_supplied=supplied,
        )

    # Time and talk -----------------------------------------------------------------------------------

    def tick(self) -> None:
        self.uptime_ms += STEP_MS
        self.rtc_part_ms += STEP_MS
        if self.rtc_s is not None and self.rtc_part_ms >= 1000:
            self.rtc_s, self.rtc_part_ms = self.rtc_s + 1, self.rtc_part_ms - 1000
        self._pass(self.senses())

    def _pass(self, senses: Senses) -> None:
        """One step of time under these senses."""
        self._take(Tick(uptime_ms=self.uptime_ms, rtc_s=self.rtc_s, senses=senses))

    def run(self, duration_ms: int, each: Callable[[], None] | None = None) -> None:
        for _ in range(duration_ms // STEP_MS):
            self.tick()
            if each is not None:
                each()

    def _take(self, event: Input) -> None:
        self.state, outputs = self.stepper(self.state, event)
        for output in outputs:
            self._perform(output)
        for watcher in self.watch:
            watcher(self)

    def _perform(self, output: Output) -> None:
        match output:
            case Persist(fram=record):
                self.slots[record.slot] = record.encode()
            case SetClock(rtc_s=rtc_s):
                self.rtc_s, self.rtc_part_ms = rtc_s, 0
            case Drive():
                if self.orders.controller_power and not output.controller_power:
                    self._fresh_controller()
                self.orders = output
            case Send(message=message):
                for heard in self.outer.receive(self.inner.send(message)):
                    self._controller_hears(heard)

    def _controller_hears(self, heard: Message | Fault) -> None:
        self.heard.append(heard)
        if isinstance(heard, Status | HelloAck):
            self.stamp_ms = max(self.stamp_ms, heard.stamp_ms)
        if isinstance(heard, Status):
            self.status = heard

    def raw(self, data: bytes) -> list[Message | Fault]:
        """Put bytes on the wire to the interlock; what the controller then hears."""
        self.heard = []
        for item in self.inner.receive(data):
            self._take(Received(message=item))
        return self.heard

    def say(self, message: Message) -> list[Message | Fault]:
        if not self.outer.established:
            self.raw(self.outer.hello())
        return self.raw(self.outer.send(message))

    def answer(self, message: Message) -> Message | Fault:
        heard = self.say(message)
        assert heard, f"no answer to {message}"
        return heard[0]

    def beat(self) -> None:
        """Two beats: the first fetches a fresh stamp, the second proves that it arrived."""
        for _ in range(2):
            self.say(Heartbeat(progress=self.uptime_ms, stamp_ms=self.stamp_ms))

    @property
    def phase(self) -> Phase:
        return self.state.phase

    # What an honest controller does ------------------------------------------------------------------

    def boot(self) -> None:
        """Until the controller is up after a power-on."""
        self.until(lambda: self.phase is not Phase.UNKNOWN, 15_000)
        self.beat()

    def until(self, holds: Callable[[], bool], limit_ms: int, *, beating: bool = False) -> None:
        for n in range(limit_ms // STEP_MS):
            if holds():
                return
            self.tick()
            if beating and n % 10 == 0:
                self.beat()
        assert holds(), f"not within {limit_ms} ms: {self.phase.name} {self.state.cause.name}"

    def upload(
        self, kind: UploadKind, text: bytes, signatures: Sequence[tuple[int, bytes]]
    ) -> Message | Fault:
        self.say(UploadBegin(kind=kind, length=len(text)))
        for at in range(0, len(text), 480):
            self.say(UploadChunk(offset=at, data=text[at : at + 480]))
        for signer, signature in signatures:
            self.say(UploadSignature(signer=signer, signature=signature))
        return self.answer(UploadCommit())

    def birth(self, text: bytes | None = None) -> Message | Fault:
        text = text or policy_text()
        self.key = True
        self.tick()
        answer = self.upload(UploadKind.POLICY, text, sign(text, b"iwato-policy@v1", (1, 2, 3)))
        self.key = False
        self.tick()
        return answer

    def jump_to(self, second_of_day: int) -> None:
        """The bench moves the crystal, forward only, while nothing is live."""
        assert self.rtc_s is not None
        self.rtc_s += (second_of_day - self.rtc_s) % 86_400
        self.tick()

    def connect(self) -> None:
        """Request INTAKE and do the contact test in closed loop."""
        self.beat()
        assert self.answer(RequestPhase(phase=Phase.INTAKE)) == Granted(phase=Phase.CONTACT_TEST)
        self.contact_test()
        assert self.phase is Phase.INTAKE, (self.phase, self.state.cause)

    def contact_test(self) -> None:
        for k1, k2 in ((True, False), (False, False), (False, True), (True, True)):
            self.coils.k1, self.coils.k2 = k1, k2
            self.until(lambda: (self._seen("k1"), self._seen("k2")) == (k1, k2) or self._tested(), 600)  # noqa: B023

    def _seen(self, name: str) -> bool:
        return self.settled.get(name, False)

    def _tested(self) -> bool:
        return self.phase is not Phase.CONTACT_TEST

    def done(self) -> Message | Fault:
        return self.answer(Done(phase=self.phase))

    def ready(self, second_of_day: int = 12 * 3600 + 600) -> None:
        """Born, booted, isolated, inside the window."""
        self.boot()
        self.birth()
        self.jump_to(second_of_day)
        self.beat()


def clone(box: Box, stepper: Stepper) -> Box:
    """A box with the same memory and clock that runs another model."""
    return replace(box, stepper=stepper, slots=list(box.slots), watch=[])
