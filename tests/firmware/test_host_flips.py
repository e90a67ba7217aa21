"""Every frame with one or two flipped bits is refused by the firmware's C (PROTOCOL 2.3, 4.4)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pytest

from firmware.model.state import Drive
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import (
    AuthorityRead,
    ChallengeRead,
    Cosign,
    Done,
    EventRead,
    Heartbeat,
    Hello,
    Message,
    RequestPhase,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadSignature,
)
from tests import depth
from tests.firmware import host_build
from tests.firmware.host_program import HostProgram
from tests.firmware.recording import RecordingBox, blob

pytestmark = pytest.mark.needs("interlock_host")
PAIRS = depth.many(2000, 100_000)  # of two-bit flips of one frame; all where there are fewer
SPOKEN: tuple[Message, ...] = (
    Hello(),
    Heartbeat(progress=1, stamp_ms=2),
    RequestPhase(phase=Phase.SECURED),
    Done(phase=Phase.ISOLATED),
    UploadBegin(kind=UploadKind.POLICY, length=5),
    UploadChunk(offset=0, data=b"hello"),
    UploadSignature(signer=1, signature=bytes(range(64))),
    UploadCommit(),
    Cosign(size=1, leaf_hash=bytes(range(32))),
    EventRead(after=0),
    ChallengeRead(),
    AuthorityRead(),
)


def flips(data: bytes) -> Iterator[bytes]:
    """`data` (between its two zeros) with each bit flipped, and with pairs of bits flipped."""
    whole = int.from_bytes(data, "big")
    bits = range(8, 8 * (len(data) - 1))
    for bit in bits:
        yield (whole ^ 1 << bit).to_bytes(len(data), "big")
    dice = random.Random(data)
    pairs = combinations(bits, 2)
    if len(bits) ** 2 // 2 > PAIRS:
        pairs = ((dice.choice(bits), dice.choice(bits)) for _ in range(PAIRS))  # type: ignore[assignment]
    for one, two in pairs:
        if one != two:
            yield (whole ^ 1 << one ^ 1 << two).to_bytes(len(data), "big")


@dataclass(frozen=True)
class Answered:
    """What the program put out beside records of its counters."""

    answers: int
    flipped: int


def refused(host: HostProgram, data: bytes) -> Answered:
    answers = flipped = 0
    batch: list[bytes] = []
    for broken in flips(data):
        flipped += 1
        batch.append(broken)
        if len(batch) == 512:
            answers += heard(host, batch)
            batch = []
    return Answered(answers + heard(host, batch), flipped)


def heard(host: HostProgram, batch: list[bytes]) -> int:
    """How many outputs the frames of `batch` made that are no records."""
    [outputs] = host.go([b"R" + blob(b"".join(batch))])
    return sum(kind != b"W" for kind, _ in outputs)


@pytest.mark.clause("PROTOCOL 2.3")
@pytest.mark.clause("PROTOCOL 4.4")
@pytest.mark.parametrize("message", SPOKEN, ids=lambda one: type(one).__name__)
def test_a_frame_with_one_or_two_flipped_bits_is_no_frame(message: Message) -> None:
    box = RecordingBox()
    box.ready()
    data = box.outer.send(message)
    with HostProgram(host_build.program()) as host:
        host.go(box.record.events)
        done = refused(host, data)
        assert done.flipped > 8 * 40
        assert done.answers == 0
        [outputs] = host.go([b"R" + blob(data)])
        assert b"S" in [kind for kind, _ in outputs], "the whole frame is still heard"


@pytest.mark.planted
def test_a_frame_without_crc_and_mac_would_be_noticed() -> None:
    box = RecordingBox()
    box.ready()
    assert box.orders == Drive(controller_power=True)
    data = box.outer.send(Heartbeat(progress=1, stamp_ms=2))
    deaf = ("frame.c", "return differ == 0;", "return true;")
    blind = ("frame.c", "if ((uint32_t)get_integer(&r, 4) != crc32(stuffed, body)) return false;", "")
    with HostProgram(host_build.program(planted=(deaf, blind))) as host:
        host.go(box.record.events)
        assert refused(host, data).answers > 0
