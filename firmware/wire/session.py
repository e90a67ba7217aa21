"""The conversation: bytes in, messages or faults out; messages in, bytes out (PROTOCOL 4).

One implementation for both ends. It holds no clock, no port and no entropy: the nonce is injected,
and must be fresh for every power-on. It never interprets a message beyond Hello and HelloAck.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from firmware.wire import fields, frame, messages
from firmware.wire.codes import Cause
from firmware.wire.frame import Direction
from firmware.wire.messages import NONCE_BYTES, ErrorReply, Hello, HelloAck, Message

PAIRING_KEY_BYTES = 32  # bytes; HMAC-SHA256 key of full strength
REORDER_WINDOW = 64  # frames; tells a repeated frame from a late one, older ones count as repeated


class Role(Enum):
    """Which end this is; it only chooses the direction mark."""

    CONTROLLER = Direction.FROM_CONTROLLER
    INTERLOCK = Direction.FROM_INTERLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something on the wire was not as it should be. `reply` is what the other side is owed, if anything."""

    cause: Cause
    count: int = 1
    reply: ErrorReply | None = None


class SessionExhaustedError(RuntimeError):
    """The counter reached its end; open the session again."""


@dataclass(slots=True)
class Channel:
    """One agreed session: nonce, key and the counters of both directions."""

    session: bytes
    key: bytes
    next_out: int = 0
    newest_in: int = -1
    seen: int = 0  # bit i: counter newest_in - i was received

    def accept(self, counter: int) -> Fault | None:
        """Marks `counter` as received; a fault of cause WIRE_LOST does not stop the message."""
        ahead = counter - self.newest_in
        if ahead <= 0:
            return self._late(-ahead)
        self.seen = ((self.seen << ahead) | 1) & ((1 << REORDER_WINDOW) - 1)
        self.newest_in = counter
        return Fault(cause=Cause.WIRE_LOST, count=ahead - 1) if ahead > 1 else None

    def _late(self, behind: int) -> Fault:
        if behind < REORDER_WINDOW and not self.seen >> behind & 1:
            self.seen |= 1 << behind
            return Fault(cause=Cause.WIRE_REORDERED)
        return Fault(cause=Cause.WIRE_REPEATED)


HELLO_LABEL: Final = b"iwato wire hello v1"
ANSWER_LABEL: Final = b"iwato wire answer v1"
SESSION_LABEL: Final = b"iwato wire session v1"


