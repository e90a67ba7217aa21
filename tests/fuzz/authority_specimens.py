"""Valid inputs of the targets in `authority_targets.py`, made by the product's own writers."""

from __future__ import annotations

import hashlib
import os
import random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.custody import order, passphrase, policy, share_record, shares, token_text, vault_key, votes
from appliance.custody.policy import DriveGroup, Generation, Holder, Policy, SourceLine
from appliance.custody.share_record import ShareRecord
from appliance.custody.token_text import Description, TokenKeys
from appliance.domain.ids import HolderNumber
from appliance.domain.schedule import Duration, Slot, Window
from appliance.format import (
    base64_text,
    sshsig,
)
from appliance.format.ssh_key import SshKey
from firmware.model import fram
from firmware.wire import cobs, frame, messages
from firmware.wire.codes import Cause, UploadKind
from hw import channel
from tests.firmware import box as firmware_box
from tests.firmware import papers, test_memory
from tests.fuzz.specimen_keys import DOCS, FOUR_TWO, HOLDER_KEY, IDENTITY, PASSPHRASE, Made
from tests.unit import ledger_box, test_policy_order, test_sshsig, test_wire_frames


def keys() -> Made:
    ssh = SshKey.from_ed25519(HOLDER_KEY.public_key().public_bytes_raw())
    signatures = []
    for pair in (test_sshsig.ed25519(), test_sshsig.p256()):
        key, signer = pair
        signatures.append(sshsig.sign(signer, key, votes.POLICY_NAMESPACE, b"text"))
    return {
        "base64": [b"", b"AA==", b"AAE=", b"AAEC"],
        "base64_raw": [b"", b"AA", b"AAE", b"AAEC"],
        "bech32": [IDENTITY.recipient.text().encode(), IDENTITY.secret_text().encode()],
        "recipient": [IDENTITY.recipient.text().encode()],
        "identity": [IDENTITY.secret_text().encode()],
        "note_key": [ledger_box.KEYS.log.text().encode(), ledger_box.KEYS.witness.text().encode()],
        "ssh_blob": [ssh.blob(), test_sshsig.p256()[0].blob()],
        "ssh_line": [ssh.line().encode(), test_sshsig.p256()[0].line().encode()],
        "sshsig": [signature.armor().encode() for signature in signatures],
        "sshsig_blob": [_dearmored(signature.armor()) for signature in signatures],
    }


def _dearmored(text: str) -> bytes:
    return base64_text.decode("".join(text.split("\n")[1:-2]))


def custody() -> Made:
    words = shares.split(bytes(range(32)), 2, 3, os.urandom)
    signed = policy_of(words)
    text = policy.render(signed)
    keys = TokenKeys(serial=bytes(8), unseal=IDENTITY, signing_seed=bytes(range(32)))
    description = Description(
        kind="file", serial=bytes(8), holder=HolderNumber(1), recipient=IDENTITY.recipient, ssh=keys.ssh()
    )
    shared = ShareRecord(vault_id=ledger_box.VAULT, generation=1, holder=HolderNumber(1), words=words[0])
    signature = sshsig.sign(
        HOLDER_KEY.sign, votes.ssh_key(signed.holders[0]), votes.POLICY_NAMESPACE, b"text"
    )
    return {
        "policy": [text],
        "order": [order.render(test_policy_order.ORDER)],
        "share_record": [share_record.render(shared)],
        "share_words": [words[0].encode(), words[1].upper().encode()],
        "token_description": [token_text.render_description(description)],
        "token_keys": [token_text.render_keys(keys)],
        "passphrase": [PASSPHRASE.encode(), passphrase.generate(os.urandom).encode()],
        "vault_key": [vault_key.render(IDENTITY.recipient)],
        "votes": [signature.armor().encode()],
        "words_line": [b"/srv/%0A", "四半期 %FF".encode()],
        "path_line": [b"/srv/%E3%81%82"],
        "key_line": [b"AAEC", b"AA=="],
    }


def policy_of(words: tuple[shares.Words, ...]) -> Policy:
    """A policy of three holders, the first of whom has HOLDER_KEY."""
    night = Slot(begin_s=3 * 3600, end_s=5 * 3600, offset_s=9 * 3600)
    others = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2)]
    holders = tuple(
        Holder(
            number=HolderNumber(number + 1),
            ssh_key=key.public_key().public_bytes_raw(),
            unseal=hashlib.sha256(b"unseal %d" % number).digest(),
            share=hashlib.sha256(words[number].encode()).digest(),
        )
        for number, key in enumerate((HOLDER_KEY, *others))
    )
    return Policy(
        version=1,
        previous=b"",
        vault_id=ledger_box.VAULT,
        quorum=2,
        holders=holders,
        generations=(Generation(number=1, vault=IDENTITY.recipient.fingerprint),),
        log_key=ledger_box.public(ledger_box.LOG_KEY),
        witness_key=ledger_box.public(ledger_box.WITNESS_KEY),
        windows=(Window(slot=night, link=Duration(amount=60, unit="m")),),
        scrubs=(Slot(begin_s=6 * 3600, end_s=22 * 3600, offset_s=9 * 3600),),
        groups=(DriveGroup(geometry=FOUR_TWO),),
        sources=(SourceLine(name=DOCS, tier=1, path=b"/srv/docs"),),
        delay=Duration(amount=72, unit="h"),
    )


def lines() -> Made:
    draw = random.Random(5)
    payloads = [
        messages.encode(test_wire_frames.example(row, draw)) for _, row in sorted(messages.TABLE.items())
    ]
    sealed = frame.seal(
        key=bytes(32),
        direction=frame.Direction.FROM_INTERLOCK,
        session=bytes(8),
        counter=1,
        payload=payloads[0],
    )
    shown = channel.Inputs(levels=3, carrier=True, supplied=1, interfaces=1, order=(2, 3, 1))
    packets = (channel.Uart(sealed), channel.PinLevels(5), shown)
    slots = fram.commission(pairing_key=bytes(32), witness_seed=bytes(32), time_s=1_800_000_000)
    return {
        "cobs": [cobs.encode(b"a\0b"), cobs.encode(bytes(300))],
        "frame": [sealed.strip(b"\0")],
        "message": payloads,
        "channel": [channel.encode(packet) for packet in packets],
        "interlock_policy": [firmware_box.policy_text(), firmware_box.policy_text(drives=papers.TWO_GROUPS)],
        "interlock_order": [order.render(test_policy_order.ORDER), *_papers()],
        "interlock_memory": [slots[0], test_memory.FIRST.read_bytes(), _full_memory()],
    }


def _pen() -> papers.Pen:
    """At a box where policy 2 waits."""
    box = firmware_box.Box()
    box.ready()
    pen = papers.Pen(box)
    pen.hand_in(UploadKind.POLICY, pen.successor(delay="1h"))
    return pen


def _papers() -> list[bytes]:
    pen = _pen()
    release, time = pen.release(secured=True, fault=Cause.LINK_WITHOUT_ORDER), pen.time(1_800_000_000)
    return [pen.veto(), pen.override(2, 4), release, time, pen.unseal(2)]


def _full_memory() -> bytes:
    return _pen().box.state.saved.encode()
