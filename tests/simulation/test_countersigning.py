"""Holders countersign the newest checkpoint at their ceremonies, and everybody can check it."""

import base64
import io
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.adapters.token_file import FileToken
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import votes
from appliance.domain.ledger_request import LedgerAct, LedgerRequest
from appliance.errors import CheckpointRefused, IwatoError
from appliance.format import note as signed_note
from appliance.format import sshsig
from appliance.ports import CopyRequest
from appliance.rosetta import iwato_ledger
from appliance.service import countersignature, signing_desk
from tests.contract import ledger_file
from tests.simulation.virtual_box import Nobody, VirtualBox, born


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """Two holders at its birth, k at a recovery later."""
    place = tmp_path_factory.mktemp("countersigned")
    (place / "source").mkdir()
    (place / "source" / "file").write_bytes(b"content")
    made = born(place / "home", place / "source")
    consult(made, LedgerAct.COUNTERSIGN, tokens=tokens(made, 3, 5))
    made.run_window()
    made.appliance().verify_copy(CopyRequest(snapshot="latest", tokens=tokens(made, 1, 2, 4)), Nobody())
    return made


def tokens(box: VirtualBox, *holders: int) -> tuple[str, ...]:
    return tuple(str(box.home.token(holder)) for holder in holders)


def consult(box: VirtualBox, act: LedgerAct, **words: Any) -> Mapping[str, Any]:
    return box.appliance().consult_ledger(LedgerRequest(act=act, **words))


def exported(box: VirtualBox, place: Path) -> bytes:
    consult(box, LedgerAct.EXPORT, to=str(place / "ledger"))
    return (place / "ledger").read_bytes()


def walked(box: VirtualBox, data: bytes) -> iwato_ledger.Walk:
    policy = iwato_ledger.policy_keys(PolicyFiles(box.home.policy).text)
    return iwato_ledger.Walk([], policy).run(io.BytesIO(data))


def ceremonies(walk: iwato_ledger.Walk) -> list[tuple[object, object]]:
    return [(told["at"], told["holders"]) for name, told in walk.findings if name == "countersigned"]


@pytest.mark.clause("FORMAT 7.7")
@pytest.mark.clause("THREATS 4.14")
def test_holders_countersign_at_birth_and_with_a_recovery_and_a_stranger_sees_it(
    box: VirtualBox, tmp_path: Path
) -> None:
    walk = walked(box, exported(box, tmp_path))
    (first, early), (second, late) = ceremonies(walk)
    assert (first, early, late) == (2, "3, 5", "1, 2, 4")  # birth and policy
    assert isinstance(second, int)
    assert second > 2
    assert "misgiven" not in {name for name, _ in walk.findings}


@pytest.mark.clause("THREATS 4.14")
@pytest.mark.needs("ssh-keygen")
def test_anybody_checks_a_countersignature_with_ssh_keygen(box: VirtualBox, tmp_path: Path) -> None:
    folder = box.root / "seal-state" / countersignature.FOLDER
    names = sorted(path.name for path in folder.iterdir())
    assert [name.split(".")[1] for name in names][:2] == ["3", "5"]
    for name in names:
        size, holder, _ = name.split(".")
        data = (box.root / "seal-state" / "checkpoints" / f"{size}.checkpoint").read_bytes()
        signers = box.home.policy / "allowed_signers"
        who = next(line for line in signers.read_text().splitlines() if line.split()[0].endswith(holder))
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", who.split()[0], "-n",
             votes.CHECKPOINT_NAMESPACE, "-s", folder / name],
            input=signed_note.parse(data).text.encode(), capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.clause("THREATS 4.14")
def test_a_signature_under_another_holder_s_name_is_found(box: VirtualBox, tmp_path: Path) -> None:
    found = ledger_file.pieces(exported(box, tmp_path))
    for place, (kind, payload) in enumerate(found):
        if kind == iwato_ledger.SIGNATURE:
            for wrong in (bytes([payload[0] % 5 + 1]) + payload[1:], payload[:-1] + bytes([payload[-1] ^ 1])):
                forged = [*found[:place], (kind, wrong), *found[place + 1 :]]
                walk = walked(box, ledger_file.joined(forged))
                assert "misgiven" in {name for name, _ in walk.findings}
    signature = next(piece for piece in found if piece[0] == iwato_ledger.SIGNATURE)
    with pytest.raises(iwato_ledger.Refused):
        walked(box, ledger_file.joined([*found[:2], signature, *found[2:]]))


