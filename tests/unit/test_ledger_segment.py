"""A segment file is whole or refused."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import LedgerMalformed
from appliance.format import ledger_segment
from appliance.format.ledger_segment import Gap, Segment

ROOT = bytes(range(32))
SMALL = Segment(first=12, root_before=ROOT, records=(b"an entry", Gap(leaf=ROOT[::-1]), b"{}"), edition=1)

records = st.lists(
    st.one_of(st.binary(min_size=1, max_size=99), st.builds(Gap, leaf=st.binary(min_size=32, max_size=32))),
    min_size=1,
    max_size=20,
).map(tuple)


def sealed(body: bytes) -> bytes:
    """With a right trailer, as an attacker would write it."""
    return body + blake3(body).digest()


@pytest.mark.clause("FORMAT 7.3")
@given(
    whole=st.builds(
        Segment,
        first=st.integers(0, 10**15),
        root_before=st.binary(min_size=32, max_size=32),
        records=records,
        edition=st.integers(0, ledger_segment.EDITION_MAX),
    )
)
def test_segments_come_back_as_they_were(whole: Segment) -> None:
    content = ledger_segment.encode(whole)
    assert ledger_segment.decode(content) == whole
    assert ledger_segment.NAME.fullmatch(ledger_segment.name(content))


@pytest.mark.clause("FORMAT 7.3")
def test_the_layout_is_the_one_that_is_written_down() -> None:
    content = ledger_segment.encode(SMALL)
    assert content == sealed(
        b"iwato-ledger-segment v1\n"
        + (12).to_bytes(8, "big") + (3).to_bytes(4, "big") + (1).to_bytes(2, "big") + ROOT
        + b"\x01" + (8).to_bytes(4, "big") + b"an entry"
        + b"\x02" + (32).to_bytes(4, "big") + ROOT[::-1]
        + b"\x01" + (2).to_bytes(4, "big") + b"{}"
    )  # fmt: skip
    assert ledger_segment.name(content) == f"0000000000000012-{blake3(content).hexdigest()[:8]}.seg"


@pytest.mark.clause("FORMAT 7.3")
def test_every_flipped_bit_and_every_cut_is_refused() -> None:
    content = ledger_segment.encode(SMALL)
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LedgerMalformed):
            ledger_segment.decode(bytes(flipped))
    for length in range(len(content)):
        with pytest.raises(LedgerMalformed):
            ledger_segment.decode(content[:length])
    with pytest.raises(LedgerMalformed):
        ledger_segment.decode(content + b"\0")


@pytest.mark.clause("FORMAT 7.3")
def test_lies_under_a_right_trailer_are_refused() -> None:
    body = ledger_segment.encode(SMALL)[:-32]
    start = len(ledger_segment.MAGIC)
    record = start + 46
    for lie in (
        body + b"\0",
        body[:-1],
        body.replace(b" v1\n", b" v2\n"),
        body[: start + 8] + (2**32 - 1).to_bytes(4, "big") + body[start + 12 :],
        body[: start + 8] + (0).to_bytes(4, "big") + body[start + 12 :],
        body[: start + 8] + (2).to_bytes(4, "big") + body[start + 12 :],
        body[: start + 8] + (4).to_bytes(4, "big") + body[start + 12 :],
        body[:start] + (10**16).to_bytes(8, "big") + body[start + 8 :],
        body[:start] + (10**16 - 2).to_bytes(8, "big") + body[start + 8 :],
        body[:record] + b"\x03" + body[record + 1 :],
        body[:record] + b"\x02" + body[record + 1 :],
        body[: record + 1] + (2**32 - 1).to_bytes(4, "big") + body[record + 5 :],
        body[: record + 1] + (0).to_bytes(4, "big") + body[record + 5 :],
    ):
        with pytest.raises(LedgerMalformed):
            ledger_segment.decode(sealed(lie))


BEYOND_A_LIMIT = [
    Segment(first=-1, root_before=ROOT, records=(b"x",)),
    Segment(first=0, root_before=ROOT, records=()),
    Segment(first=0, root_before=ROOT[1:], records=(b"x",)),
    Segment(first=0, root_before=ROOT, records=(b"",)),
    Segment(first=0, root_before=ROOT, records=(Gap(leaf=b"x"),)),
    Segment(first=0, root_before=ROOT, records=(b"x",), edition=1 << 16),
    Segment(first=ledger_segment.INDEX_MAX, root_before=ROOT, records=(b"x", b"y")),
    Segment(first=0, root_before=ROOT, records=(b"x",) * (ledger_segment.RECORDS_MAX + 1)),
    Segment(first=0, root_before=ROOT, records=(b"x" * (1 << 24),) * 2),
]


@pytest.mark.parametrize("number", range(len(BEYOND_A_LIMIT)))
def test_what_passes_a_limit_cannot_be_written(number: int) -> None:
    with pytest.raises(LedgerMalformed):
        ledger_segment.encode(BEYOND_A_LIMIT[number])


@pytest.mark.planted
def test_a_reader_without_the_trailer_would_take_a_flipped_bit() -> None:
    content = bytearray(ledger_segment.encode(SMALL))
    content[content.index(b"an entry")] ^= 1
    resealed = sealed(bytes(content[:-32]))
    assert ledger_segment.decode(resealed).records[0] != SMALL.records[0]
    with pytest.raises(LedgerMalformed):
        ledger_segment.decode(bytes(content))
