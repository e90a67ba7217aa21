"""Entries have one spelling, limits on everything, and no place for what must not be in a ledger."""

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.phases import Phase
from appliance.errors import LedgerMalformed
from appliance.format import ledger_entry
from appliance.format.ledger_entry import (
    AnyEntry,
    Birth,
    DrivePart,
    EventCount,
    Fault,
    Gap,
    Loss,
    Note,
    PackPart,
    Placement,
    PolicyAccepted,
    Recovery,
    Refused,
    Scrub,
    Seal,
    SourcePart,
)
from tests import depth

BASE: dict[str, Any] = {"time": 1_800_000_000, "phase": Phase.SEAL}
HASH = "0123456789abcdef" * 4
SNAPSHOT = "20270115T030000Z-0a1b2c3d"


def seal(**changes: Any) -> Seal:
    values: dict[str, Any] = {
        "window": 128,
        "snapshot": SNAPSHOT,
        "complete": True,
        "begin": 1_799_999_000,
        "sources": (SourcePart(name="docs", complete=True, files=12, bytes=3456),),
        "packs": (PackPart(id=HASH, size=67_000_000, parity=HASH[::-1]),),
        "segments": (HASH,),
        "recipient": HASH,
        "policy": 1,
        "bytes_read": 3456,
        "bytes_new": 3456,
        "bytes_stored": 5184,
        "unreadable": 0,
        "link_s": 44,
        "drives": (0, 1, 2, 3, 4, 5),
        "degraded": False,
    }
    return Seal(**BASE, **{**values, **changes})


COUNTS = (EventCount(name="link refused: outside the window", count=9, time=1),)
EXAMPLES: list[AnyEntry] = [
    Birth(**BASE, vault="ab" * 16, policy_hash=HASH),
    PolicyAccepted(**BASE, version=2, hash=HASH),
    seal(),
    Scrub(
        **BASE,
        drives=(DrivePart(drive=0, blocks=900, bad=1, missing=0),),
        repaired=(Placement(drive=0, pack=HASH, revision=1),),
        unrepaired=(Loss(drive=3, pack=HASH),),
    ),
    Recovery(
        **BASE,
        order=HASH,
        nonce="00ff" * 8,
        snapshot=SNAPSHOT,
        sources=("docs",),
        why="監査",
        destination="a desk",
    ),
    Fault(**BASE, cause="link sense stuck", upto=7, counts=COUNTS),
    Refused(**BASE, upto=8, counts=COUNTS),
    Gap(**BASE, index=11, leaf=HASH),
    Note(**BASE, text='quote " backslash \\ slash / 日本語'),
]


@pytest.mark.clause("FORMAT 7.2")
@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: type(entry).__name__)
def test_every_kind_comes_back_as_it_was_and_is_plain_sorted_json(entry: AnyEntry) -> None:
    data = ledger_entry.encode(entry)
    assert ledger_entry.decode(data) == entry
    assert ledger_entry.encode(ledger_entry.decode(data)) == data
    plain = json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert plain.encode() == data


def test_every_kind_has_an_example() -> None:
    assert {type(entry) for entry in EXAMPLES} == set(Birth.__mro__[1].__subclasses__())


@given(
    entry=st.builds(
        Refused,
        time=st.integers(0, ledger_entry.NUMBER_MAX),
        phase=st.sampled_from(Phase),
        upto=st.integers(0, ledger_entry.NUMBER_MAX),
        counts=st.lists(
            st.builds(
                EventCount,
                name=st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=96),
                count=st.integers(0, ledger_entry.NUMBER_MAX),
                time=st.integers(0, ledger_entry.NUMBER_MAX),
            ),
            max_size=9,
            unique_by=lambda part: part.name,
        ).map(lambda parts: tuple(sorted(parts, key=lambda part: part.name))),
    )
)
def test_any_values_within_the_limits_come_back(entry: Refused) -> None:
    assert ledger_entry.decode(ledger_entry.encode(entry)) == entry


