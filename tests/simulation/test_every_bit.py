"""Every bit of the small files that decide something, flipped: nothing of what follows is taken for true.

The policy and its signatures in the box and on drives, the token of a holder, the journal of a restore, and
the controller's keys. A quick run takes a sample, DEPTH=ci every bit. (Drives and staging, field by field:
test_every_field.py. The interlock's memory: firmware/test_memory.py. Intake's index: its unit tests.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import errors
from appliance.adapters import restore_journal
from appliance.adapters.restore_journal import Journal
from appliance.adapters.token_file import FileToken
from appliance.compose import operational_keys
from appliance.custody import policy_files
from appliance.custody.policy_files import SignedPolicy
from appliance.errors import CustodyError, OwnFileMissing, TrustError
from appliance.service import policy_copies, vault_opening
from appliance.service.drive_set import DriveSet
from tests.depth import many
from tests.simulation.conftest import Vault
from tests.simulation.sealing_bench import Bench
from tests.simulation.test_every_field import TWO_ONE
from tests.simulation.virtual_box import Nobody, VirtualBox
from tests.unit import custody_box
from tests.unit.custody_box import Custody

HOLDERS = 3


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("holders"), quorum=2, holders=HOLDERS)


def flipped(
    content: bytes, stride: int, begin: int = 0, end: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Every `stride`th bit of the bytes `begin` to `end`, and the content with that bit flipped."""
    spoilt = bytearray(content)
    for bit in range(8 * begin, 8 * (len(content) if end is None else end), stride):
        spoilt[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(spoilt)
        spoilt[bit // 8] ^= 1 << bit % 8


# The policy -------------------------------------------------------------------------------------------


def loaded(files: dict[str, bytes]) -> SignedPolicy | None:
    """What the box believes of these files; None for nothing."""
    try:
        return policy_files.load(1, lambda name, _limit: files.get(name))
    except TrustError:
        return None


def named(custody: Custody, what: str) -> list[str]:
    """The files of a birth that `load` reads: "text" or "votes"."""
    texts = {"policy-1.txt", "vault-1.age1pq"}
    return [
        name
        for name in sorted(custody.born.files())
        if (name in texts if what == "text" else name.startswith("policy-1.") and name not in texts)
    ]


@pytest.mark.invariant("I13")
def test_no_bit_of_the_policy_or_of_the_vaults_key_is_flipped_unseen(custody: Custody) -> None:
    files = custody.born.files()
    assert loaded(files) == custody.signed
    for name in named(custody, "text"):
        for bit, content in flipped(files[name], many(211, 1)):
            assert loaded(files | {name: content}) is None, f"{name}, bit {bit}"


@pytest.mark.invariant("I13")
def test_a_signature_with_a_flipped_bit_is_no_vote_and_the_others_count(custody: Custody) -> None:
    """With one of three spoilt the two others still carry the policy, and with two of them nothing does."""
    files, votes = custody.born.files(), named(custody, "votes")
    assert len(votes) == HOLDERS
    for name in votes:
        (another,) = [other for other in votes if other != name][:1]
        for bit, content in flipped(files[name], many(97, 1)):
            spoilt = files | {name: content}
            believed = loaded(spoilt)
            assert believed is not None, f"{name}, bit {bit}"
            assert believed.text == custody.signed.text
            assert len(believed.votes) == HOLDERS - 1, f"{name}, bit {bit}"
            if not bit % 7:
                del spoilt[another]
                assert loaded(spoilt) is None, f"{name}, bit {bit}"


@pytest.mark.clause("FORMAT 6.3")
def test_no_bit_of_any_policy_file_on_a_drive_is_flipped_unsaid(custody: Custody, tmp_path: Path) -> None:
    """All files of a birth, also those that the box itself never reads."""
    bench = Bench(tmp_path, TWO_ONE)
    first = DriveSet(bench.set, bench.boot(only=[1]).drives.readable)
    for name, content in custody.born.files().items():
        path = bench.bay(1) / "policy" / name
        path.parent.mkdir(exist_ok=True)
        for bit, spoilt in flipped(content, many(53, 1)):
            path.write_bytes(spoilt)
            (damage,) = policy_copies.mend(first, {f"policy/{name}": content})
            assert damage.altered == [f"policy/{name}"], bit
            assert path.read_bytes() == spoilt, "nothing is overwritten"
        path.write_bytes(content)
        assert not policy_copies.mend(first, {f"policy/{name}": content})


# A token ---------------------------------------------------------------------------------------------


def opens(custody: Custody) -> bool:
    """Whether this token and another one give the vault's key. The other one is not asked in vain."""
    try:
        token = custody.token(1)
        token.unseal(token.record(1))
        return bool(vault_opening.open_vault(custody.policy, 1, custody.tokens(1, 2)).used)
    except CustodyError:
        return False


def assert_opens_nothing(
    custody: Custody, name: str, stride: int, begin: int = 0, end: int | None = None
) -> None:
    """With any of these bits flipped the token is refused, and named by the error."""
    path = custody.folder(1) / name
    whole = path.read_bytes()
    try:
        for bit, content in flipped(whole, stride, begin, end):
            path.write_bytes(content)
            assert not opens(custody), f"{name}, bit {bit}"
    finally:
        path.write_bytes(whole)
    assert opens(custody)


@pytest.mark.invariant("I13")
@pytest.mark.clause("FORMAT 10.2", "FORMAT 10.3")
@pytest.mark.parametrize("name", ["token.txt", "identity.age", "share-1.age"])
def test_no_bit_of_a_token_is_flipped_and_the_vault_opened_with_it(custody: Custody, name: str) -> None:
    assert_opens_nothing(custody, name, many(199, 1))


@pytest.mark.planted
def test_a_token_whose_description_nobody_holds_against_its_keys_is_caught(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy knows no serial number; only the token's own keys do."""
    honest, whole = FileToken._open, custody.token(1)._description

    def trusting(token: FileToken) -> object:
        if token.holder == whole.holder:
            token._description = whole
        return honest(token)

    monkeypatch.setattr(FileToken, "_open", trusting)
    begin = (custody.folder(1) / "token.txt").read_bytes().index(b"serial ") + len(b"serial ")
    with pytest.raises(AssertionError, match="bit"):
        assert_opens_nothing(custody, "token.txt", 1, begin, begin + len(whole.serial))


# The journal of a restore ------------------------------------------------------------------------------

STEPS = [f"{'5e' * 32}.{number}" for number in range(12)]
LEFT_OUT = [(b"docs/\xff\n", "device"), (b"docs/second", "owner")]


def journal_bytes(folder: Path) -> bytes:
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        journal = Journal()
        journal.begin(root, "20270101T000000Z-11111111 everything devices=False set-id=False")
        for step in STEPS[::2]:
            journal.add(root, step, LEFT_OUT)
    finally:
        os.close(root)
    return (folder / os.fsdecode(restore_journal.NAME)).read_bytes()


def assert_only_what_was_finished(content: bytes) -> None:
    """Whatever bit is flipped: no step is finished that was not, nothing was left out that was not, and it is
    the same restore or none."""
    true = restore_journal.parse(content)
    assert true.steps == set(STEPS[::2])
    assert not true.torn
    for bit, spoilt in flipped(content, many(7, 1)):
        found = restore_journal.parse(spoilt)
        assert found.steps <= true.steps, bit
        assert set(found.left_out) <= set(true.left_out), bit
        assert found.what in {None, true.what}, bit
        lost = len(true.steps) - len(found.steps)
        assert lost <= 2 or found.what is None, bit  # a lost line end costs two lines, the first line all


def test_no_bit_of_a_restores_journal_makes_a_step_finished_that_is_not(tmp_path: Path) -> None:
    assert_only_what_was_finished(journal_bytes(tmp_path))


@pytest.mark.planted
def test_a_journal_whose_hashes_nobody_compares_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Anything:
        """Equal to every hash."""

        def __eq__(self, _other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    content = journal_bytes(tmp_path)
    monkeypatch.setattr(restore_journal, "_hash", lambda _text: Anything())
    with pytest.raises(AssertionError):
        assert_only_what_was_finished(content)


# The controller's keys --------------------------------------------------------------------------------

KEYS = [("seal-state", "log.key"), ("seal-state", "pairing.key"), ("intake-state", "pairing.key")]


@pytest.mark.parametrize(("folder", "name"), [*KEYS, ("intake-state", "dedup.key")])
def test_no_bit_of_a_key_is_flipped_and_the_key_used(vault: Vault, folder: str, name: str) -> None:
    key = operational_keys.read(vault.box.root / folder, name)
    content = (vault.box.root / folder / name).read_bytes()
    place = vault.box.root.parent / "keys"
    place.mkdir(exist_ok=True)
    for _, spoilt in flipped(content, many(5, 1)):
        (place / name).write_bytes(spoilt)
        with pytest.raises(OwnFileMissing):
            operational_keys.read(place, name)
    (place / name).write_bytes(key)  # as a home from before has it
    assert operational_keys.read(place, name) == key


@pytest.mark.parametrize(("folder", "name"), KEYS)
def test_a_damaged_key_is_named_and_nothing_is_connected_for_it(
    vault: Vault, tmp_path: Path, folder: str, name: str
) -> None:
    box = vault.box.copy(tmp_path / "home")
    path = box.root / folder / name
    path.write_bytes(path.read_bytes()[:7] + b"\0" + path.read_bytes()[8:])
    with pytest.raises(OwnFileMissing) as caught:
        box.run_window()
    assert str(caught.value.values["path"]) == str(path)
    assert len(box.snapshots()) == 1


def test_another_boxs_log_key_signs_nothing_and_costs_the_interlocks_ledger_no_entry(
    vault: Vault, tmp_path: Path
) -> None:
    box: VirtualBox = vault.box.copy(tmp_path / "home")
    path = box.home.seal_state / operational_keys.LOG
    whole = path.read_bytes()
    path.unlink()
    operational_keys.write(box.home.seal_state, operational_keys.LOG, bytes(range(32)))
    with pytest.raises(OwnFileMissing):
        box.appliance().scrub(Nobody())
    path.write_bytes(whole)
    verdict = box.appliance().verify_ledger(None, Nobody())
    assert (verdict["verdict"], verdict["exit"]) == ("verified", errors.EXIT_OK)
