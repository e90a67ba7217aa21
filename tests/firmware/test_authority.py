"""Who may tell the interlock what: policies, recovery orders, and the witness's answers."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from firmware.model import frontier, policy_lines, sshsig, witness
from firmware.model.facts import HolderKey, KeyKind
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import (
    Cosign,
    Cosigned,
    Granted,
    Refused,
    RequestPhase,
    UploadAccepted,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadSignature,
)
from tests.firmware.box import HOLDERS, VAULT_ID, WITNESS_SEED, Box, order_text, policy_text, sign

POLICY = b"iwato-policy@v1"
ORDER = b"iwato-recovery-order@v1"


def booted(*, key: bool = True) -> Box:
    box = Box(key=key)
    box.boot()
    return box


def refused(answer: object) -> Cause:
    assert isinstance(answer, Refused), answer
    return answer.cause


@pytest.mark.clause("PROTOCOL 6.1")
def test_the_first_policy_is_accepted_once_with_the_key_turned_and_k_good_signatures() -> None:
    box = booted()
    text = policy_text()
    accepted = box.upload(UploadKind.POLICY, text, sign(text, POLICY, (5, 1, 3)))
    assert accepted == UploadAccepted(kind=UploadKind.POLICY, digest=hashlib.sha256(text).digest())
    other = policy_text(scrubs=["scrub 14:00:00-14:05:00 daily +00:00"])
    again = box.upload(UploadKind.POLICY, other, sign(other, POLICY, (1, 2, 3)))
    assert refused(again) is Cause.POLICY_NOT_NEXT


@pytest.mark.clause("PROTOCOL 6.1")
@pytest.mark.parametrize(
    ("holders", "cause"),
    [((1, 2), Cause.SIGNATURES_MISSING), ((1, 1, 2), Cause.SIGNER_TWICE), ((1, 2, 6), Cause.SIGNER_UNKNOWN)],
)
def test_fewer_than_k_distinct_known_holders_make_no_policy(holders: tuple[int, ...], cause: Cause) -> None:
    box = booted()
    text = policy_text()
    votes = [(n, HOLDERS[(n - 1) % 5].sign(sshsig.blob(POLICY, text))) for n in holders]
    assert refused(box.upload(UploadKind.POLICY, text, votes)) is cause


@pytest.mark.clause("PROTOCOL 6.1")
def test_without_the_key_switch_or_for_another_witness_or_version_no_policy_is_accepted() -> None:
    text = policy_text()
    votes = sign(text, POLICY, (1, 2, 3))
    assert refused(booted(key=False).upload(UploadKind.POLICY, text, votes)) is Cause.KEY_NOT_TURNED
    later = policy_text(version=2)
    assert (
        refused(booted().upload(UploadKind.POLICY, later, sign(later, POLICY, (1, 2, 3))))
        is Cause.POLICY_NOT_FIRST
    )
    ours = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED).public_key().public_bytes_raw()
    other = HOLDERS[0].sign(b"")[:32]
    foreign = text.replace(base64.b64encode(ours), base64.b64encode(hashlib.sha256(other).digest()))
    answer = refused(booted().upload(UploadKind.POLICY, foreign, sign(foreign, POLICY, (1, 2, 3))))
    assert answer in (Cause.POLICY_WITNESS, Cause.POLICY_MALFORMED)


@pytest.mark.clause("PROTOCOL 6.3")
def test_a_signature_under_another_namespace_or_over_another_text_is_bad() -> None:
    text = policy_text()
    for votes in (sign(text, ORDER, (1, 2, 3)), sign(text + b"\n", POLICY, (1, 2, 3))):
        assert refused(booted().upload(UploadKind.POLICY, text, votes)) is Cause.SIGNATURE_BAD


@pytest.mark.clause("PROTOCOL 6.2")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"delay 72h\n", b"delay 72h"),
        (b"delay 72h\n", b"delay 72h\n\n"),
        (b"delay 72h\n", b"delay 072h\n"),
        (b"quorum 3 of 5", b"quorum 1 of 5"),
        (b"quorum 3 of 5", b"quorum 5 of 5"),
        (b"prev -", b"prev sha256:" + b"00" * 32),
        (b"link=60s", b"link=120s"),
        (b"link=60s", b"link=3h"),
        (b"12:10:00-12:12:00", b"24:10:00-12:12:00"),
        (b"12:10:00-12:12:00", b"12:60:00-12:12:00"),
        (b"+00:00 link", b"-00:00 link"),
        (b"drives 2+1 write=3", b"drives 1+2 write=3"),
        (b"drives 2+1 write=3", b"drives 2+1 write=4"),
        (b"source docs tier=1", b"source docs tier=4"),
        (b"path=/srv/docs", b"path=/srv/%64ocs"),
        (b"path=/srv/docs", b"path=srv"),
        (b"path=/srv/docs", b"path=/srv/%00"),
        (b"source docs", b"exposure 9h\nsource docs"),
        (b"generation 1", b"generation 0"),
        (b"window 12", b"window 12:11:00-12:20:00 daily +00:00 link=60s\nwindow 12"),
        (b"iwato-policy 1\nprev -", b"prev -\niwato-policy 1"),
        (b"holder 2 ", b"holder 3 "),
        (b" daily ", b"  daily "),
        (b"scrub", "ｓcrub".encode()),
    ],
)
def test_every_other_spelling_and_every_unknown_line_is_refused(old: bytes, new: bytes) -> None:
    text = policy_text()
    policy_lines.read(text)
    assert old in text
    with pytest.raises(policy_lines.PolicyMalformedError):
        policy_lines.read(text.replace(old, new, 1))


@pytest.mark.clause("PROTOCOL 6.2")
def test_holders_have_distinct_keys_none_of_small_order() -> None:
    text = policy_text()
    keys = [base64.b64encode(key.public_key().public_bytes_raw()) for key in HOLDERS]
    with pytest.raises(policy_lines.PolicyMalformedError, match="one key"):
        policy_lines.read(text.replace(keys[1], keys[0]))
    for weak in sshsig.SMALL_ORDER:
        with pytest.raises(policy_lines.PolicyMalformedError, match="proves nothing"):
            policy_lines.read(text.replace(keys[1], base64.b64encode(weak)))


@pytest.mark.clause("PROTOCOL 6.2")
def test_the_small_order_list_is_exactly_the_points_of_order_1_2_4_and_8() -> None:
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def double(x: int, y: int) -> tuple[int, int]:
        k = d * x * x * y * y
        return 2 * x * y * pow(1 + k, -1, p) % p, (y * y + x * x) * pow(1 - k, -1, p) % p

    for raw in sshsig.SMALL_ORDER:
        y = int.from_bytes(raw, "little") % p
        x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(x2, (p + 3) // 8, p)
        x = x if x * x % p == x2 else x * pow(2, (p - 1) // 4, p) % p
        assert x * x % p == x2
        point = (x, y)
        for _ in range(3):
            point = double(*point)
        assert point == (0, 1)
    # 8 points have 5 y-coordinates below p; 0 and 1 have a second, non-canonical spelling below 2^255.
    assert len(sshsig.SMALL_ORDER) == 7


@pytest.mark.clause("PROTOCOL 6.3")
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_signature_of_stock_ssh_keygen_is_verified_from_its_raw_parts(tmp_path: Path, kind: str) -> None:
    key, text = tmp_path / "key", tmp_path / "text"
    text.write_bytes(policy_text())
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", POLICY.decode(), text],
        check=True,
        capture_output=True,
    )
    armor = (tmp_path / "text.sig").read_text().splitlines()
    fields = _strings(base64.b64decode("".join(armor[1:-1]))[10:])
    inner = _strings(_strings(fields[4])[1]) if kind == "ecdsa" else []
    signature = (
        _strings(fields[4])[1] if kind == "ed25519" else b"".join(one[-32:].rjust(32, b"\0") for one in inner)
    )
    raw = _strings(fields[0])[-1]
    holder = HolderKey(kind=KeyKind.ED25519 if kind == "ed25519" else KeyKind.P256, raw=raw)
    assert sshsig.sound(holder)
    assert sshsig.verify(holder, POLICY, text.read_bytes(), signature)
    assert not sshsig.verify(holder, ORDER, text.read_bytes(), signature)
    assert not sshsig.verify(holder, POLICY, text.read_bytes() + b"x", signature)


@pytest.mark.clause("PROTOCOL 6.3")
def test_p256_holders_vote_too() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    old = base64.b64encode(HOLDERS[0].public_key().public_bytes_raw())
    text = policy_text().replace(b"ssh-ed25519:" + old, b"ecdsa-sha2-nistp256:" + base64.b64encode(point))
    r, s = decode_dss_signature(key.sign(sshsig.blob(POLICY, text), ec.ECDSA(hashes.SHA256())))
    votes = [(1, r.to_bytes(32, "big") + s.to_bytes(32, "big")), *sign(text, POLICY, (2, 3))]
    assert isinstance(booted().upload(UploadKind.POLICY, text, votes), UploadAccepted)


def _strings(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


@pytest.mark.clause("PROTOCOL 6.4")
def test_chunks_out_of_order_signatures_before_the_text_and_commits_of_nothing_are_refused() -> None:
    box = booted()
    assert refused(box.answer(UploadChunk(offset=0, data=b"x"))) is Cause.UPLOAD_SEQUENCE
    assert refused(box.upload(UploadKind.POLICY, b"x" * 20_000, [])) is Cause.UPLOAD_SEQUENCE
    box.ready()
    text = policy_text()
    box.say(UploadBegin(kind=UploadKind.POLICY, length=len(text)))
    assert refused(box.answer(UploadChunk(offset=1, data=b"x"))) is Cause.UPLOAD_SEQUENCE
    box.say(UploadBegin(kind=UploadKind.POLICY, length=len(text)))
    assert refused(box.answer(UploadSignature(signer=1, signature=bytes(64)))) is Cause.UPLOAD_SEQUENCE
    assert refused(box.answer(UploadCommit())) is Cause.UPLOAD_SEQUENCE
    box.say(RequestPhase(phase=Phase.SEAL))
    assert box.phase is Phase.AIRLOCK
    assert refused(box.answer(UploadBegin(kind=UploadKind.POLICY, length=10))) is Cause.NOT_NOW


@pytest.mark.clause("PROTOCOL 7.2")
def test_an_order_is_refused_when_replayed_expired_foreign_long_lived_or_short_of_votes() -> None:
    box = Box()
    box.ready()
    policy = box.state.fram.policy
    assert policy is not None
    good = order_text(policy)

    def send(text: bytes, holders: tuple[int, ...] = (1, 2, 3)) -> object:
        return box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, ORDER, holders))

    assert refused(send(good, (1, 2))) is Cause.SIGNATURES_MISSING
    assert isinstance(send(good), UploadAccepted)
    reworded = good.replace(b"why drill", b"why greed")
    assert refused(send(reworded)) is Cause.ORDER_REPLAYED
    assert refused(send(order_text(policy, nonce=2, expires="2026-09-21T12:00:00Z"))) is Cause.ORDER_EXPIRED
    assert (
        refused(send(order_text(policy, nonce=2, expires="2027-09-21T12:00:00Z")))
        is Cause.ORDER_TOO_LONG_LIVED
    )
    foreign = order_text(policy, nonce=2).replace(VAULT_ID.hex().encode(), b"00" * 16)
    assert refused(send(foreign)) is Cause.ORDER_FOREIGN
    for bad in (good.replace(b"why drill", b"why "), good + b"more\n", good.replace(b"-21T", b"-31T")):
        assert refused(send(bad)) is Cause.ORDER_MALFORMED
    box.power_on()
    box.boot()
    box.beat()
    assert refused(send(good)) is Cause.ORDER_REPLAYED


@pytest.mark.clause("PROTOCOL 6.5")
@pytest.mark.parametrize("kind", [UploadKind.POLICY, UploadKind.RECOVERY_ORDER])
def test_a_commit_whose_answer_was_lost_gets_it_again_and_changes_nothing(kind: UploadKind) -> None:
    box = booted()
    text, namespace = policy_text(), POLICY
    if kind is UploadKind.RECOVERY_ORDER:
        box.ready()
        text, namespace = an_order(box), ORDER
    first = box.upload(kind, text, sign(text, namespace, (1, 2, 3)))
    assert first == UploadAccepted(kind=kind, digest=hashlib.sha256(text).digest())
    before, slots = box.state, list(box.slots)
    assert before.upload is None
    for votes in (sign(text, namespace, (1, 2, 3)), sign(text, namespace, (2, 4, 5)), []):
        assert box.upload(kind, text, votes) == first
        assert (box.state, box.slots) == (before, slots)


@pytest.mark.clause("PROTOCOL 6.5")
@pytest.mark.invariant("I4")
def test_an_order_that_served_is_a_replay_and_starts_no_second_recovery() -> None:
    box = Box(key=True)
    box.ready()
    box.key = True
    box.tick()
    text = an_order(box)
    votes = sign(text, ORDER, (1, 2, 3))
    for _ in range(3):
        assert isinstance(box.upload(UploadKind.RECOVERY_ORDER, text, votes), UploadAccepted)
    assert len(box.state.fram.nonces) == 1
    box.beat()
    assert box.answer(RequestPhase(phase=Phase.RECOVERY)) == Granted(phase=Phase.AIRLOCK)
    box.until(lambda: box.phase is Phase.RECOVERY, 3000)
    box.beat()
    box.done()
    box.until(lambda: box.phase is Phase.ISOLATED, 20_000)
    box.beat()
    assert refused(box.upload(UploadKind.RECOVERY_ORDER, text, votes)) is Cause.ORDER_REPLAYED
    assert refused(box.answer(RequestPhase(phase=Phase.RECOVERY))) is Cause.NO_ORDER


@pytest.mark.clause("PROTOCOL 6.5")
def test_only_the_last_order_and_only_before_it_expires_is_answered_again() -> None:
    box = Box()
    box.ready()
    first, second = an_order(box), an_order(box, nonce=2)
    for text in (first, second):
        accepted = box.upload(UploadKind.RECOVERY_ORDER, text, sign(text, ORDER, (1, 2, 3)))
        assert isinstance(accepted, UploadAccepted)
    replayed = box.upload(UploadKind.RECOVERY_ORDER, first, sign(first, ORDER, (1, 2, 3)))
    assert refused(replayed) is Cause.ORDER_REPLAYED
    box.jump_to(23 * 3600)
    late = box.upload(UploadKind.RECOVERY_ORDER, second, sign(second, ORDER, (1, 2, 3)))
    assert refused(late) is Cause.ORDER_EXPIRED


def an_order(box: Box, *, nonce: int = 1) -> bytes:
    assert box.state.fram.policy is not None
    return order_text(box.state.fram.policy, nonce=nonce)


@pytest.mark.clause("PROTOCOL 7.1")
def test_the_witness_appends_signs_the_c2sp_text_and_answers_a_retry_identically() -> None:
    box = Box()
    box.ready()
    leaves = [hashlib.sha256(b"\0" + bytes([n])).digest() for n in range(9)]
    public = Ed25519PublicKey.from_public_bytes(witness.public_key(box.state.fram))
    answer: object = None
    for size, leaf in enumerate(leaves, start=1):
        answer = box.answer(Cosign(size=size, leaf_hash=leaf))
        assert isinstance(answer, Cosigned)
        root = _naive_root(leaves[:size])
        assert answer.root == root
        note = f"iwato/{VAULT_ID.hex()}\n{size}\n{base64.b64encode(root).decode()}\n"
        public.verify(answer.signature, f"cosignature/v1\ntime {answer.time_s}\n{note}".encode())
        box.run(1100)
        assert box.answer(Cosign(size=size, leaf_hash=leaf)) == answer
    box.power_on()
    box.boot()
    assert box.answer(Cosign(size=9, leaf_hash=leaves[-1])) == answer


@pytest.mark.invariant("I10")
@pytest.mark.clause("PROTOCOL 7.1")
def test_a_fork_a_skip_and_a_step_back_are_refused_and_never_lock_the_log() -> None:
    box = Box()
    box.ready()
    box.say(Cosign(size=1, leaf_hash=b"\x01" * 32))
    assert refused(box.answer(Cosign(size=1, leaf_hash=b"\x02" * 32))) is Cause.LOG_FORK
    assert refused(box.answer(Cosign(size=3, leaf_hash=b"\x02" * 32))) is Cause.LOG_SIZE
    assert refused(box.answer(Cosign(size=0, leaf_hash=b"\x02" * 32))) is Cause.LOG_SIZE
    assert isinstance(box.answer(Cosign(size=2, leaf_hash=b"\x02" * 32)), Cosigned)


@pytest.mark.clause("PROTOCOL 7.1")
def test_nothing_is_cosigned_while_the_link_is_live_or_before_a_policy() -> None:
    box = Box()
    box.boot()
    assert refused(box.answer(Cosign(size=1, leaf_hash=bytes(32)))) is Cause.NO_POLICY
    box.ready()
    box.connect()
    assert refused(box.answer(Cosign(size=1, leaf_hash=bytes(32)))) is Cause.NOT_NOW


def _naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _naive_root(leaves[:split]) + _naive_root(leaves[split:])).digest()


@pytest.mark.clause("PROTOCOL 7.1")
def test_the_empty_log_has_the_root_of_RFC_6962() -> None:
    assert frontier.root(()) == hashlib.sha256().digest()
