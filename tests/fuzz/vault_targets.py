"""Parsers of what lies on drives and in staging, and of the state beside them."""

from __future__ import annotations

from typing import Any

from blake3 import blake3

from appliance.adapters import restore_journal, scan_record
from appliance.format import (
    age_file,
    age_header,
    base64_text,
    batch,
    bech32,
    checkpoint,
    drive_header,
    ledger_entry,
    ledger_segment,
    manifest,
    manifest_record,
    pack,
    receipt,
    shard,
    short_checkpoint,
    zstd_frame,
)
from appliance.format.age_passphrase import PassphraseKey
from appliance.format.age_recipient import Identity, Recipient
from appliance.format.pack import Block, Codec
from appliance.ledger import checkpoint as ledger_checkpoint
from appliance.ledger import history, outside, proof
from appliance.ledger.copies import Copy
from appliance.pipeline import compress
from tests.fuzz import specimen_keys
from tests.fuzz.target import GARBAGE, Target, text
from tests.unit import ledger_box

HASH_BYTES = 32
F, L = "appliance.format", "appliance.ledger"


# Checksums that are made good again ----------------------------------------------------------------


def _blake3_trailer(data: bytearray) -> None:
    data[-HASH_BYTES:] = blake3(bytes(data[:-HASH_BYTES])).digest()


def _journal_hashes(data: bytearray) -> None:
    """Give every line of a restore's journal the hash that it should have."""
    *lines, torn = bytes(data).split(b"\n")
    data[:] = b"".join(restore_journal.sealed(line.rpartition(b" ")[0]) for line in lines) + torn


def _hash_line(data: bytearray) -> None:
    line = bytes(data[: -batch.HASH_LINE_BYTES])
    data[-batch.HASH_LINE_BYTES :] = blake3(line).hexdigest().encode() + b"\n"


def _scan_mac(data: bytearray) -> None:
    body = bytes(data[: -scan_record.STATE_BYTES])
    state = scan_record.state_of(specimen_keys.MAC_KEY, specimen_keys.CONTEXT + body)
    data[-scan_record.STATE_BYTES :] = state


# Parsers that take more than bytes -------------------------------------------------------------------


def _pack_table(data: bytes) -> pack.Table:
    offset, length = pack.table_span(data[-pack.TRAILER_BYTES :], len(data))
    return pack.Table.decode(data[offset : offset + length], len(data))


def _zstd(data: bytes) -> bytes:
    """The raw length of a table that passed `pack.Table.decode`, then the frame."""
    return zstd_frame.decode(data[4:], min(int.from_bytes(data[:4], "big"), pack.RAW_BYTES_MAX) or 1)


def _block(data: bytes) -> bytes:
    """A codec and a raw length of the table, then what is stored."""
    raw, stored = min(int.from_bytes(data[1:5], "big"), pack.RAW_BYTES_MAX) or 1, data[5:]
    return compress.expand(stored, Block(stored=len(stored), raw=raw, codec=Codec(data[:1] == b"\1")))


def _manifest_records(data: bytes) -> list[Any]:
    """The frames are honest, the records in them are not."""
    plain = bytearray(manifest.MAGIC)
    encoder = zstd_frame.Encoder()
    for at in range(0, len(data), manifest.FRAME_BYTES):
        raw = data[at : at + manifest.FRAME_BYTES]
        stored = encoder.encode(raw)
        plain += len(stored).to_bytes(4, "big") + len(raw).to_bytes(4, "big") + stored
    return list(manifest.read([bytes(plain) + bytes(8)]))


def _ledger_copy(data: bytes) -> history.Assembly:
    """A drive whose one segment is this, beside an honest one."""
    honest = ledger_box.filled([1, 2], drives=1)
    copy = honest.drives[0].copy()
    spoilt = Copy(label="spoilt", segments={next(iter(copy.segments)): data}, checkpoints={})
    return history.assemble([spoilt, copy], ledger_box.KEYS, head=honest.head)


def _names(data: bytes) -> list[Any]:
    leaf = text(data)
    readings = (shard.parse_name, batch.parse_name, batch.parse_pack_name, receipt.parse_name)
    return [*(read(leaf) for read in readings), ledger_checkpoint.size_named(leaf)]


def _proof(data: bytes) -> object:
    return proof.verify(data, ledger_box.note(0), ledger_box.KEYS)


def _entry(data: bytes) -> Any:
    return manifest_record.decode_entry(data, [specimen_keys.PACK])


def _entry_again(entry: Any) -> bytes:
    return manifest_record.encode_entry(entry, lambda _pack: 0)


def _scan(data: bytes) -> Any:
    return scan_record.decode(data, specimen_keys.MAC_KEY, specimen_keys.CONTEXT)


# The tables ------------------------------------------------------------------------------------------

