"""Holders sign at the desk: the right holders, this text, this purpose; everything else is named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.custody import order as recovery_order
from appliance.custody import votes
from appliance.custody.order import RecoveryOrder
from appliance.custody.policy import Holder
from appliance.custody.votes import Vote
from appliance.domain.ids import HolderNumber, SnapshotId
from appliance.errors import (
    OrderInvalid,
    PassphraseWrong,
    PolicyUnsigned,
    QuorumMissing,
    ShareRepeated,
    TokenForeign,
)
from appliance.ports import Token
from appliance.service import signing_desk
from tests.unit import custody_box
from tests.unit.custody_box import Custody


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


def order(vault: Custody) -> RecoveryOrder:
    return RecoveryOrder(
        vault_id=vault.policy.vault_id,
        policy=vault.signed.digest,
        nonce=b"n" * 16,
        expires_s=1_800_000_000,
        snapshot=SnapshotId("20261123T030000Z-0a1b2c3d"),
        sources=(),
        path=b"",
        reason="drill",
        destination=b"/srv/restore",
    )


def sign(vault: Custody, tokens: list[Token], text: bytes | None = None) -> signing_desk.Signed:
    order_text = recovery_order.render(order(vault)) if text is None else text
    return signing_desk.sign_order(vault.born.policy, order_text, tokens)


@pytest.mark.clause("THREATS 3.6")
def test_k_holders_sign_an_order_and_anybody_can_count_their_votes(vault: Custody) -> None:
    signed = sign(vault, [*vault.tokens(5, 1, 3)])
    assert {vote.holder for vote in signed.votes} == {1, 3, 5}
    assert {len(vote.raw) for vote in signed.votes} == {64}
    text = recovery_order.render(order(vault))
    armored = votes.armor(vault.policy, votes.ORDER_NAMESPACE, text, signed.votes)
    assert len(votes.require(vault.policy, votes.ORDER_NAMESPACE, text, armored)) == 3


@pytest.mark.clause("THREATS 3.3")
def test_votes_for_an_order_are_none_for_a_policy(vault: Custody) -> None:
    text = recovery_order.render(order(vault))
    armored = votes.armor(
        vault.policy, votes.ORDER_NAMESPACE, text, sign(vault, [*vault.tokens(1, 2, 3)]).votes
    )
    with pytest.raises(PolicyUnsigned):
        votes.require(vault.policy, votes.POLICY_NAMESPACE, text, armored)


@pytest.mark.clause("THREATS 3.6")
def test_fewer_than_k_holders_sign_nothing_that_counts(vault: Custody) -> None:
    with pytest.raises(QuorumMissing):
        sign(vault, [*vault.tokens(1, 2)])
    with pytest.raises(ShareRepeated):
        sign(vault, [*vault.tokens(1, 2, 2)])


@pytest.mark.clause("THREATS 3.6")
def test_no_token_signs_what_is_not_an_order_of_this_vault(vault: Custody) -> None:
    asked: list[str] = []

    class Watched:
        """A token that tells when it is used."""

        def __getattr__(self, name: str) -> object:
            asked.append(name)
            raise AssertionError(name)

    texts = [
        vault.born.policy,
        recovery_order.render(replace(order(vault), policy=bytes(32))),
        recovery_order.render(order(vault)) + b"\n",
    ]
    for text in texts:
        with pytest.raises(OrderInvalid):
            sign(vault, [Watched()], text)  # type: ignore[list-item]
    assert asked == []


def test_a_strangers_token_and_a_wrong_passphrase_are_named(
    vault: Custody, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = custody_box.bear(tmp_path_factory.mktemp("strangers"))
    shutil.copytree(vault.folder(2), tmp_path / "holder-2")
    forgetful = replace(vault, place=tmp_path, passphrases={HolderNumber(2): "able-baker"})
    signed = sign(vault, [*stranger.tokens(1), *forgetful.tokens(2), *vault.tokens(3, 4, 5)])
    assert [type(error) for error in signed.wrong] == [TokenForeign, PassphraseWrong]
    with pytest.raises(TokenForeign):
        sign(vault, [*stranger.tokens(1), *vault.tokens(3, 4)])
    with pytest.raises(PassphraseWrong):
        sign(vault, [*forgetful.tokens(2), *vault.tokens(3, 4)])


class Ventriloquist:
    """A token that shows holder 1's keys and signs with another's."""

    def __init__(self, shown: Token, used: Token) -> None:
        self.describe, self.sign = shown.describe, used.sign


@pytest.mark.clause("THREATS 3.2")
def test_a_token_that_signs_with_another_key_than_it_shows_is_found_at_once(vault: Custody) -> None:
    fake = Ventriloquist(vault.token(1), vault.token(2))
    signed = sign(vault, [fake, *vault.tokens(3, 4, 5)])  # type: ignore[list-item]
    assert [error.code for error in signed.wrong] == ["IW-5006"]
    assert {vote.holder for vote in signed.votes} == {3, 4, 5}


@pytest.mark.planted
def test_a_desk_that_does_not_verify_is_caught(vault: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    def believe(holder: Holder, namespace: str, text: bytes, token: Token) -> Vote:
        return Vote(holder=holder.number, raw=token.sign(namespace, text))

    monkeypatch.setattr(signing_desk, "vote", believe)
    with pytest.raises(AssertionError):
        test_a_token_that_signs_with_another_key_than_it_shows_is_found_at_once(vault)
