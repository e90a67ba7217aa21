"""Parsers of what decides who may do what: keys, signatures, policies, tokens, and the serial line."""

from __future__ import annotations

import zlib

from appliance.custody import (
    line_text,
    order,
    passphrase,
    policy,
    share_record,
    shares,
    token_text,
    vault_key,
    votes,
)
from appliance.domain.ids import HolderNumber
from appliance.format import (
    note,
    ssh_key,
    sshsig,
)
from appliance.format.age_recipient import Recipient
from appliance.format.note_key import NoteKey
from firmware.model import fram, order_lines, policy_lines
from firmware.wire import cobs, fields, frame, messages
from firmware.wire.codes import UploadKind
from hw import channel
from tests.fuzz import authority_specimens
from tests.fuzz.target import GARBAGE, Target, text

CRC_BYTES = 4
F, C = "appliance.format", "appliance.custody"
POLICY_WORDS = tuple(shares.Words(f"share {number}") for number in range(3))


def _crc_trailer(data: bytearray) -> None:
    data[-CRC_BYTES:] = zlib.crc32(bytes(data[:-CRC_BYTES])).to_bytes(CRC_BYTES, "big")


def _frame_crc(data: bytearray) -> None:
    """The damage is to what lies inside the stuffing."""
    try:
        raw = bytearray(cobs.decode(bytes(data)))
    except cobs.CobsError:
        raw = bytearray(data)
    _crc_trailer(raw)
    data[:] = cobs.encode(bytes(raw))


def _vote(data: bytes) -> votes.Count:
    signed = authority_specimens.policy_of(POLICY_WORDS)
    return votes.count(signed, votes.POLICY_NAMESPACE, b"text", {HolderNumber(1): text(data)})


def _vault_key(data: bytes) -> Recipient:
    return vault_key.check(authority_specimens.policy_of(POLICY_WORDS), 1, data)


def _paper(data: bytes) -> order_lines.Order:
    """As the kind whose title it bears."""
    kinds = [kind for kind, rows in order_lines.LINES.items() if data.startswith(rows[0][0].encode())]
    return order_lines.read(data, kinds[0] if kinds else UploadKind.RECOVERY_ORDER)


SIGNATURES = (
    Target(name="note", parse=note.parse, covers=(f"{F}.note:parse",), again=lambda value: value.encode()),
    Target(
        name="note_key",
        parse=lambda data: NoteKey.from_text(text(data)),
        covers=(f"{F}.note_key:NoteKey.from_text",),
        again=lambda value: value.text().encode(),
    ),
    Target(
        name="ssh_blob",
        parse=ssh_key.SshKey.from_blob,
        covers=(f"{F}.ssh_key:SshKey.from_blob",),
        again=lambda value: value.blob(),
    ),
    Target(
        name="ssh_line",
        parse=lambda data: ssh_key.SshKey.from_line(text(data)),
        covers=(f"{F}.ssh_key:SshKey.from_line",),
    ),
    Target(
        name="sshsig",
        parse=lambda data: sshsig.parse(text(data)),
        covers=(f"{F}.sshsig:parse",),
        again=lambda value: value.armor().encode(),
    ),
    Target(name="sshsig_blob", parse=sshsig.decode, covers=(f"{F}.sshsig:decode",)),
    Target(name="votes", parse=_vote, covers=(f"{F}.sshsig:verify", f"{F}.ssh_key:SshKey.verify")),
)

CUSTODY = (
    Target(name="policy", parse=policy.parse, covers=(f"{C}.policy:parse",), again=policy.render),
    Target(name="order", parse=order.parse, covers=(f"{C}.order:parse",), again=order.render),
    Target(
        name="share_record",
        parse=share_record.parse,
        covers=(f"{C}.share_record:parse",),
        refuses=GARBAGE,
        again=share_record.render,
    ),
    Target(
        name="share_words",
        parse=lambda data: shares.read(text(data)),
        covers=(f"{C}.shares:read",),
        refuses=GARBAGE,
    ),
    Target(
        name="token_description",
        parse=token_text.parse_description,
        covers=(f"{C}.token_text:parse_description",),
        refuses=GARBAGE,
        again=token_text.render_description,
    ),
    Target(
        name="token_keys",
        parse=token_text.parse_keys,
        covers=(f"{C}.token_text:parse_keys",),
        refuses=GARBAGE,
        again=token_text.render_keys,
    ),
    Target(
        name="passphrase",
        parse=lambda data: passphrase.read(text(data)),
        covers=(f"{C}.passphrase:read",),
        refuses=(),
    ),
    Target(name="vault_key", parse=_vault_key, covers=()),
    Target(
        name="words_line",
        parse=lambda data: line_text.read_words(text(data)),
        refuses=GARBAGE,
        covers=(f"{C}.line_text:read_words",),
        again=lambda value: line_text.write_words(value).encode(),
    ),
    Target(
        name="path_line",
        parse=lambda data: line_text.read_path(text(data)),
        refuses=GARBAGE,
        covers=(f"{C}.line_text:read_path",),
        again=lambda value: line_text.write_path(value).encode(),
    ),
    Target(
        name="key_line",
        parse=lambda data: line_text.read_key(text(data)),
        refuses=GARBAGE,
        covers=(f"{C}.line_text:read_key",),
        again=lambda value: line_text.write_key(value).encode(),
    ),
)

LINES = (
    Target(
        name="cobs",
        parse=cobs.decode,
        covers=("firmware.wire.cobs:decode",),
        refuses=(cobs.CobsError,),
        again=cobs.encode,
    ),
    Target(
        name="frame",
        parse=frame.unseal,
        covers=("firmware.wire.frame:unseal",),
        mend=_frame_crc,
        refuses=(frame.FrameCorruptError,),
    ),
    Target(
        name="message",
        parse=messages.decode,
        covers=("firmware.wire.messages:decode",),
        refuses=(messages.UnknownMessageError, fields.MalformedError),
        again=messages.encode,
    ),
    Target(
        name="channel",
        parse=channel.decode,
        covers=("hw.channel:decode",),
        refuses=(channel.ChannelGarbage,),
        again=channel.encode,
    ),
    Target(
        name="interlock_policy",
        parse=policy_lines.read,
        covers=("firmware.model.policy_lines:read",),
        refuses=(policy_lines.PolicyMalformedError,),
    ),
    Target(
        name="interlock_order",
        parse=_paper,
        covers=("firmware.model.order_lines:read",),
        refuses=(order_lines.OrderMalformedError,),
    ),
    Target(
        name="interlock_memory",
        parse=fram.decode,
        covers=("firmware.model.fram:decode",),
        refuses=(),
        mend=_crc_trailer,
    ),
)
