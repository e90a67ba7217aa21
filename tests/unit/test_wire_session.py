"""Sessions: every error of a black channel is noticed, and nothing unauthentic moves anything (I13)."""

from __future__ import annotations

import random
import zlib

import pytest

from firmware.wire import cobs, frame, messages
from firmware.wire.codes import Cause
from firmware.wire.messages import ErrorReply, EventRead, Hello
from firmware.wire.session import Fault, Role, Session, SessionExhaustedError
from tests.unit.test_wire_frames import KEY, example, pair


def read(number: int) -> EventRead:
    return EventRead(after=number)


@pytest.mark.clause("PROTOCOL 4.1")
def test_both_ends_run_the_same_code_and_either_may_open() -> None:
    one, other = Session(Role.INTERLOCK, KEY, b"nonce--1"), Session(Role.CONTROLLER, KEY, b"nonce--2")
    assert isinstance(other.receive(one.hello())[0], Hello)
    one.receive(other.send(example(messages.TABLE[0x81], random.Random(0))))
    assert one.established
    assert other.receive(one.send(read(1))) == [read(1)]
    assert one.receive(other.send(read(2))) == [read(2)]


@pytest.mark.clause("PROTOCOL 4.1")
def test_both_nonces_enter_the_session_and_a_wrong_pairing_key_opens_nothing() -> None:
    outer, inner = pair()
    again, _ = pair()
    assert outer.send(read(1)) == again.send(read(1)), (
        "the same nonces give the same bytes: entropy is injected"
    )
    other = Session(Role.CONTROLLER, KEY, b"outer-02")
    inner.receive(other.hello())
    stranger = Session(Role.CONTROLLER, bytes(32), b"outer-01")
    assert inner.receive(stranger.hello()) == [Fault(cause=Cause.WIRE_FORGED)]


@pytest.mark.clause("PROTOCOL 4.2")
def test_nobody_is_talked_to_before_the_handshake() -> None:
    inner = Session(Role.INTERLOCK, KEY, b"inner-01")
    assert inner.send(read(1)) == b""
    assert not inner.established


@pytest.mark.clause("PROTOCOL 4.4")
def test_repetition_is_noticed() -> None:
    outer, inner = pair()
    data = outer.send(read(1))
    assert inner.receive(data) == [read(1)]
    assert inner.receive(data) == [Fault(cause=Cause.WIRE_REPEATED)]


@pytest.mark.clause("PROTOCOL 4.4")
def test_loss_is_noticed_and_the_message_after_it_still_counts() -> None:
    outer, inner = pair()
    inner.receive(outer.send(read(1)))
    outer.send(read(2))
    outer.send(read(3))
    assert inner.receive(outer.send(read(4))) == [Fault(cause=Cause.WIRE_LOST, count=2), read(4)]


@pytest.mark.clause("PROTOCOL 4.4")
def test_reordering_is_noticed_and_the_late_frame_is_dropped() -> None:
    outer, inner = pair()
    first, second = outer.send(read(1)), outer.send(read(2))
    assert inner.receive(second)[-1] == read(2)
    assert inner.receive(first) == [Fault(cause=Cause.WIRE_REORDERED)]
    assert inner.receive(first) == [Fault(cause=Cause.WIRE_REPEATED)]


@pytest.mark.clause("PROTOCOL 4.4")
def test_masquerade_is_noticed_a_frame_sent_back_to_its_sender_and_a_turned_direction() -> None:
    outer, _ = pair()
    data = outer.send(read(1))
    assert outer.receive(data) == [Fault(cause=Cause.WIRE_REFLECTED)]
    raw = bytearray(cobs.decode(data.strip(b"\0"))[: -frame.CRC_BYTES])
    raw[0] ^= 3
    turned = bytes(raw) + zlib.crc32(bytes(raw)).to_bytes(4, "big")
    assert outer.receive(b"\0" + cobs.encode(turned) + b"\0") == [Fault(cause=Cause.WIRE_FORGED)]


