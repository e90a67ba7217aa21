"""A mark of another version is refused, not guessed at (FORMAT 12.2): by the product and by the reader.

What is read comes from the golden corpus; where a hash covers the mark it is made anew, so that nothing but
the mark is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import pytest
from blake3 import blake3

from appliance.custody import token_text
from appliance.errors import IwatoError
from appliance.format import drive_header, ledger_segment, note, pack, shard
from appliance.format.pack import Table
from appliance.rosetta import iwato_rosetta
from tests.contract.rosetta_bench import GOLDEN

DRIVE = GOLDEN / "drives" / "1"
HEADER = note.parse((DRIVE / "IWATO-DRIVE").read_bytes()).text.encode()
TOKEN = (GOLDEN / "tokens" / "holder-1" / "token.txt").read_bytes()
SEGMENT = min(DRIVE.glob("ledger/*.seg")).read_bytes()
FOOTER = min(path for path in DRIVE.glob("shards/*/*") if path.stat().st_size == 2 * 4096).read_bytes()[4096:]
TABLE = Table.of([], []).encode()  # of a pack without blocks, and so its whole plaintext


def rehashed(content: bytes) -> bytes:
    """With the BLAKE3 that its last 32 bytes have to be."""
    return content[:-32] + blake3(content[:-32]).digest()


def plain(content: bytes) -> bytes:
    return content


def table(content: bytes) -> object:
    offset, length = pack.table_span(content[-pack.TRAILER_BYTES :], len(content))
    return Table.decode(content[offset : offset + length], len(content))


def facts(content: bytes) -> object:
    return iwato_rosetta.read_facts(content, b"iwato-drive 1\n")


def chunks(content: bytes) -> object:
    return list(iwato_rosetta.read_chunks(content, []))


Row: TypeAlias = tuple[str, bytes, bytes, bytes, Callable[[bytes], bytes], Callable[[bytes], object]]
# what, good bytes, the mark and another, how its hash is made, who reads it
PRODUCT: list[Row] = [
    ("header", HEADER, b"drive 1\n", b"drive 2\n", plain, lambda b: drive_header.parse(b.decode())),
    ("token", TOKEN, b"token 1\n", b"token 2\n", plain, token_text.parse_description),
    ("segment", SEGMENT, b"segment v1", b"segment v2", rehashed, ledger_segment.decode),
    ("footer", FOOTER, b"SHARD\n\0\1", b"SHARD\n\0\2", rehashed, shard.decode),
    ("table", TABLE, TABLE[:2], b"\0\2", plain, table),
    ("trailer", TABLE, b"PACK1", b"PACK2", plain, table),
]
STRANGER: list[Row] = [
    ("stranger's header", HEADER, b"drive 1\n", b"drive 2\n", plain, facts),
    ("stranger's segment", SEGMENT, b"segment v1", b"segment v2", rehashed, iwato_rosetta.read_segment),
    ("stranger's table", TABLE, TABLE[:2], b"\0\2", plain, chunks),
    ("stranger's trailer", TABLE, b"PACK1", b"PACK2", plain, chunks),
]


@pytest.mark.clause("FORMAT 12.2")
@pytest.mark.parametrize(
    ("good", "mark", "other", "hashed", "read", "refuses"),
    [
        *((*row[1:], (IwatoError, ValueError)) for row in PRODUCT),
        *((*row[1:], iwato_rosetta.Refused) for row in STRANGER),
    ],
    ids=[row[0] for row in PRODUCT + STRANGER],
)
def test_product_and_strangers_reader_refuse_a_mark_that_they_do_not_know(
    good: bytes,
    mark: bytes,
    other: bytes,
    hashed: Callable[[bytes], bytes],
    read: Callable[[bytes], object],
    refuses: type[Exception] | tuple[type[Exception], ...],
) -> None:
    read(good)
    with pytest.raises(refuses):
        read(hashed(good.replace(mark, other, 1)))


@pytest.mark.clause("FORMAT 12.2")
def test_the_reader_refuses_a_footer_of_another_version(tmp_path: Path) -> None:
    said = shard.decode(FOOTER)
    name = said.facts.pack.hex()
    vault = SimpleNamespace(k=2, n=3, packs={name: (said.facts.size, said.facts.parity.hex())})
    path = tmp_path / "shard"
    path.write_bytes(bytes(4096) + FOOTER)
    assert iwato_rosetta.read_footer(vault, 0, path, name)[0] == [4096]
    path.write_bytes(bytes(4096) + rehashed(FOOTER.replace(b"SHARD\n\0\1", b"SHARD\n\0\2", 1)))
    with pytest.raises(iwato_rosetta.Refused):
        iwato_rosetta.read_footer(vault, 0, path, name)
