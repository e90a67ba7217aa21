"""A checkpoint counts with both signatures only, and a proof beside the data needs nothing else."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.domain.ids import VaultId
from appliance.errors import CheckpointRefused, LedgerMalformed, ProofRefused, TrustError, WitnessDisagrees
from appliance.format import note as signed_note
from appliance.format.checkpoint import Checkpoint
from appliance.ledger import checkpoint, proof, tree
from appliance.ledger.tree import Frontier, Tree
from tests import depth
from tests.unit.ledger_box import BEGAN_S, KEYS, LOG_KEY, VAULT, WITNESS_KEY, cosign, issue, note, public

ENTRIES = [note(number) for number in range(11)]
WHOLE = Tree(tree.leaf_hash(entry) for entry in ENTRIES)
FRONTIER = Frontier().extended(tree.leaf_hash(entry) for entry in ENTRIES)


@pytest.mark.clause("FORMAT 7.4")
def test_an_issued_checkpoint_verifies_and_carries_the_witness_s_time() -> None:
    said = checkpoint.verify(issue(FRONTIER), KEYS)
    assert (said.size, said.root, said.unix_s) == (11, WHOLE.root(), BEGAN_S)
    assert issue(FRONTIER).startswith(b"iwato/000102030405060708090a0b0c0d0e0f\n11\n")
    assert checkpoint.file_name(11) == "0000000000000011.checkpoint"


@pytest.mark.clause("FORMAT 7.4")
def test_a_checkpoint_lacking_either_signature_is_refused() -> None:
    whole = signed_note.parse(issue(FRONTIER))
    for line in whole.signatures:
        with pytest.raises(CheckpointRefused):
            checkpoint.verify(signed_note.Note(text=whole.text, signatures=(line,)).encode(), KEYS)


@pytest.mark.clause("FORMAT 7.4")
def test_a_checkpoint_of_another_vault_or_other_keys_is_refused() -> None:
    stranger = public(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
    for keys in (
        checkpoint.keys_of(VaultId(bytes(16)), public(LOG_KEY), public(WITNESS_KEY)),
        checkpoint.keys_of(VAULT, stranger, public(WITNESS_KEY)),
        checkpoint.keys_of(VAULT, public(LOG_KEY), stranger),
        checkpoint.keys_of(VAULT, public(WITNESS_KEY), public(LOG_KEY)),
    ):
        with pytest.raises(CheckpointRefused):
            checkpoint.verify(issue(FRONTIER), keys)


@pytest.mark.clause("FORMAT 7.4")
def test_a_text_of_another_ledger_under_our_signatures_is_refused() -> None:
    text = Checkpoint(origin="iwato/other", size=1, root=bytes(32)).text()
    signed = signed_note.Note(
        text=text,
        signatures=(KEYS.log.sign(LOG_KEY.sign, text), KEYS.witness.sign(WITNESS_KEY.sign, text, BEGAN_S)),
    )
    with pytest.raises(CheckpointRefused, match="another ledger"):
        checkpoint.verify(signed.encode(), KEYS)


def test_every_flipped_bit_of_a_checkpoint_is_refused() -> None:
    data = issue(FRONTIER)
    for bit in range(0, len(data) * 8, depth.many(3, 1)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointRefused):
            checkpoint.verify(bytes(flipped), KEYS)


@pytest.mark.clause("FORMAT 7.4")
def test_the_controller_signs_nothing_that_the_witness_signed_differently() -> None:
    with pytest.raises(WitnessDisagrees):
        checkpoint.issue(KEYS, FRONTIER, cosign(FRONTIER.extended([bytes(32)])), LOG_KEY.sign)
    with pytest.raises(WitnessDisagrees):
        checkpoint.issue(KEYS, FRONTIER, cosign(FRONTIER, LOG_KEY), LOG_KEY.sign)


def openssl_verifies(folder: Path, key: Ed25519PrivateKey, message: bytes, signature: bytes) -> bool:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("key", pem), ("message", message), ("signature", signature)):
        (folder / name).write_bytes(content)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "message"]
    command += ["-sigfile", "signature"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.mark.needs("openssl")
def test_openssl_accepts_both_signatures_over_the_documented_bytes(tmp_path: Path) -> None:
    """The bytes under each signature are put together here by hand, from the note's text alone."""
    text, _, lines = issue(FRONTIER).partition(b"\n\n")
    text += b"\n"
    blobs = [signed_note.parse(issue(FRONTIER)).signatures[number].signature for number in (0, 1)]
    assert lines.count(b"\n") == 2
    time_s = int.from_bytes(blobs[1][:8], "big")
    cosigned = b"cosignature/v1\ntime %d\n%s" % (time_s, text)
    assert openssl_verifies(tmp_path, LOG_KEY, text, blobs[0])
    assert openssl_verifies(tmp_path, WITNESS_KEY, cosigned, blobs[1][8:])
    assert not openssl_verifies(tmp_path, WITNESS_KEY, text, blobs[1][8:])