AGE = (
    Target(name="age_header", parse=age_header.parse, covers=(f"{F}.age_header:parse",)),
    Target(name="age_file", parse=lambda data: age_file.decrypt(data, specimen_keys.IDENTITY), covers=()),
    Target(
        name="age_passphrase",
        parse=lambda data: age_file.decrypt(data, PassphraseKey(specimen_keys.PASSPHRASE, work_factor_max=4)),
        covers=(),
    ),
    Target(
        name="base64",
        parse=lambda data: base64_text.decode(text(data)),
        covers=(f"{F}.base64_text:decode",),
        refuses=GARBAGE,
        again=lambda value: base64_text.encode(value).encode(),
    ),
    Target(
        name="base64_raw",
        parse=lambda data: base64_text.decode_raw(text(data)),
        covers=(f"{F}.base64_text:decode_raw",),
        refuses=GARBAGE,
        again=lambda value: base64_text.encode_raw(value).encode(),
    ),
    Target(
        name="bech32",
        parse=lambda data: bech32.decode(text(data)),
        covers=(f"{F}.bech32:decode",),
        refuses=GARBAGE,
    ),
    Target(
        name="recipient",
        parse=lambda data: Recipient.from_text(text(data)),
        covers=(f"{F}.age_recipient:Recipient.from_text",),
        again=lambda value: value.text().encode(),
    ),
    Target(
        name="identity",
        parse=lambda data: Identity.from_text(text(data)),
        covers=(f"{F}.age_recipient:Identity.from_text",),
        again=lambda value: value.secret_text().encode(),
    ),
)

VAULT = (
    Target(
        name="drive_header",
        parse=lambda data: drive_header.parse(text(data)),
        covers=(f"{F}.drive_header:parse",),
        refuses=GARBAGE,
        again=lambda value: value.text().encode(),
    ),
    Target(
        name="shard_footer",
        parse=shard.decode,
        covers=(f"{F}.shard:decode",),
        mend=_blake3_trailer,
        again=shard.encode,
    ),
    Target(name="pack_table", parse=_pack_table, covers=(f"{F}.pack:Table.decode",)),
    Target(name="zstd_frame", parse=_zstd, covers=(f"{F}.zstd_frame:decode",)),
    Target(name="block", parse=_block, covers=("appliance.pipeline.compress:expand",)),
    Target(name="manifest", parse=lambda data: list(manifest.read([data])), covers=(f"{F}.manifest:read",)),
    Target(name="manifest_records", parse=_manifest_records, covers=(f"{F}.manifest:read",)),
    Target(
        name="manifest_head",
        parse=manifest_record.decode_head,
        covers=(f"{F}.manifest_record:decode_head",),
        again=manifest_record.encode_head,
    ),
    Target(
        name="manifest_end",
        parse=manifest_record.decode_end,
        covers=(f"{F}.manifest_record:decode_end",),
        again=manifest_record.encode_end,
    ),
    Target(
        name="manifest_entry", parse=_entry, covers=(f"{F}.manifest_record:decode_entry",), again=_entry_again
    ),
    Target(
        name="batch", parse=batch.decode, covers=(f"{F}.batch:decode",), mend=_hash_line, again=batch.encode
    ),
    Target(
        name="names",
        parse=_names,
        refuses=(),
        covers=tuple(
            f"{F}.{name}"
            for name in (
                "shard:parse_name",
                "batch:parse_name",
                "batch:parse_pack_name",
                "receipt:parse_name",
            )
        ),
    ),
    Target(
        name="scan_record",
        parse=_scan,
        covers=("appliance.adapters.scan_record:decode",),
        refuses=(),
        mend=_scan_mac,
    ),
    Target(
        name="restore_journal",
        parse=restore_journal.parse,
        covers=("appliance.adapters.restore_journal:parse",),
        refuses=(),
        mend=_journal_hashes,
    ),
)

LEDGER = (
    Target(
        name="ledger_entry",
        parse=ledger_entry.decode,
        covers=(f"{F}.ledger_entry:decode",),
        again=ledger_entry.encode,
    ),
    Target(
        name="ledger_segment",
        parse=ledger_segment.decode,
        covers=(f"{F}.ledger_segment:decode",),
        mend=_blake3_trailer,
        again=ledger_segment.encode,
    ),
    Target(name="ledger_copy", parse=_ledger_copy, covers=(), mend=_blake3_trailer),
    Target(
        name="checkpoint_text",
        parse=lambda data: checkpoint.parse(text(data)),
        covers=(f"{F}.checkpoint:parse",),
        again=lambda value: value.text().encode(),
    ),
    Target(
        name="checkpoint",
        parse=lambda data: ledger_checkpoint.verify(data, ledger_box.KEYS),
        covers=(f"{L}.checkpoint:verify",),
    ),
    Target(
        name="outside",
        parse=lambda data: outside.read(data, ledger_box.KEYS),
        covers=(f"{L}.outside:read",),
    ),
    Target(
        name="short_checkpoint",
        parse=lambda data: short_checkpoint.parse(text(data)),
        covers=(f"{F}.short_checkpoint:parse",),
        again=lambda value: value.text().encode(),
    ),
    Target(name="proof", parse=proof.decode, covers=(f"{L}.proof:decode",), again=proof.encode),
    Target(name="proof_verified", parse=_proof, covers=(f"{L}.proof:verify",)),
    Target(name="receipt", parse=receipt.decode, covers=(f"{F}.receipt:decode",), again=receipt.encode),
)
