"""Small inputs that ask for much: frames, tables, lists and texts of a hostile drive, staging or token.

`python -m tests.attack.bombs BYTES` lets each of them go off with so much address space beyond what the
process has when it begins, and prints one JSON object: name → the error's code, or "taken".
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from blake3 import blake3

from appliance.domain.geometry import ALIGN_BYTES
from appliance.domain.ids import SourceName
from appliance.errors import IwatoError
from appliance.format import (
    age_file,
    age_header,
    base64_text,
    batch,
    ledger_entry,
    ledger_segment,
    manifest,
    manifest_record,
    note,
    pack,
    receipt,
    shard,
    sshsig,
    zstd_frame,
)
from appliance.format.age_passphrase import PassphraseKey
from appliance.format.age_recipient import Recipient
from appliance.format.manifest_record import End, Head, Tag
from appliance.ledger import proof
from tests import depth

MAGIC = bytes.fromhex("28b52ffd")
RLE_BYTES = 128 << 10  # bytes; the most that one block of a frame expands to
Act = Callable[[], object]


# zstd (RFC 8878), by hand ------------------------------------------------------------------------------


def frame(size: int | None, blocks: int, *, window: bytes = b"\x58", last: bool = True) -> bytes:
    """`blocks` run-length blocks of 128 KiB behind a header that says `size` bytes and a window of 2 MiB."""
    flags, content = (0xC0, size.to_bytes(8, "little")) if size is not None else (0, b"")
    rle = (RLE_BYTES << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    ending = (RLE_BYTES << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0" if last else b""
    return MAGIC + bytes([flags]) + window + content + rle * (blocks - 1) + ending


GIB, RAW = 1 << 30, pack.RAW_BYTES_MAX
FRAMES: dict[str, tuple[bytes, int]] = {
    "frame: it says an exbibyte": (frame(1 << 60, 8192), RAW),
    "frame: it says and holds a gibibyte": (frame(GIB, 8192), RAW),
    "frame: it says what the table says and holds a gibibyte": (frame(RAW, 8192), RAW),
    "frame: it says nothing and holds a gibibyte": (frame(None, 8192), RAW),
    "frame: a window of 1.75 TiB": (frame(RAW, 16, window=b"\xff"), RAW),
    "frame: many behind one another": (frame(RAW, 16) * 500, RAW),
    "frame: it holds less than it says": (frame(RAW, 3), RAW),
    "frame: it never ends": (frame(RAW, 3, last=False), RAW),
    "frame: nothing": (b"", RAW),
}


# Lists of files ------------------------------------------------------------------------------------------

HEAD = manifest_record.encode_head(Head(window=1, begin_s=1, segment=0, source=SourceName("docs")))


def record(tag: int, body: bytes, length: int | None = None) -> bytes:
    return bytes([tag]) + (len(body) if length is None else length).to_bytes(4, "big") + body


def framed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Honest frames around dishonest records, made while they are read."""
    encoder, raw = zstd_frame.Encoder(), bytearray()
    yield manifest.MAGIC
    for piece in pieces:
        raw += piece
        while len(raw) >= manifest.FRAME_BYTES:
            yield _frame(encoder, bytes(raw[: manifest.FRAME_BYTES]))
            del raw[: manifest.FRAME_BYTES]
    if raw:
        yield _frame(encoder, bytes(raw))
    yield bytes(8)


def _frame(encoder: zstd_frame.Encoder, raw: bytes) -> bytes:
    stored = encoder.encode(raw)
    return len(stored).to_bytes(4, "big") + len(raw).to_bytes(4, "big") + stored


def listed(*records: bytes) -> object:
    return count_of(framed(iter([record(Tag.HEAD, HEAD), *records])))


def count_of(plain: Iterator[bytes]) -> int:
    """As restore does it: one entry at a time."""
    return sum(1 for _ in manifest.read(plain))


def entry(counts: bytes) -> bytes:
    """A file whose numbers of path, target, attribute and run bytes are these."""
    return record(Tag.ENTRY, bytes(2) + b"\1\xa4" + bytes(36) + counts + b"a")


def endless() -> Iterator[bytes]:
    """Files with long names, without end."""
    path = b"/".join([b"n" * 255] * 100)
    yield record(Tag.HEAD, HEAD)
    while True:
        yield record(
            Tag.ENTRY, bytes(2) + b"\1\xa4" + bytes(36) + len(path).to_bytes(2, "big") + bytes(8) + path
        )


def many_packs() -> Iterator[bytes]:
    yield record(Tag.HEAD, HEAD)
    for number in range(manifest.PACKS_MAX + 1):
        yield record(Tag.PACK, number.to_bytes(32, "big"))


LISTS: dict[str, Act] = {
    "list: a frame of 4 GiB": lambda: count_of(iter([manifest.MAGIC + b"\xff" * 8 + bytes(100)])),
    "list: a stored frame of 4 GiB": lambda: count_of(iter([manifest.MAGIC + b"\xff" * 4 + b"\0\0\0\1"])),
    "list: a record of 4 GiB": lambda: listed(record(Tag.ENTRY, b"", 0xFFFF_FFFF)),
    "list: a record of 32 MiB that is not there": lambda: listed(record(Tag.ENTRY, b"", 1 << 25)),
    "list: four billion runs": lambda: listed(entry(b"\0\1\0\0\0\0\xff\xff\xff\xff")),
    "list: 65,535 attributes": lambda: listed(entry(b"\0\1\0\0\xff\xff\0\0\0\0")),
    "list: four billion chunks": lambda: listed(
        record(
            Tag.ENTRY, bytes(2) + b"\1\xa4" + bytes(36) + b"\0\1\0\0\0\0\0\0\0\1a" + bytes(8) + b"\xff" * 4
        )
    ),
    "list: entries without end": lambda: count_of(framed(endless())),
    "list: bytes without end behind its end": lambda: count_of(
        iter(
            [
                *framed(iter([record(Tag.HEAD, HEAD), record(Tag.END, manifest_record.encode_end(End()))])),
                b"x",
            ]
        )
    ),
}