@pytest.mark.clause("PROTOCOL 4.4")
def test_insertion_is_noticed_frames_of_another_session_and_of_none() -> None:
    outer, inner = pair()
    old = outer.send(read(1))
    ack = example(messages.TABLE[0x81], random.Random(2))
    inner.receive(outer.hello())
    outer.receive(inner.send(ack))
    inner.receive(outer.send(read(2)))
    assert inner.receive(old) == [Fault(cause=Cause.WIRE_STRANGER)]


@pytest.mark.clause("PROTOCOL 4.1")
def test_a_replayed_hello_cannot_end_a_conversation() -> None:
    outer = Session(Role.CONTROLLER, KEY, b"outer-01")
    inner = Session(Role.INTERLOCK, KEY, b"inner-01")
    hello = outer.hello()
    ack = example(messages.TABLE[0x81], random.Random(2))
    inner.receive(hello)
    outer.receive(inner.send(ack))
    assert inner.receive(outer.send(read(1))) == [read(1)]
    inner.receive(hello)
    assert outer.receive(inner.send(ack)) == [Fault(cause=Cause.WIRE_STRANGER)]
    assert inner.receive(outer.send(read(2))) == [read(2)]


@pytest.mark.clause("PROTOCOL 4.1")
def test_a_replayed_answer_opens_nothing() -> None:
    outer, inner = pair()
    inner.receive(outer.hello())
    old = inner.send(example(messages.TABLE[0x81], random.Random(2)))
    fresh = outer.hello()
    assert outer.receive(old) == [Fault(cause=Cause.WIRE_FORGED)]
    inner.receive(fresh)
    outer.receive(inner.send(example(messages.TABLE[0x81], random.Random(2))))
    assert inner.receive(outer.send(read(1))) == [read(1)]


@pytest.mark.clause("PROTOCOL 4.5")
def test_an_unknown_or_malformed_message_is_owed_an_error_reply() -> None:
    outer, inner = pair()
    channel = outer._current
    assert channel is not None
    for payload, cause in ((b"\x7f", Cause.WIRE_UNKNOWN_MESSAGE), (b"\x03\xff", Cause.WIRE_MALFORMED)):
        data = frame.seal(
            key=channel.key,
            direction=frame.Direction.FROM_CONTROLLER,
            session=channel.session,
            counter=channel.next_out,
            payload=payload,
        )
        channel.next_out += 1
        reply = ErrorReply(cause=cause, message_id=payload[0])
        assert inner.receive(data) == [Fault(cause=cause, reply=reply)]
        assert outer.receive(inner.send(reply)) == [reply]


@pytest.mark.clause("PROTOCOL 4.4")
def test_a_used_up_counter_stops_the_session_and_a_new_one_opens() -> None:
    outer, inner = pair()
    channel = outer._current
    assert channel is not None
    channel.next_out = frame.COUNTER_MAX + 1
    with pytest.raises(SessionExhaustedError):
        outer.send(read(1))
    inner.receive(outer.hello())
    outer.receive(inner.send(example(messages.TABLE[0x81], random.Random(2))))
    assert inner.receive(outer.send(read(1))) == [read(1)]


@pytest.mark.clause("PROTOCOL 4.2")
def test_a_session_refuses_keys_and_nonces_of_another_length() -> None:
    with pytest.raises(ValueError, match="length"):
        Session(Role.CONTROLLER, b"short", b"outer-01")
    with pytest.raises(ValueError, match="length"):
        Session(Role.CONTROLLER, KEY, b"short")


@pytest.mark.invariant("I13")
@pytest.mark.clause("PROTOCOL 2.3")
def test_unauthentic_bytes_change_no_counter_and_no_session() -> None:
    outer, inner = pair()
    data = outer.send(read(1))
    before = (inner._current, inner._offered, inner._opening, repr(inner._current))
    for bit in range(0, 8 * len(data), 3):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        inner.receive(bytes(changed))
    assert (inner._current, inner._offered, inner._opening, repr(inner._current)) == before
    assert inner.receive(b"\0" + data)[-1] == read(1)
