"""Valid inputs of every fuzz target, made by the product's own writers. Stored once by `corpus.py`.

Keys are fixed, so that what is stored can be opened; what draws fresh bytes differs from run to run and
is therefore stored and not made anew.
"""

from __future__ import annotations

import hashlib
import os

from appliance.adapters import restore_journal, scan_record
from appliance.domain.file_entry import ChunkRef, Extent, FileEntry, Kind
from appliance.domain.geometry import Geometry
from appliance.domain.ids import DriveIndex, PackId
from appliance.format import (
    age_file,
    age_passphrase,
    batch,
    ledger_entry,
    ledger_segment,
    manifest,
    manifest_record,
    receipt,
    shard,
    zstd_frame,
)
from appliance.format.batch import Batch, SourceFacts, StagedPack, StagedSegment
from appliance.format.checkpoint import Checkpoint
from appliance.format.drive_header import DriveHeader, DriveSetFacts
from appliance.format.ledger_segment import Gap, Segment
from appliance.format.manifest_record import End, Head
from appliance.format.pack import Block, Codec, Table
from appliance.format.pack import Slot as PackSlot
from appliance.format.receipt import Receipt
from appliance.ledger import outside, proof, tree
from appliance.ledger.tree import Tree
from tests.fuzz import authority_specimens
from tests.fuzz.specimen_keys import (
    CONTEXT,
    DOCS,
    FOUR_TWO,
    IDENTITY,
    MAC_KEY,
    PACK,
    PASSPHRASE,
    SCANNED,
    Made,
)
from tests.unit import ledger_box, test_ledger_entry


def made() -> Made:
    """Target name → inputs that its parser takes."""
    parts = (
        _age(),
        authority_specimens.keys(),
        _vault(),
        _manifests(),
        _ledger(),
        authority_specimens.custody(),
        authority_specimens.lines(),
        _names(),
    )
    return {target: contents for part in parts for target, contents in part.items()}


def _age() -> Made:
    sealed = [age_file.encrypt(plain, IDENTITY.recipient, os.urandom) for plain in (b"", b"some plaintext")]
    lock = age_passphrase.PassphraseLock(PASSPHRASE, entropy=os.urandom, work_factor=1)
    locked = age_file.encrypt(b"keys", lock, os.urandom)
    return {"age_header": [*sealed, locked], "age_file": sealed, "age_passphrase": [locked]}


def _vault() -> Made:
    facts = DriveSetFacts(vault=ledger_box.VAULT, number=1, geometry=FOUR_TWO, generation=1)
    header = DriveHeader(set=facts, index=DriveIndex(3), drive=bytes(range(16)))
    record = Batch(
        window=7,
        sequence=1,
        begin_s=1_800_000_000,
        final=True,
        complete=True,
        sources=(SourceFacts(name=DOCS, complete=True, files=3, bytes=99),),
        packs=(StagedPack(id=PACK, size=70_000),),
        segments=(StagedSegment(id=PackId(bytes(32)), size=1700, source=DOCS),),
        bytes_read=99,
        bytes_new=99,
        unreadable=0,
    )
    frames = [
        len(raw).to_bytes(4, "big") + zstd_frame.Encoder().encode(raw)
        for raw in (b"a" * 1000, bytes(range(200)))
    ]
    return {
        "drive_header": [header.text().encode()],
        "shard_footer": [_footer(2, 1, 9000), _footer(4, 2, 10)],
        "pack_table": [_pack_plaintext()],
        "zstd_frame": frames,
        "block": [bytes([codec]) + data for codec, data in ((0, bytes(4) + b"raw"), (1, frames[0]))],
        "batch": [batch.encode(record)],
        "scan_record": [scan_record.encode(SCANNED, MAC_KEY, CONTEXT)],
        "restore_journal": [
            restore_journal.sealed(b'{"what": "snapshot"}')
            + restore_journal.sealed(b'{"step": "a.0", "left_out": [["646f6373", "device"]]}'),
            restore_journal.sealed(b"[" * 3000),  # once ended a restore with a RecursionError
        ],
    }


def _footer(data: int, parity: int, size: int) -> bytes:
    geometry = Geometry(data=data, parity=parity, write_quorum=data)
    count = shard.stripe_count(geometry, size) * geometry.drives
    flat = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(count))
    hashes = shard.BlockHashes(geometry=geometry, size=size, flat=flat)
    return shard.encode(shard.ShardFooter(index=DriveIndex(1), facts=hashes.facts(), hashes=hashes))