# Tables, texts, lengths ----------------------------------------------------------------------------------


def table(blocks: int, slots: int, body: bytes = b"") -> Act:
    content = b"\0\1" + blocks.to_bytes(4, "big") + slots.to_bytes(4, "big") + body
    return lambda: pack.Table.decode(content, len(content) + pack.TRAILER_BYTES)


def footer() -> object:
    """Everything right but the size of the pack, also the footer's own hash."""
    head = shard.MAGIC + b"\0\1" + bytes([2, 1, 0]) + bytes(3) + b"\xff" * 8
    body = head.ljust(ALIGN_BYTES - 36, b"\0") + (4096).to_bytes(4, "big")
    return shard.decode(body + blake3(body).digest())


def hashed(line: bytes) -> object:
    return batch.decode(line + blake3(line).hexdigest().encode() + b"\n")


def segment(records: int, body: bytes) -> object:
    content = ledger_segment.MAGIC + bytes(8) + records.to_bytes(4, "big") + bytes(34) + body
    return ledger_segment.decode(content + blake3(content).digest())


def scrypt(work: bytes) -> object:
    salt = base64_text.encode_raw(bytes(16)).encode()
    body = base64_text.encode_raw(bytes(32)).encode()
    header = (
        age_header.VERSION_LINE + b"-> scrypt " + salt + b" " + work + b"\n" + body + b"\n--- " + body + b"\n"
    )
    return age_file.decrypt(header + bytes(32), PassphraseKey("words"))


DEEP = b"[" * 500_000
OTHERS: dict[str, Act] = {
    "pack: four billion blocks": table(0xFFFF_FFFF, 0),
    "pack: four billion slots": table(0, 0xFFFF_FFFF),
    "pack: 65,536 blocks that are not there": table(1 << 16, 1 << 16),
    "pack: a table of 4 GiB": lambda: pack.table_span(b"\xff" * 4 + pack.MAGIC, 1000),
    "shard: a pack of 16 EiB": footer,
    "record: 500,000 levels": lambda: hashed(DEEP + b"\n"),
    "record: a number of 900,000 digits": lambda: hashed(b'{"iwato_batch":' + b"9" * 900_000 + b"}\n"),
    "record: longer than any": lambda: hashed(b" " * batch.BATCH_BYTES_MAX),
    "entry: 500,000 levels": lambda: ledger_entry.decode(DEEP),
    "entry: a number of 4 MB": lambda: ledger_entry.decode(
        b'{"kind":"note","time":' + b"1" * (4 << 20) + b"}"
    ),
    "entry: longer than any": lambda: ledger_entry.decode(b"{" * (ledger_entry.ENTRY_BYTES_MAX + 1)),
    "segment: four billion entries": lambda: segment(0xFFFF_FFFF, b""),
    "segment: an entry of 4 GiB": lambda: segment(1, b"\1\xff\xff\xff\xff"),
    "segment: longer than any": lambda: segment(1, bytes(ledger_segment.SEGMENT_BYTES_MAX)),
    "receipt: two parts of 4 GiB": lambda: receipt.decode(receipt.MAGIC + b"\xff" * 8),
    "proof: a path of 100,000 hashes": lambda: proof.decode(
        b"c2sp.org/tlog-proof@v1\nindex 0\n"
        + (base64_text.encode(bytes(32)).encode() + b"\n") * 100_000
        + b"\nx"
    ),
    "note: a signature of 100,000 keys": lambda: note.parse(b"x\n\n" + "— k AAAAAAA=\n".encode() * 100_000),
    "age: a header without end": lambda: age_header.parse(age_header.VERSION_LINE + b"-> x\n\n" * 1_000_000),
    "age: a line without end": lambda: age_header.parse(age_header.VERSION_LINE + b"-> " + b"x" * (8 << 20)),
    "token: a passphrase that costs 1 TiB": lambda: scrypt(b"30"),
    "token: a work factor of 99": lambda: scrypt(b"99"),
    "key: a text of 8 MB": lambda: Recipient.from_text("age1pq1" + "q" * (8 << 20)),
    "signature: 8 MB of lines": lambda: sshsig.parse("-----BEGIN SSH SIGNATURE-----\n" + "A" * (8 << 20)),
}


def opened(content: bytes, raw: int) -> Act:
    return lambda: zstd_frame.decode(content, raw)


# A second or two of work, so only where there is time.
SLOW: dict[str, Act] = {"list: more packs than any segment names": lambda: count_of(framed(many_packs()))}
BOMBS: dict[str, Act] = {
    **{name: opened(content, raw) for name, (content, raw) in FRAMES.items()},
    **LISTS,
    **OTHERS,
    **(SLOW if depth.FULL else {}),
}


def address_space() -> int:
    """Bytes that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def go_off(bombs: dict[str, Act]) -> dict[str, str]:
    """Name → code of the error, "taken", or the name of an error that is none of ours."""
    said = {}
    for name, act in bombs.items():
        try:
            act()
            said[name] = "taken"
        except IwatoError as error:
            said[name] = error.code
        except Exception as error:  # noqa: BLE001 - any of them is a finding, and is named
            said[name] = type(error).__name__
    return said


def main() -> None:
    room = address_space() + int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    print(json.dumps(go_off(BOMBS)))


if __name__ == "__main__":
    main()