@pytest.mark.clause("FORMAT 9.3")
def test_a_countersignature_of_a_p256_token_is_checked_too(box: VirtualBox) -> None:
    said = iwato_ledger.parse_note(consult(box, LedgerAct.CHECKPOINT)["note"].encode())
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for namespace, holds in ((votes.CHECKPOINT_NAMESPACE, True), (votes.POLICY_NAMESPACE, False)):
        blob = sshsig.to_be_signed(said.text, namespace)
        raw = b"".join(
            part.to_bytes(32, "big")
            for part in utils.decode_dss_signature(key.sign(blob, ec.ECDSA(hashes.SHA256())))
        )
        assert iwato_ledger.countersigned(said, point, raw) is holds
        assert not iwato_ledger.countersigned(said, point[:-1], raw)
    line = b"holder 2 ssh=ecdsa-sha2-nistp256:" + base64.b64encode(point) + b" unseal"
    text = re.sub(rb"holder 2 ssh=\S+ unseal", line, PolicyFiles(box.home.policy).text)
    assert (2, point) in iwato_ledger.policy_keys(text).holders
    assert len(iwato_ledger.policy_keys(text).holders) == 5


@pytest.mark.clause("THREATS 4.14")
def test_no_token_signs_what_box_and_witness_did_not_sign(box: VirtualBox) -> None:
    asked: list[str] = []

    class Watched(FileToken):
        def sign(self, namespace: str, message: bytes) -> bytes:
            asked.append(namespace)
            return super().sign(namespace, message)

    texts = PolicyFiles(box.home.policy)
    honest = consult(box, LedgerAct.CHECKPOINT)["note"].encode()
    token = Watched(tokens(box, 1)[0])
    for wrong in (honest[:-8], honest.replace(b"iwato/", b"iwat0/"), texts.text, b""):
        with pytest.raises(IwatoError):
            signing_desk.sign_checkpoint(texts.text, wrong, [token])
    one, *_ = signed_note.parse(honest).signatures
    unwitnessed = signed_note.Note(text=signed_note.parse(honest).text, signatures=(one,)).encode()
    with pytest.raises(CheckpointRefused):
        signing_desk.sign_checkpoint(texts.text, unwitnessed, [token])
    assert asked == []
    assert len(signing_desk.sign_checkpoint(texts.text, honest, [token]).votes) == 1
    assert asked == [votes.CHECKPOINT_NAMESPACE]


def test_files_that_are_no_countersignature_do_not_stop_an_export(box: VirtualBox, tmp_path: Path) -> None:
    other = box.copy(tmp_path / "box")
    folder = other.root / "seal-state" / countersignature.FOLDER
    good = next(folder.iterdir()).read_bytes()
    (folder / "0000000000000002.9.sig").write_bytes(good)  # of another checkpoint
    (folder / "0000000000000001.7.sig").write_bytes(b"\xff" * 9000)
    (folder / "junk").write_bytes(b"")
    (folder / "0000000000000001.8.sig").mkdir()
    assert ceremonies(walked(other, exported(other, tmp_path))) == ceremonies(
        walked(box, exported(box, tmp_path / "box"))
    )


@pytest.mark.planted
def test_a_planted_signature_for_another_purpose_is_not_taken(
    box: VirtualBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        iwato_ledger, "holds", lambda key, raw, text: bool(key) and len(raw) == 64 and bool(text)
    )
    found = ledger_file.pieces(exported(box, tmp_path))
    forged = [(k, p[:1] + bytes(64)) if k == iwato_ledger.SIGNATURE else (k, p) for k, p in found]
    assert ceremonies(walked(box, ledger_file.joined(forged))), "a verifier that checks nothing takes it"
    monkeypatch.undo()
    assert not ceremonies(walked(box, ledger_file.joined(forged)))