def _pack_plaintext() -> bytes:
    frame_of = zstd_frame.Encoder().encode(b"z" * 400)
    blocks = [
        Block(stored=30, raw=30, codec=Codec.RAW),
        Block(stored=len(frame_of), raw=400, codec=Codec.ZSTD),
    ]
    slots = [
        PackSlot(block=number, offset=offset, length=length, digest=bytes(32))
        for number, offset, length in ((0, 0, 10), (0, 10, 20), (1, 0, 400))
    ]
    return b"r" * 30 + frame_of + Table.of(blocks, slots).encode()


def _manifests() -> Made:
    entries = [
        FileEntry(path=b"", kind=Kind.DIRECTORY, mode=0o755, uid=0, gid=0, mtime_ns=1),
        FileEntry(
            path="名/a".encode(),
            kind=Kind.FILE,
            mode=0o4640,
            uid=1,
            gid=2,
            mtime_ns=-5,
            size=30,
            xattrs=((b"user.a", b"\0"), (b"user.b", b"")),
            extents=(Extent(offset=4, chunks=(ChunkRef(pack=PACK, slot=1, length=9),)),),
        ),
        FileEntry(path=b"s", kind=Kind.SYMLINK, mode=0o777, uid=0, gid=0, mtime_ns=0, target=b"../x"),
        FileEntry(path=b"n", kind=Kind.CHARACTER_DEVICE, mode=0o6, uid=0, gid=0, mtime_ns=0, device=(1, 3)),
        FileEntry(path=b"t", kind=Kind.HARD_LINK, mode=0, uid=0, gid=0, mtime_ns=0, target=b"s"),
    ]
    head, end = (
        Head(window=1, begin_s=2, segment=0, source=DOCS),
        End(last=True, entries=5, files=1, bytes=30),
    )
    plain = bytearray()
    writer = manifest.Writer(head, plain.extend)
    for item in entries:
        writer.add(item)
    writer.end(end)
    bodies = [manifest_record.encode_entry(item, lambda _pack: 0) for item in entries]
    records = [(1, manifest_record.encode_head(head)), (2, PACK), *((3, body) for body in bodies)]
    records.append((4, manifest_record.encode_end(end)))
    joined = b"".join(bytes([tag]) + len(body).to_bytes(4, "big") + body for tag, body in records)
    return {
        "manifest": [bytes(plain)],
        "manifest_records": [joined],
        "manifest_head": [manifest_record.encode_head(head)],
        "manifest_end": [manifest_record.encode_end(end)],
        "manifest_entry": bodies,
    }


def _ledger() -> Made:
    vault = ledger_box.filled([1, 2])
    segments = list(vault.drives[0].segments.values())
    gap = Segment(first=0, root_before=tree.EMPTY_ROOT, records=(Gap(leaf=bytes(32)), b"{}"), edition=1)
    note_bytes = list(vault.drives[0].checkpoints.values())
    whole = Tree([tree.leaf_hash(entry) for entry in vault.entries])
    proven = proof.make(0, whole, note_bytes[-1], ledger_box.KEYS)
    entries = [
        ledger_entry.encode(entry) for entry in (*test_ledger_entry.EXAMPLES, test_ledger_entry.seal())
    ]
    text = Checkpoint(origin=ledger_box.KEYS.origin, size=3, root=bytes(32)).text().encode()
    return {
        "ledger_entry": entries,
        "ledger_segment": [*segments, ledger_segment.encode(gap)],
        "ledger_copy": segments,
        "checkpoint_text": [text],
        "checkpoint": note_bytes,
        "note": note_bytes,
        "outside": [*note_bytes, outside.shorten(note_bytes[-1], ledger_box.KEYS).text().encode()],
        "short_checkpoint": [outside.shorten(note_bytes[-1], ledger_box.KEYS).text().encode()],
        "proof": [proven],
        "proof_verified": [proven],
        "receipt": [receipt.encode(Receipt(entry=vault.entries[0], proof=proven))],
    }


def _names() -> Made:
    return {
        "names": [
            shard.ShardName(pack=PACK, index=DriveIndex(3), revision=12).path.split("/")[-1].encode(),
            batch.pack_name(PACK).split("/")[-1].encode(),
            b"00000007-0001.batch",
            b"00000007-0000000000000003.receipt",
            b"0000000000000003-2.checkpoint",
        ]
    }