class Session:
    """One end of the line. `nonce`: 8 bytes of entropy, fresh at every power-on of this end."""

    def __init__(self, role: Role, pairing_key: bytes, nonce: bytes) -> None:
        if len(pairing_key) != PAIRING_KEY_BYTES or len(nonce) != NONCE_BYTES:
            raise ValueError("pairing key or nonce has a wrong length")
        self._direction = role.value
        self._pairing_key = pairing_key
        self._nonce = nonce
        self._nonces_made = 0
        self._opening: bytes | None = None
        self._offered: Channel | None = None
        self._current: Channel | None = None
        self._buffer = bytearray()
        self._overlong = False

    @property
    def established(self) -> bool:
        """Whether both ends have proven that they hold the pairing key and are fresh."""
        return self._current is not None

    def hello(self) -> bytes:
        """Bytes that open a new session; may be repeated until a HelloAck arrives."""
        return self.send(Hello())

    def send(self, message: Message) -> bytes:
        """Bytes for the wire; none while there is nobody to talk to. Raises SessionExhaustedError."""
        if isinstance(message, Hello):
            self._opening = self._fresh_nonce()
            payload = messages.encode(Hello(nonce=self._opening))
            return frame.seal(
                key=self._derive(HELLO_LABEL),
                direction=self._direction,
                session=self._opening,
                counter=0,
                payload=payload,
            )
        if isinstance(message, HelloAck):
            if self._offered is None:
                return b""
            return self._seal(self._offered, replace(message, session_nonce=self._offered.session))
        return b"" if self._current is None else self._seal(self._current, message)

    def receive(self, data: bytes) -> list[Message | Fault]:
        """Everything that `data` completes, in order. What is not authentic changes nothing."""
        heard: list[Message | Fault] = []
        for byte in data:
            if byte != 0:
                self._gather(byte, heard)
            elif self._overlong:
                self._overlong = False
            elif self._buffer:
                stuffed = bytes(self._buffer)
                self._buffer.clear()
                heard.extend(self._open(stuffed))
        return heard

    def _gather(self, byte: int, heard: list[Message | Fault]) -> None:
        if self._overlong:
            return
        self._buffer.append(byte)
        if len(self._buffer) > frame.STUFFED_BYTES_MAX:
            self._buffer.clear()
            self._overlong = True
            heard.append(Fault(cause=Cause.WIRE_TOO_LONG))

    def _open(self, stuffed: bytes) -> list[Message | Fault]:
        try:
            got = frame.unseal(stuffed)
        except frame.FrameCorruptError:
            return [Fault(cause=Cause.WIRE_CORRUPT)]
        if got.direction == self._direction:
            return [Fault(cause=Cause.WIRE_REFLECTED)]
        for channel in (self._current, self._offered):
            if channel is not None and got.session == channel.session:
                return self._on_channel(channel, got)
        if got.payload[0] == messages.NUMBER[Hello]:
            return self._on_hello(got)
        if self._opening is not None and got.payload[0] == messages.NUMBER[HelloAck]:
            return self._on_hello_ack(got, self._opening)
        return [Fault(cause=Cause.WIRE_STRANGER)]

    def _on_channel(self, channel: Channel, got: frame.Frame) -> list[Message | Fault]:
        if not got.authentic(channel.key):
            return [Fault(cause=Cause.WIRE_FORGED)]
        trouble = channel.accept(got.counter)
        if trouble is not None and trouble.cause is not Cause.WIRE_LOST:
            return [trouble]
        if channel is self._offered:
            self._current, self._offered = channel, None
        return ([trouble] if trouble is not None else []) + [_read(got.payload)]

    def _on_hello(self, got: frame.Frame) -> list[Message | Fault]:
        if not got.authentic(self._derive(HELLO_LABEL)):
            return [Fault(cause=Cause.WIRE_FORGED)]
        heard = _read(got.payload)
        if not isinstance(heard, Hello) or heard.nonce != got.session or got.counter != 0:
            return [Fault(cause=Cause.WIRE_MALFORMED)]
        # The present session stays until the opener proves that it is alive: a replayed Hello must
        # not be able to end a conversation.
        mine = self._fresh_nonce()
        self._offered = Channel(mine, self._derive(SESSION_LABEL, heard.nonce, mine))
        return [heard]

    def _on_hello_ack(self, got: frame.Frame, opening: bytes) -> list[Message | Fault]:
        channel = Channel(got.session, self._derive(SESSION_LABEL, opening, got.session))
        if not got.authentic(channel.key):
            return [Fault(cause=Cause.WIRE_FORGED)]
        channel.accept(got.counter)
        self._current, self._opening = channel, None
        return [_read(got.payload)]

    def _seal(self, channel: Channel, message: Message) -> bytes:
        if channel.next_out > frame.COUNTER_MAX:
            raise SessionExhaustedError("the session's counter is used up")
        counter = channel.next_out
        channel.next_out += 1
        return frame.seal(
            key=channel.key,
            direction=self._direction,
            session=channel.session,
            counter=counter,
            payload=messages.encode(message),
        )

    def _fresh_nonce(self) -> bytes:
        self._nonces_made += 1
        return self._derive(ANSWER_LABEL, self._nonce, self._nonces_made.to_bytes(4, "big"))[:NONCE_BYTES]

    def _derive(self, *parts: bytes) -> bytes:
        return hmac.new(self._pairing_key, b"".join(parts), hashlib.sha256).digest()


def _read(payload: bytes) -> Message | Fault:
    try:
        return messages.decode(payload)
    except messages.UnknownMessageError:
        cause = Cause.WIRE_UNKNOWN_MESSAGE
    except fields.MalformedError:
        cause = Cause.WIRE_MALFORMED
    return Fault(cause=cause, reply=ErrorReply(cause=cause, message_id=payload[0]))