@pytest.mark.clause("FORMAT 7.2")
def test_a_second_spelling_is_refused() -> None:
    data = ledger_entry.encode(EXAMPLES[-2])
    leaf = b'"leaf":"' + HASH.encode() + b'"'
    for other in (
        data + b"\n",
        b" " + data,
        data.replace(b",", b", "),
        data.replace(b'"index":11', b'"index":11.0'),
        data.replace(b'"index":11', b'"index":1.1e1'),
        data.replace(b'"index":11', b'"index":11,"index":11'),
        data.replace(b'"index":11,', b"").replace(leaf, leaf + b',"index":11'),
        data.replace(b'"index"', b'"\\u0069ndex"'),
        data.replace(b'"index":11', b'"index":11,"more":0'),
        data.replace(b'"index":11,', b""),
        data.replace(b'"index":11', b'"index":true'),
        data.replace(b'"kind":"gap"', b'"kind":"hole"'),
        data.replace(b'"phase":"SEAL"', b'"phase":"OPEN"'),
        data.replace(HASH.encode(), HASH.upper().encode()),
        data.replace(HASH.encode(), HASH.encode() + b"\\n"),
        b"\xef\xbb\xbf" + data,
        b"",
        b"[" * 100_000,
        b"null",
    ):
        assert other != data
        with pytest.raises(LedgerMalformed):
            ledger_entry.decode(other)


def test_no_flipped_bit_leaves_the_same_entry() -> None:
    for entry in EXAMPLES:
        data = ledger_entry.encode(entry)
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                other = ledger_entry.decode(bytes(flipped))
            except LedgerMalformed:
                continue
            assert other != entry


def test_hostile_bytes_are_refused_and_raise_nothing_else() -> None:
    chance = random.Random(3)
    seeds = [ledger_entry.encode(entry) for entry in EXAMPLES]
    for _ in range(depth.many(3_000, 100_000)):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        try:
            assert ledger_entry.encode(ledger_entry.decode(bytes(data))) == bytes(data)
        except LedgerMalformed:
            continue


BEYOND_A_LIMIT: list[AnyEntry] = [
    seal(window=-1),
    seal(bytes_read=1 << 53),
    seal(link_s=1 << 70),
    seal(snapshot="latest"),
    seal(snapshot=SNAPSHOT + "\n"),
    seal(drives=(16,)),
    seal(sources=(SourcePart(name="Docs", complete=True, files=0, bytes=0),)),
    seal(sources=tuple(SourcePart(name=f"s{n:03}", complete=True, files=0, bytes=0) for n in range(257))),
    seal(segments=(HASH,) * (ledger_entry.SEGMENTS_MAX + 1)),
    seal(recipient="xyz"),
    seal(complete=1),
    Note(**BASE, text="x" * 1001),
    Note(**BASE, text="escape \x1b[2J"),
    Note(**BASE, text="line\nfeed"),
    Note(**BASE, text="\u2028"),
    Note(**BASE, text="\ud800"),
    Fault(**BASE, cause="", upto=0, counts=()),
    Birth(**BASE, vault="AB" * 16, policy_hash=HASH),
]


@pytest.mark.clause("FORMAT 7.2")
@pytest.mark.parametrize("number", range(len(BEYOND_A_LIMIT)))
def test_what_passes_a_limit_cannot_be_written(number: int) -> None:
    with pytest.raises(LedgerMalformed):
        ledger_entry.encode(BEYOND_A_LIMIT[number])


@pytest.mark.clause("FORMAT 7.2")
@pytest.mark.parametrize(
    ("field", "value"),
    [("drives", (1, 0)), ("drives", (1, 1)), ("packs", (PackPart(id=HASH, size=1, parity=HASH),) * 2)],
)
def test_lists_that_are_sets_have_one_order_and_name_nothing_twice(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"order|twice"):
        seal(**{field: value})
    good = seal(drives=(0, 1))
    data = ledger_entry.encode(good).replace(b'"drives":[0,1]', b'"drives":[1,0]')
    with pytest.raises(LedgerMalformed):
        ledger_entry.decode(data)


def test_the_largest_seal_fits_and_a_larger_entry_is_refused_unread() -> None:
    packs = tuple(
        PackPart(id=f"{number:064x}", size=ledger_entry.NUMBER_MAX, parity=HASH)
        for number in range(ledger_entry.PACKS_MAX)
    )
    biggest = seal(packs=packs, segments=(HASH,) * ledger_entry.SEGMENTS_MAX)
    data = ledger_entry.encode(biggest)
    assert len(data) < ledger_entry.ENTRY_BYTES_MAX - (1 << 20)
    with pytest.raises(LedgerMalformed, match="limit"):
        ledger_entry.decode(b"{" * (ledger_entry.ENTRY_BYTES_MAX + 1))


@pytest.mark.planted
def test_a_decoder_that_takes_any_json_is_caught() -> None:
    """Without the comparison of spellings two byte strings would be one entry."""
    data = ledger_entry.encode(EXAMPLES[-2])
    lax = msgspec.json.Decoder(AnyEntry)
    assert lax.decode(data + b" ") == ledger_entry.decode(data)
