"""ports.Interlock over a serial line: firmware.wire frames, timeouts, and repeats where they are safe.

Believes no byte before its MAC. Decides nothing: it reports what the interlock says. Safe to use from
several threads, one exchange at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from operator import eq
from typing import Protocol

from appliance.adapters import interlock_words as words
from appliance.domain.phases import BootFacts, Cosignature, InterlockStatus, Phase
from appliance.errors import InterlockRefused, InterlockSilent
from appliance.ports import Clock
from firmware.wire import codes, messages
from firmware.wire.codes import Cause, UploadKind
from firmware.wire.messages import (
    CHUNK_BYTES_MAX,
    Authority,
    AuthorityRead,
    Challenge,
    ChallengeRead,
    Cosign,
    Cosigned,
    CutWarning,
    Done,
    ErrorReply,
    Event,
    EventRead,
    Granted,
    Heartbeat,
    Hello,
    HelloAck,
    Message,
    NoEvent,
    Refused,
    RequestPhase,
    Status,
    UploadAccepted,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadReady,
    UploadSignature,
)
from firmware.wire.session import Fault, Role, Session

REPLY_MS = 400  # ms; the interlock answers within one tick of 100, its longest signature takes 331
COMMIT_MS = 20_000  # ms; 32 P-256 signatures at 331 ms, x2
TRIES = 3  # of an exchange that may be repeated; three beats fit the 1.5 s of the heartbeat
HELLO_TRIES = 25  # ten seconds: the interlock answers as soon as the controller's supply is measured
SOON_S = 10  # s; the second of the interlock's two warnings (T-60 s and T-10 s)
EVENT_LAST = 0xFFFF_FFFF  # no event comes after it
EVENTS_MAX = 128  # twice the interlock's ring, so that a lying one cannot keep us reading


class SerialLine(Protocol):
    """Bytes to and from the interlock. `read` returns none after its timeout."""

    def write(self, data: bytes) -> None: ...

    def read(self, timeout_ms: int) -> bytes: ...


class InterlockClient:
    """One boot of the controller. `pairing_key`: 32 bytes; `nonce`: 8 fresh random bytes; `bays`: drives."""

    def __init__(
        self, line: SerialLine, clock: Clock, *, pairing_key: bytes, nonce: bytes, bays: int
    ) -> None:
        self._line, self._clock, self._bays = line, clock, bays
        self._session = Session(Role.CONTROLLER, pairing_key, nonce)
        self._turn = threading.RLock()
        self._stamp_ms = 0
        self._phase = codes.Phase.UNKNOWN
        self._soon = False
        self.wire_faults = 0

    def hello(self) -> BootFacts:
        """Opens the session and proves that both ends mean the same one. Raises InterlockSilent."""
        with self._turn:
            for _ in range(TRIES):
                answer = self._ask(Hello(), lambda heard: isinstance(heard, HelloAck), tries=HELLO_TRIES)
                assert isinstance(answer, HelloAck)
                if self._proven():
                    return words.boot_facts(answer)
        raise InterlockSilent

    def _proven(self) -> bool:
        """A repeated Hello makes the interlock offer a session of which we never heard; then ask again."""
        try:
            self._ask(EventRead(after=EVENT_LAST), lambda heard: isinstance(heard, NoEvent), tries=1)
        except InterlockSilent:
            return False
        return True

    def heartbeat(self, progress: int) -> InterlockStatus:
        """Beats with the newest stamp. Raises InterlockSilent."""
        return words.status(self._beat(progress), self._bays)

    def cut_soon(self) -> bool:
        with self._turn:
            self._take_in(self._line.read(0))
            return self._soon

    def request(self, phase: Phase) -> str:
        """The empty string, or the interlock's cause. Raises InterlockSilent."""
        wanted = words.wire_phase(phase)
        before = self._phase
        for _ in range(TRIES):
            try:
                return self._verdict(RequestPhase(phase=wanted), tries=1)
            except InterlockSilent:
                # The request or its answer was lost; a repeated request that was granted would be refused.
                if self._beat(0).phase is not before:
                    return ""
        raise InterlockSilent

    def done(self) -> None:
        """Says that the present phase's work is done; harmless when the interlock ended it already."""
        with self._turn:
            if self._phase is codes.Phase.CONTACT_TEST:
                self._beat(0)
            cause = self._verdict(Done(phase=self._phase), tries=TRIES)
        if cause and cause != Cause.NOT_NOW.name:
            raise InterlockRefused(request="done", cause=cause)

    def cosign(self, size: int, leaf_hash: bytes) -> Cosignature:
        """Raises InterlockRefused with the cause, InterlockSilent. An identical repeat is harmless."""
        answer = self._ask(
            Cosign(size=size, leaf_hash=leaf_hash),
            lambda heard: isinstance(heard, Cosigned) and heard.size == size,
            refusable=True,
        )
        if isinstance(answer, Cosigned):
            return words.cosignature(answer)
        raise InterlockRefused(request="cosign", cause=_cause(answer))

    def upload_policy(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        """The empty string, or the cause. Raises InterlockSilent."""
        return self._upload(UploadKind.POLICY, text, signatures)

    def upload_order(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        """As `upload_policy`, for a recovery order."""
        return self._upload(UploadKind.RECOVERY_ORDER, text, signatures)

    def submit(self, kind: str, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        """As `upload_policy`, for any text by the protocol's name of its kind, for example "VETO"."""
        return self._upload(UploadKind[kind], text, signatures)

    def challenge(self) -> tuple[bytes, int]:
        """What a time order has to name, 16 bytes, and how many seconds ago it was made."""
        answer = self._ask(ChallengeRead(), lambda heard: isinstance(heard, Challenge))
        assert isinstance(answer, Challenge)
        return answer.challenge, answer.age_s

    def authority(self) -> Authority:
        """The policy in force, the one that waits, and the drive group that may be fed."""
        answer = self._ask(AuthorityRead(), lambda heard: isinstance(heard, Authority))
        assert isinstance(answer, Authority)
        return answer

    def events(self, after: int) -> Sequence[tuple[int, int, str, int]]:
        """Oldest first. Raises InterlockSilent."""
        found: list[tuple[int, int, str, int]] = []
        while len(found) < EVENTS_MAX:
            answer = self._ask(EventRead(after=after), lambda heard: isinstance(heard, Event | NoEvent))
            if not isinstance(answer, Event) or answer.sequence <= after:
                break
            after = answer.sequence
            found.append(words.event(answer))
        return found

    # Exchanges ----------------------------------------------------------------------------------------

    def _beat(self, progress: int) -> Status:
        with self._turn:
            self._take_in(self._line.read(0))
            beat = Heartbeat(progress=progress & 0xFFFF_FFFF, stamp_ms=self._stamp_ms)
            answer = self._ask(beat, lambda heard: isinstance(heard, Status))
            assert isinstance(answer, Status)
            return answer

    def _verdict(self, message: Message, *, tries: int) -> str:
        answer = self._ask(message, lambda heard: isinstance(heard, Granted), refusable=True, tries=tries)
        return "" if isinstance(answer, Granted) else _cause(answer)

    def _upload(self, kind: UploadKind, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        with self._turn:
            for _ in range(TRIES):  # a lost piece spoils the whole, and a new beginning forgets it
                try:
                    return self._upload_once(kind, text, signatures)
                except InterlockSilent:
                    continue
        raise InterlockSilent

    def _upload_once(self, kind: UploadKind, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        steps: list[tuple[Message, UploadReady]] = [
            (UploadBegin(kind=kind, length=len(text)), UploadReady(received=0, signatures=0))
        ]
        for start in range(0, len(text), CHUNK_BYTES_MAX):
            piece = text[start : start + CHUNK_BYTES_MAX]
            ready = UploadReady(received=start + len(piece), signatures=0)
            steps.append((UploadChunk(offset=start, data=piece), ready))
        for count, (signer, signature) in enumerate(signatures, start=1):
            ready = UploadReady(received=len(text), signatures=count)
            steps.append((UploadSignature(signer=signer, signature=signature), ready))
        for message, ready in steps:
            answer = self._ask(message, partial(eq, ready), refusable=True, tries=1)
            if not isinstance(answer, UploadReady):
                return _cause(answer)
        accepted = self._ask(
            UploadCommit(),
            lambda heard: isinstance(heard, UploadAccepted),
            refusable=True,
            tries=1,
            timeout_ms=COMMIT_MS,
        )
        return "" if isinstance(accepted, UploadAccepted) else _cause(accepted)

    def _ask(
        self,
        message: Message,
        wanted: Callable[[Message], bool],
        *,
        refusable: bool = False,
        tries: int = TRIES,
        timeout_ms: int = REPLY_MS,
    ) -> Message:
        """Say `message` until something `wanted` comes back, or its refusal. Raises InterlockSilent."""
        number = messages.NUMBER[type(message)]

        def answers(heard: Message) -> bool:
            if isinstance(heard, ErrorReply):
                return refusable and heard.message_id == number
            return wanted(heard) or (refusable and isinstance(heard, Refused) and heard.request == number)

        with self._turn:
            for _ in range(tries):
                self._line.write(self._session.send(message))
                answer = self._await(answers, timeout_ms)
                if answer is not None:
                    return answer
        raise InterlockSilent

    def _await(self, answers: Callable[[Message], bool], timeout_ms: int) -> Message | None:
        end_ms = self._clock.monotonic_ms() + timeout_ms
        while (left_ms := end_ms - self._clock.monotonic_ms()) > 0:
            found = [heard for heard in self._take_in(self._line.read(left_ms)) if answers(heard)]
            if found:
                return found[0]
        return None

    def _take_in(self, data: bytes) -> list[Message]:
        heard = self._session.receive(data)
        self.wire_faults += sum(item.count for item in heard if isinstance(item, Fault))
        said = [item for item in heard if not isinstance(item, Fault)]
        for message in said:
            self._note(message)
        return said

    def _note(self, message: Message) -> None:
        match message:
            case HelloAck() | Status():
                self._stamp_ms = message.stamp_ms
                self._phase = message.phase
            case Granted():
                self._phase = message.phase
            case CutWarning(left_s=left_s):
                self._soon = self._soon or left_s <= SOON_S
            case _:
                pass


def _cause(answer: Message) -> str:
    assert isinstance(answer, Refused | ErrorReply)
    return answer.cause.name