@pytest.mark.clause("FORMAT 7.6")
def test_every_entry_of_every_tree_has_a_proof_that_verifies() -> None:
    for size in range(1, len(ENTRIES) + 1):
        leaves = [tree.leaf_hash(entry) for entry in ENTRIES[:size]]
        data = issue(Frontier().extended(leaves))
        for index in range(size):
            text = proof.make(index, WHOLE, data, KEYS)
            assert proof.encode(proof.decode(text)) == text
            found, said = proof.verify(text, ENTRIES[index], KEYS)
            assert (found, said.size) == (index, size)


@pytest.mark.clause("FORMAT 7.6")
def test_the_proof_s_text_is_the_public_format() -> None:
    data = issue(FRONTIER)
    lines = proof.make(3, WHOLE, data, KEYS).split(b"\n")
    assert lines[:2] == [b"c2sp.org/tlog-proof@v1", b"index 3"]
    assert lines[6] == b""
    assert b"\n".join(lines[7:]) == data


@pytest.mark.clause("FORMAT 7.6")
def test_a_proof_holds_for_its_own_entry_index_and_checkpoint_only() -> None:
    text = proof.make(3, WHOLE, issue(FRONTIER), KEYS)
    for other in (ENTRIES[4], ENTRIES[3] + b" "):
        with pytest.raises(ProofRefused):
            proof.verify(text, other, KEYS)
    with pytest.raises(ProofRefused):
        proof.verify(text.replace(b"index 3", b"index 2"), ENTRIES[3], KEYS)
    with pytest.raises(ProofRefused):
        proof.make(10, WHOLE, issue(Frontier().extended([tree.leaf_hash(ENTRIES[0])])), KEYS)
    with pytest.raises(ProofRefused):
        proof.make(0, WHOLE, issue(Frontier().extended([bytes(32)])), KEYS)


@pytest.mark.clause("FORMAT 7.6")
def test_every_flipped_bit_of_a_proof_is_refused() -> None:
    text = proof.make(3, WHOLE, issue(FRONTIER), KEYS)
    for bit in range(0, len(text) * 8, depth.many(5, 1)):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TrustError):
            proof.verify(bytes(flipped), ENTRIES[3], KEYS)


@pytest.mark.clause("FORMAT 7.6")
def test_a_proof_that_is_not_written_as_it_should_be_is_malformed() -> None:
    text = proof.make(3, WHOLE, issue(FRONTIER), KEYS)
    header, index, first, rest = text.split(b"\n", 3)
    for lines in (
        [header, b"extra AAAA", index, first],
        [header, index.replace(b"3", b"03"), first],
        [header, index, first[:-1]],
        [header, index, first[:-4] + b"AAA="[:4] + b"AAAA"],
        [header, index, *[first] * 99],
        [header],
    ):
        with pytest.raises(LedgerMalformed):
            proof.decode(b"\n".join([*lines, rest]))
    with pytest.raises(LedgerMalformed):
        proof.decode(b"x" * (proof.PROOF_BYTES_MAX + 1))
