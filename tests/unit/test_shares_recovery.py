"""k tokens become the vault's key; liars, strangers and broken tokens are named and stop nobody."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import shamir_mnemonic

from appliance.custody import recovery, share_record, shares
from appliance.custody.recovery import Offer
from appliance.custody.shares import Words
from appliance.domain.ids import HolderNumber, VaultId
from appliance.errors import (
    IwatoError,
    PassphraseWrong,
    QuorumMissing,
    ShareRecordMissing,
    ShareRepeated,
    ShareWrong,
    TokenForeign,
    VaultKeyWrong,
)
from appliance.format import age_file
from appliance.service import vault_opening
from tests.unit import custody_box
from tests.unit.custody_box import Custody

CANARY = b"only the vault's key opens this"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("strangers"))


def offer(vault: Custody, holder: int) -> Offer:
    token = vault.token(holder)
    return Offer(holder=HolderNumber(holder), record=token.unseal(token.record(1)))


def lie(vault: Custody, holder: int) -> Offer:
    """A well-formed share, right in everything that a checksum can say, but not the one of the policy."""
    record = share_record.parse(offer(vault, holder).record)
    share = shamir_mnemonic.Share.from_mnemonic(record.words)
    fields = {name: getattr(share, name) for name in share.__dataclass_fields__}
    fields["value"] = bytes([share.value[0] ^ 1]) + share.value[1:]
    forged = Words(shamir_mnemonic.Share(**fields).mnemonic())
    return Offer(holder=HolderNumber(holder), record=share_record.render(replace(record, words=forged)))


def opens(vault: Custody, recovered: recovery.Recovered) -> bool:
    sealed = age_file.encrypt(CANARY, vault.signed.vault, os.urandom)
    return age_file.decrypt(sealed, recovered.identity) == CANARY


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.3")
@pytest.mark.parametrize("holders", list(itertools.combinations(range(1, 6), 3)), ids=str)
def test_every_three_of_five_tokens_open_the_vault(vault: Custody, holders: tuple[int, ...]) -> None:
    recovered = vault_opening.open_vault(vault.policy, 1, vault.tokens(*holders))
    assert opens(vault, recovered)
    assert (recovered.used, recovered.wrong) == (holders, ())


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.2")
@pytest.mark.parametrize("holders", [(), (1,), (4, 5)], ids=str)
def test_fewer_tokens_open_nothing_and_it_is_said_how_many_are_missing(
    vault: Custody, holders: tuple[int, ...]
) -> None:
    with pytest.raises(QuorumMissing) as caught:
        vault_opening.open_vault(vault.policy, 1, vault.tokens(*holders))
    assert caught.value.values == {"present": len(holders), "needed": 3, "missing": 3 - len(holders)}
    assert (caught.value.code, caught.value.exit_status) == ("IW-5001", 5)


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.4")
@pytest.mark.parametrize("liars", [(1,), (5,), (1, 2), (2, 4)], ids=str)
def test_k_honest_holders_succeed_although_the_others_lie_and_the_liars_are_named(
    vault: Custody, liars: tuple[int, ...]
) -> None:
    offers = [lie(vault, holder) if holder in liars else offer(vault, holder) for holder in range(1, 6)]
    recovered = recovery.recover(vault.policy, 1, offers)
    assert opens(vault, recovered)
    assert not set(recovered.used) & set(liars)
    assert [error.values["holder"] for error in recovered.wrong] == [f"holder {liar}" for liar in liars]


@pytest.mark.clause("FORMAT 10.1")
@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.4")
def test_with_a_liar_among_only_k_nothing_is_combined_and_the_liar_is_named(
    vault: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "combine", lambda *_arguments: pytest.fail("a share was combined unproven"))
    with pytest.raises(ShareWrong, match="holder 2") as caught:
        recovery.recover(vault.policy, 1, [offer(vault, 1), lie(vault, 2), offer(vault, 3)])
    assert (caught.value.code, caught.value.exit_status) == ("IW-5009", 5)


@pytest.mark.clause("THREATS 2.11")
def test_one_holder_twice_is_not_two(vault: Custody) -> None:
    with pytest.raises(ShareRepeated) as caught:
        vault_opening.open_vault(vault.policy, 1, vault.tokens(1, 2, 1))
    assert (caught.value.code, caught.value.values["holder"]) == ("IW-5010", 1)
    with pytest.raises(ShareRepeated):
        recovery.recover(vault.policy, 1, [offer(vault, 1), offer(vault, 2), offer(vault, 1)])


@pytest.mark.clause("THREATS 2.11")
def test_a_copy_of_a_token_under_another_holders_number_is_foreign(vault: Custody, tmp_path: Path) -> None:
    copied = tmp_path / "holder-1"
    shutil.copytree(vault.folder(2), copied)
    text = (copied / "token.txt").read_bytes()
    (copied / "token.txt").write_bytes(text.replace(b"holder 2", b"holder 1"))
    fake = replace(vault, place=tmp_path)
    with pytest.raises(TokenForeign):
        vault_opening.open_vault(vault.policy, 1, [*vault.tokens(2, 3), fake.token(1)])


@pytest.mark.clause("THREATS 2.4")
def test_a_holder_who_offers_anothers_share_is_named_with_the_owner(vault: Custody) -> None:
    stolen = Offer(holder=HolderNumber(1), record=offer(vault, 2).record)
    with pytest.raises(ShareWrong, match=r"share of holder 1 .*share of holder 2"):
        recovery.recover(vault.policy, 1, [stolen, offer(vault, 3), offer(vault, 4)])


@pytest.mark.clause("THREATS 2.12")
def test_shares_of_another_vault_another_generation_or_another_shape_are_refused(
    vault: Custody, stranger: Custody
) -> None:
    mine = share_record.parse(offer(vault, 1).record)
    cases = {
        "another vault": offer(stranger, 1).record,
        "generation": share_record.render(replace(mine, generation=2)),
        "damaged": offer(vault, 1).record[:-2],
        "written as holder 4's": share_record.render(replace(mine, holder=HolderNumber(4))),
        "no holder": share_record.render(
            replace(share_record.parse(offer(stranger, 1).record), vault_id=VaultId(vault.policy.vault_id))
        ),
    }
    for detail, record in cases.items():
        with pytest.raises(ShareWrong, match=detail):
            recovery.prove(vault.policy, 1, Offer(holder=HolderNumber(1), record=record))


@pytest.mark.clause("THREATS 2.9")
def test_right_shares_that_make_another_key_than_the_policys_give_none(vault: Custody) -> None:
    generation = replace(vault.policy.generation, vault=bytes(32))
    other = replace(vault.policy, generations=(generation,))
    with pytest.raises(VaultKeyWrong) as caught:
        recovery.recover(other, 1, [offer(vault, holder) for holder in (1, 2, 3)])
    assert caught.value.code == "IW-5012"


def test_tokens_of_another_vault_are_foreign_and_do_not_stop_k_of_ours(
    vault: Custody, stranger: Custody
) -> None:
    mixed = [*stranger.tokens(1, 2), *vault.tokens(3, 4, 5)]
    recovered = vault_opening.open_vault(vault.policy, 1, mixed)
    assert opens(vault, recovered)
    assert [type(error) for error in recovered.wrong] == [TokenForeign, TokenForeign]
    with pytest.raises(TokenForeign) as caught:
        vault_opening.open_vault(vault.policy, 1, mixed[:4])
    assert (caught.value.code, caught.value.exit_status) == ("IW-5006", 5)


def test_a_wrong_passphrase_or_a_missing_share_is_named_when_it_matters(
    vault: Custody, tmp_path: Path
) -> None:
    for holder in (1, 2):
        shutil.copytree(vault.folder(holder), tmp_path / f"holder-{holder}")
    (tmp_path / "holder-2" / "share-1.age").unlink()
    forgetful = replace(
        vault, place=tmp_path, passphrases=vault.passphrases | {HolderNumber(1): "able-baker"}
    )
    recovered = vault_opening.open_vault(vault.policy, 1, [*forgetful.tokens(1, 2), *vault.tokens(3, 4, 5)])
    assert [type(error) for error in recovered.wrong] == [PassphraseWrong, ShareRecordMissing]
    with pytest.raises(PassphraseWrong):
        vault_opening.open_vault(vault.policy, 1, [*forgetful.tokens(1), *vault.tokens(3, 4)])
    with pytest.raises(ShareRecordMissing):
        vault_opening.open_vault(vault.policy, 1, [*forgetful.tokens(2), *vault.tokens(3, 4)])


@pytest.mark.invariant("I11")
@pytest.mark.clause("THREATS 2.8")
def test_no_error_and_no_repr_shows_a_share_or_the_key(vault: Custody) -> None:
    words = share_record.parse(offer(vault, 2).record).words
    recovered = recovery.recover(
        vault.policy, 1, [offer(vault, 1), lie(vault, 2), offer(vault, 3), offer(vault, 4)]
    )
    shown = [repr(recovered), repr(offer(vault, 2)), *map(str, recovered.wrong)]
    secrets = [
        words,
        " ".join(words.split()[4:7]),
        recovered.identity.secret_text(),
        repr(recovered.identity.secret_seed()),
    ]
    assert not [secret for secret in secrets for text in shown if secret in text]


@pytest.mark.planted
@pytest.mark.invariant("I12")
def test_a_recovery_that_believes_every_commitment_is_caught(
    vault: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "fits", lambda _words, _committed: True)
    with pytest.raises((AssertionError, IwatoError)):
        test_k_honest_holders_succeed_although_the_others_lie_and_the_liars_are_named(vault, (1,))
