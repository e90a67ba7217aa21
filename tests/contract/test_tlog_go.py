"""Our tree, proofs and notes against those of Go's transparency log, byte for byte.

The values were made by `tlog_go/main.go`, which says how, with no line of ours. Ed25519 signs the same text
with the same bytes, so equal notes mean that either side takes the other's.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.format import checkpoint, note
from appliance.format.note_key import NoteKey
from appliance.ledger import tree
from appliance.ledger.tree import Tree

VALUES = json.loads((Path(__file__).parent / "tlog_go" / "values.json").read_text(encoding="utf-8"))
SIZES = range(1, 65)
DIGEST = 8  # characters of each proof in a row
SIGNER = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"iwato tlog_go").digest())


def leaf(number: int) -> bytes:
    return tree.leaf_hash(b"entry %d" % number)


WHOLE = Tree(leaf(number) for number in range(64))


def digest(path: Sequence[bytes]) -> str:
    return base64.b64encode(hashlib.sha256(b"".join(path)).digest()[:6]).decode()


def row(text: str) -> list[str]:
    return [text[at : at + DIGEST] for at in range(0, len(text), DIGEST)]


@pytest.mark.clause("FORMAT 7.1")
def test_every_root_and_every_proof_up_to_64_entries_is_that_of_the_other_implementation() -> None:
    for size in SIZES:
        assert base64.b64encode(WHOLE.root(size)).decode() == VALUES["roots"][size - 1]
        paths = [digest(WHOLE.inclusion(index, size)) for index in range(size)]
        assert paths == row(VALUES["inclusion"][size - 1])
        paths = [digest(WHOLE.consistency(old, size)) for old in range(1, size)]
        assert paths == row(VALUES["consistency"][size - 1])


@pytest.mark.clause("FORMAT 9.4")
@pytest.mark.clause("FORMAT 9.5")
@pytest.mark.clause("FORMAT 9.6")
def test_its_signed_checkpoints_are_ours() -> None:
    key = NoteKey.from_text(VALUES["verifier"])
    for size, text in zip((16, 32, 48, 64), VALUES["notes"], strict=True):
        signed = note.parse(text.encode())
        key.verify(signed)
        said = checkpoint.parse(signed.text)
        assert (said.origin, said.size, said.root) == (key.name, size, WHOLE.root(size))
        ours = note.Note(text=said.text(), signatures=(key.sign(SIGNER.sign, said.text()),))
        assert ours.encode() == text.encode()


@pytest.mark.planted
def test_a_tree_without_domain_separation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "NODE", b"\0")
    with pytest.raises(AssertionError):
        test_every_root_and_every_proof_up_to_64_entries_is_that_of_the_other_implementation()
