"""Holders sign the next policy, a veto, an override; who enters proves the new key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from appliance.adapters.token_file import FileToken
from appliance.custody import objection, policy_succession
from appliance.custody import policy as policy_text
from appliance.custody.objection import About
from appliance.custody.policy import Policy
from appliance.custody.policy_succession import ENTERING, Rule, Unfit
from appliance.domain.ids import HolderNumber
from appliance.domain.schedule import Duration
from appliance.errors import OrderInvalid, PassphraseWrong, QuorumMissing, SuccessorRefused, TokenForeign
from appliance.ports import Token
from appliance.service import signing_desk
from firmware.model import order_lines, sshsig
from firmware.model.facts import HolderKey, KeyKind
from firmware.wire.codes import UploadKind
from tests.unit import custody_box
from tests.unit.custody_box import Custody

WHY = "too wide: 開きすぎ 100%"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    """Another vault, whose holder 5 is to enter ours."""
    return custody_box.bear(tmp_path_factory.mktemp("other"))


def following(vault: Custody, entering: Custody | None = None) -> Policy:
    """The next policy; holder 5 is replaced by that of `entering`."""
    old = vault.policy
    holders = (*old.holders[:4], entering.policy.holders[4]) if entering else old.holders
    delay = Duration(amount=24, unit="h")
    return replace(old, version=2, previous=vault.signed.digest, holders=holders, delay=delay)


def judge(vault: Custody, text: bytes, tokens: Sequence[Token]) -> policy_succession.Successor:
    signed = signing_desk.sign_policy(vault.born.policy, text, tokens)
    given = [(int(vote.holder), vote.raw) for vote in signed.votes]
    return policy_succession.judge(vault.policy, vault.signed.digest, text, given)


@pytest.mark.clause("THREATS 3.9")
def test_whoever_enters_signs_with_the_new_token_and_counts_for_the_new_set_only(
    vault: Custody, other: Custody
) -> None:
    text = policy_text.render(following(vault, other))
    found = judge(vault, text, [*vault.tokens(1, 2, 3), other.token(5)])
    assert (found.old_signers, found.new_signers) == ((1, 2, 3), (1, 2, 3, 5))
    with pytest.raises(Unfit) as caught:
        judge(vault, text, vault.tokens(1, 2, 3))
    assert caught.value.rule is Rule.ENTERING_MISSING
    signed = signing_desk.sign_policy(vault.born.policy, text, [other.token(5)])
    assert [int(vote.holder) for vote in signed.votes] == [ENTERING | 5]


def test_whoever_leaves_signs_under_the_old_number(vault: Custody, other: Custody) -> None:
    new = following(vault, other)
    assert [holder.number for holder in policy_succession.leaving(vault.policy, new)] == [5]
    found = judge(vault, policy_text.render(new), [*vault.tokens(3, 4, 5), other.token(5)])
    assert (found.old_signers, found.new_signers) == ((3, 4, 5), (3, 4, 5))


@pytest.mark.clause("THREATS 3.11")
def test_no_token_signs_what_does_not_follow(vault: Custody, other: Custody) -> None:
    new = following(vault)
    for text in (
        vault.born.policy,
        policy_text.render(replace(new, previous=bytes(32))),
        policy_text.render(new) + b"\n",
        policy_text.render(replace(new, witness_key=custody_box.public_key())),
        b"iwato-recovery-order 1\n",
    ):
        with pytest.raises(SuccessorRefused):
            signing_desk.sign_policy(vault.born.policy, text, vault.tokens(1, 2, 3))
    with pytest.raises(TokenForeign):
        signing_desk.sign_policy(vault.born.policy, policy_text.render(new), [other.token(1)])


def test_a_wrong_passphrase_is_named_and_stops_nobody_else(vault: Custody) -> None:
    text = policy_text.render(following(vault))
    wrong = FileToken(str(vault.folder(2)), lambda: "wrong")
    signed = signing_desk.sign_policy(vault.born.policy, text, [wrong, vault.token(1)])
    assert [vote.holder for vote in signed.votes] == [1]
    assert isinstance(signed.wrong[0], PassphraseWrong)
    with pytest.raises(PassphraseWrong):
        signing_desk.sign_policy(vault.born.policy, text, [wrong])


@pytest.mark.clause("PROTOCOL 12.5")
def test_the_interlock_reads_the_veto_and_the_override_that_are_written_here(vault: Custody) -> None:
    pending = hashlib.sha256(b"pending").digest()
    veto, signed = signing_desk.sign_veto(vault.born.policy, pending, WHY, vault.tokens(4))
    read = order_lines.read(veto, UploadKind.VETO)
    assert (read.vault_id, read.policy, read.pending) == (vault.policy.vault_id, vault.signed.digest, pending)
    assert [vote.holder for vote in signed.votes] == [4]
    key = HolderKey(kind=KeyKind.ED25519, raw=vault.policy.holders[3].ssh_key)
    assert sshsig.verify(key, order_lines.NAMESPACES[UploadKind.VETO], veto, signed.votes[0].raw)
    text, votes = signing_desk.sign_override(
        vault.born.policy, pending, [4, 2], WHY, vault.tokens(1, 3, 5)
    )
    assert order_lines.read(text, UploadKind.OVERRIDE).vetoes == 0b1010
    assert {vote.holder for vote in votes.votes} == {1, 3, 5}


def test_an_override_by_fewer_than_k_is_not_signed(vault: Custody) -> None:
    with pytest.raises(QuorumMissing):
        signing_desk.sign_override(vault.born.policy, bytes(32), [4], WHY, vault.tokens(1, 3))


@pytest.mark.parametrize("why", ["", "x" * 257, "\x1b" * 90])
def test_a_reason_that_does_not_fit_its_line_is_refused(vault: Custody, why: str) -> None:
    about = About(vault_id=vault.policy.vault_id, policy=bytes(32), pending=bytes(32))
    assert not objection.fits(why)
    with pytest.raises(OrderInvalid):
        objection.veto(about, why)


@pytest.mark.planted
def test_a_desk_that_asks_no_judge_signs_a_rollback(vault: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        policy_succession, "require_next", lambda _old, _digest, text: policy_text.parse(text)
    )
    signed = signing_desk.sign_policy(vault.born.policy, vault.born.policy, vault.tokens(1))
    assert signed.votes[0].holder == HolderNumber(1)
