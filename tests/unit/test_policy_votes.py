"""Whose signatures count under a policy: k distinct holders, for this text and this purpose only."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.custody import policy_files, votes
from appliance.domain.ids import HolderNumber
from appliance.errors import PolicyInvalid, PolicyUnsigned, SignatureInvalid, VaultKeyUnknown
from appliance.format import sshsig
from appliance.format.age_recipient import Identity
from tests.unit import custody_box
from tests.unit.custody_box import Custody


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


def some(vault: Custody, *holders: int) -> dict[HolderNumber, str]:
    return {number: vault.born.signatures[number] for number in map(HolderNumber, holders)}


def require(
    vault: Custody, signatures: dict[HolderNumber, str], namespace: str = votes.POLICY_NAMESPACE
) -> int:
    return len(votes.require(vault.policy, namespace, vault.born.policy, signatures))


def test_all_holders_of_a_birth_have_signed(vault: Custody) -> None:
    assert require(vault, some(vault, 1, 2, 3, 4, 5)) == 5


@pytest.mark.clause("THREATS 3.2")
def test_any_k_signatures_are_enough_and_k_minus_one_are_not(vault: Custody) -> None:
    assert require(vault, some(vault, 2, 4, 5)) == 3
    with pytest.raises(PolicyUnsigned) as caught:
        require(vault, some(vault, 2, 4))
    assert (caught.value.code, caught.value.values["valid"], caught.value.values["needed"]) == (
        "IW-4202",
        2,
        3,
    )


@pytest.mark.clause("THREATS 3.2")
def test_one_holders_signature_filed_under_other_numbers_counts_once(vault: Custody) -> None:
    copied = dict.fromkeys(map(HolderNumber, (1, 2, 3, 4, 5)), vault.born.signatures[HolderNumber(1)])
    counted = votes.count(vault.policy, votes.POLICY_NAMESPACE, vault.born.policy, copied)
    assert [vote.holder for vote in counted.votes] == [1]
    assert [number for number, _reason in counted.refused] == [2, 3, 4, 5]


@pytest.mark.clause("THREATS 3.2")
def test_a_stranger_and_a_number_that_nobody_has_do_not_count(vault: Custody, tmp_path: Path) -> None:
    stranger = custody_box.bear(tmp_path)
    mixed = some(vault, 1, 2) | {HolderNumber(3): stranger.born.signatures[HolderNumber(3)]}
    mixed[HolderNumber(9)] = vault.born.signatures[HolderNumber(5)]
    with pytest.raises(PolicyUnsigned, match=r"holder 3.*holder 9"):
        require(vault, mixed)


@pytest.mark.clause("THREATS 3.3")
@pytest.mark.parametrize("namespace", [name for name in votes.NAMESPACES if name != votes.POLICY_NAMESPACE])
def test_a_signature_cannot_be_replayed_for_another_purpose(vault: Custody, namespace: str) -> None:
    with pytest.raises(PolicyUnsigned):
        require(vault, some(vault, 1, 2, 3, 4, 5), namespace)


@pytest.mark.clause("THREATS 3.3")
def test_a_signature_made_for_a_ceremony_is_none_for_a_policy(vault: Custody) -> None:
    text = vault.born.policy
    replayed = {}
    for holder in vault.policy.holders:
        raw = vault.token(holder.number).sign(votes.CEREMONY_NAMESPACE, text)
        forged = sshsig.Signature(key=votes.ssh_key(holder), namespace=votes.POLICY_NAMESPACE, raw=raw)
        replayed[holder.number] = forged.armor()
    with pytest.raises(PolicyUnsigned):
        require(vault, replayed)


@pytest.mark.clause("THREATS 3.2")
def test_a_changed_text_has_no_signatures(vault: Custody) -> None:
    changed = vault.born.policy.replace(b"delay 72h", b"delay 1s")
    with pytest.raises(PolicyUnsigned):
        votes.require(vault.policy, votes.POLICY_NAMESPACE, changed, some(vault, 1, 2, 3, 4, 5))


@pytest.mark.parametrize("damaged", ["", "-----BEGIN SSH SIGNATURE-----\n", "\ufffd" * 100, "x" * 100_000])
def test_a_damaged_signature_is_refused_and_the_others_count(vault: Custody, damaged: str) -> None:
    mixed = some(vault, 1, 2, 3) | {HolderNumber(4): damaged}
    counted = votes.count(vault.policy, votes.POLICY_NAMESPACE, vault.born.policy, mixed)
    assert [vote.holder for vote in counted.votes] == [1, 2, 3]
    assert [number for number, _reason in counted.refused] == [4]


def test_a_vote_that_does_not_hold_is_not_armored(vault: Custody) -> None:
    bad = votes.Vote(holder=HolderNumber(1), raw=bytes(64))
    with pytest.raises(SignatureInvalid):
        votes.armor(vault.policy, votes.POLICY_NAMESPACE, vault.born.policy, [bad])
    with pytest.raises(SignatureInvalid):
        votes.armor(
            vault.policy,
            votes.POLICY_NAMESPACE,
            vault.born.policy,
            [votes.Vote(holder=HolderNumber(9), raw=b"")],
        )


def reader(files: dict[str, bytes]) -> policy_files.Reader:
    return lambda name, _limit: files.get(name)


@pytest.mark.invariant("I13")
def test_a_policy_folder_is_believed_when_k_signatures_hold(vault: Custody) -> None:
    files = vault.born.files()
    del files["policy-1.1.sig"], files["policy-1.5.sig"]
    loaded = policy_files.load(1, reader(files))
    assert [number for number, _raw in loaded.signatures()] == [2, 3, 4]
    assert loaded.vault.fingerprint == loaded.policy.generation.vault


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 3.2")
def test_a_policy_folder_with_fewer_signatures_or_another_text_is_not_believed(vault: Custody) -> None:
    files = vault.born.files()
    changed = files | {"policy-1.txt": files["policy-1.txt"].replace(b"delay 72h", b"delay 1s")}
    with pytest.raises(PolicyUnsigned):
        policy_files.load(1, reader(changed))
    for holder in (1, 2, 3):
        del files[f"policy-1.{holder}.sig"]
    with pytest.raises(PolicyUnsigned):
        policy_files.load(1, reader(files))
    with pytest.raises(PolicyInvalid):
        policy_files.load(2, reader(files | {"policy-2.txt": files["policy-1.txt"]}))
    with pytest.raises(PolicyInvalid):
        policy_files.load(1, reader({}))


@pytest.mark.clause("THREATS 3.5")
def test_the_vaults_public_key_cannot_be_exchanged_beside_the_policy(vault: Custody) -> None:
    files = vault.born.files()
    attackers = Identity.from_seed(bytes(32)).recipient.text().encode() + b"\n"
    for content in (
        attackers,
        b"",
        files["vault-1.age1pq"].upper(),
        files["vault-1.age1pq"] + b"\n",
        b"\xff",
    ):
        with pytest.raises(VaultKeyUnknown) as caught:
            policy_files.load(1, reader(files | {"vault-1.age1pq": content}))
        assert caught.value.code == "IW-4203"
    del files["vault-1.age1pq"]
    with pytest.raises(VaultKeyUnknown):
        policy_files.load(1, reader(files))


@pytest.mark.planted
@pytest.mark.invariant("I13")
def test_a_counter_that_checks_only_that_a_signature_parses_is_caught(
    vault: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sshsig, "verify", lambda *_arguments: None)
    with pytest.raises(AssertionError):
        test_one_holders_signature_filed_under_other_numbers_counts_once(vault)
