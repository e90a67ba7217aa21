"""Frames: what noise, cuts and flips can do to them, which is nothing but make them disappear."""

from __future__ import annotations

import itertools
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.wire import cobs, codes, fields, frame, messages
from firmware.wire.codes import Cause
from firmware.wire.fields import Blob, Code, Flag, Octets, Record, UInt
from firmware.wire.messages import TABLE, Message
from firmware.wire.session import Fault, Role, Session
from tests.depth import many

KEY = bytes(range(32))


def example(record: Record, draw: random.Random) -> Message:
    """Some message of the row, every field drawn."""
    values: dict[str, object] = {}
    for name, kind in record.fields:
        match kind:
            case UInt(size=size):
                values[name] = draw.getrandbits(8 * size)
            case Octets(size=size):
                values[name] = draw.randbytes(size)
            case Blob(most=most):
                values[name] = draw.randbytes(draw.randint(1, min(most, 24)))
            case Code(codes=members):
                values[name] = draw.choice(list(members))
            case Flag():
                values[name] = draw.random() < 0.5
            case _:
                raise AssertionError(f"messages have no {kind}")
    message: Message = record.shape(**values)
    return message


def pair() -> tuple[Session, Session]:
    """A controller's and an interlock's end that have shaken hands."""
    outer, inner = Session(Role.CONTROLLER, KEY, b"outer-01"), Session(Role.INTERLOCK, KEY, b"inner-01")
    inner.receive(outer.hello())
    ack = example(TABLE[0x81], random.Random(1))
    outer.receive(inner.send(ack))
    assert outer.established
    return outer, inner


@pytest.mark.clause("PROTOCOL 2.1")
@given(st.binary(max_size=700))
def test_stuffing_has_no_zero_is_bounded_and_comes_back(raw: bytes) -> None:
    stuffed = cobs.encode(raw)
    assert 0 not in stuffed
    assert len(stuffed) <= cobs.longest(len(raw))
    assert cobs.decode(stuffed) == raw


@pytest.mark.clause("PROTOCOL 2.1")
@given(st.binary(max_size=40))
def test_every_input_has_one_stuffed_spelling(stuffed: bytes) -> None:
    try:
        raw = cobs.decode(stuffed)
    except cobs.CobsError:
        return
    assert cobs.encode(raw) == stuffed


@pytest.mark.clause("PROTOCOL 3.2")
@pytest.mark.parametrize("number", TABLE, ids=lambda number: TABLE[number].shape.__name__)
def test_every_message_comes_back_and_every_shorter_or_longer_one_is_refused(number: int) -> None:
    draw = random.Random(number)
    for _ in range(many(20, 500)):
        message = example(TABLE[number], draw)
        payload = messages.encode(message)
        assert payload[0] == number
        assert len(payload) <= frame.PAYLOAD_BYTES_MAX
        assert messages.decode(payload) == message
        for cut in range(1, len(payload)):
            with pytest.raises(fields.MalformedError):
                messages.decode(payload[:cut])
        with pytest.raises(fields.MalformedError):
            messages.decode(payload + b"\0")


@pytest.mark.clause("PROTOCOL 3.1")
def test_codes_and_message_numbers_fit_a_byte_and_none_is_shared() -> None:
    assert all(0 < number < 256 for number in TABLE)
    for members in (codes.Phase, codes.Cause, codes.Medium, codes.EventKind, codes.UploadKind):
        values = [member.value for member in members]
        assert len(set(values)) == len(values)
        assert max(values) < 256


@pytest.mark.clause("PROTOCOL 2.3")
@pytest.mark.parametrize("number", TABLE, ids=lambda number: TABLE[number].shape.__name__)
def test_no_one_bit_flip_of_any_frame_is_accepted(number: int) -> None:
    outer, inner = pair()
    sender, hearer = (inner, outer) if number & 0x80 else (outer, inner)
    data = sender.send(example(TABLE[number], random.Random(number)))
    for bit in range(8 * len(data)):
        heard = hearer.receive(_flipped(data, bit))
        assert not [item for item in heard if not isinstance(item, Fault)], f"bit {bit}"


@pytest.mark.clause("PROTOCOL 2.3")
@pytest.mark.parametrize("number", TABLE, ids=lambda number: TABLE[number].shape.__name__)
def test_no_two_bit_flip_of_any_frame_is_accepted(number: int) -> None:
    outer, inner = pair()
    sender, hearer = (inner, outer) if number & 0x80 else (outer, inner)
    data = sender.send(example(TABLE[number], random.Random(number)))
    pairs = itertools.combinations(range(8 * len(data)), 2)
    total = 8 * len(data) * (8 * len(data) - 1) // 2
    every = max(1, total // many(1500, 10**9))
    for one, other in itertools.islice(pairs, random.Random(number).randrange(every), None, every):
        heard = hearer.receive(_flipped(_flipped(data, one), other))
        assert not [item for item in heard if not isinstance(item, Fault)], (one, other)


@pytest.mark.planted
@pytest.mark.invariant("I13")
def test_a_receiver_that_checks_neither_crc_nor_mac_would_accept_a_flip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outer, inner = pair()
    data = outer.send(messages.EventRead(after=7))
    monkeypatch.setattr(frame.Frame, "authentic", lambda self, key: True)
    monkeypatch.setattr(zlib, "crc32", lambda body: 0)
    forged = frame.seal(
        key=bytes(32),
        direction=frame.Direction.FROM_CONTROLLER,
        session=_session(data),
        counter=5,
        payload=messages.encode(messages.EventRead(after=8)),
    )
    heard = inner.receive(forged)
    assert [item for item in heard if not isinstance(item, Fault)], "the harness sees what is accepted"


@pytest.mark.clause("PROTOCOL 2.4")
def test_after_any_noise_the_second_frame_at_the_latest_is_understood() -> None:
    draw = random.Random(4)
    for _ in range(many(300, 20_000)):
        outer, inner = pair()
        noise = draw.randbytes(draw.randrange(0, 1500))
        torn = outer.send(messages.EventRead(after=1))[: draw.randrange(0, 40)]
        inner.receive(noise + torn)
        outer.send(messages.EventRead(after=2))
        first = inner.receive(outer.send(messages.EventRead(after=3)))
        second = inner.receive(outer.send(messages.EventRead(after=4)))
        heard = [item for item in first + second if isinstance(item, messages.EventRead)]
        assert messages.EventRead(after=4) in heard


@pytest.mark.clause("PROTOCOL 2.2")
def test_an_endless_line_without_delimiter_needs_no_memory_and_is_one_fault() -> None:
    _, inner = pair()
    heard = [item for _ in range(40) for item in inner.receive(b"\x55" * 1000)]
    assert heard == [Fault(cause=Cause.WIRE_TOO_LONG)]
    assert len(inner._buffer) <= frame.STUFFED_BYTES_MAX


@pytest.mark.clause("PROTOCOL 2.3")
def test_fuzzed_frames_are_never_accepted_and_never_raise() -> None:
    draw = random.Random(8)
    _, inner = pair()
    for _ in range(many(3000, 1_000_000)):
        raw = draw.randbytes(draw.randrange(1, 90))
        kind = draw.randrange(3)
        body = cobs.encode(raw) if kind else raw
        if kind == 2:
            sealed = raw + zlib.crc32(raw).to_bytes(4, "big")
            body = cobs.encode(sealed)
        heard = inner.receive(b"\0" + body + b"\0")
        assert all(isinstance(item, Fault) for item in heard)


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _session(data: bytes) -> bytes:
    return cobs.decode(data.strip(b"\0"))[1:9]
