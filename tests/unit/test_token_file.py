"""File tokens: what lies in the folder, and what a hostile folder cannot do."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from shamir_mnemonic.wordlist import WORDLIST

from appliance.adapters import token_file
from appliance.adapters.token_file import FileToken
from appliance.custody import passphrase, token_text
from appliance.domain.ids import HolderNumber
from appliance.errors import PassphraseMissing, ShareRecordDamaged, TokenDamaged, TokenMissing
from appliance.format import age_file
from appliance.format.age_passphrase import PassphraseKey, PassphraseLock

RIGHT = "able-baker-charlie"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "holder-2"
    token_file.enrol(str(place), HolderNumber(2), passphrase=RIGHT, entropy=os.urandom, work_factor=1)
    return place


def opened(folder: Path) -> FileToken:
    return FileToken(str(folder), lambda: RIGHT)


@pytest.mark.clause("FORMAT 10.3")
def test_a_folder_holds_a_public_text_and_sealed_keys_for_its_owner_only(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["identity.age", "token.txt"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    lines = (folder / "token.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == [
        "iwato-token",
        "kind",
        "serial",
        "holder",
        "recipient",
        "ssh",
    ]
    assert lines[3] == "holder 2"


def test_any_age_program_finds_the_unseal_identity_under_the_passphrase(folder: Path) -> None:
    plaintext = age_file.decrypt((folder / "identity.age").read_bytes(), PassphraseKey(RIGHT)).decode()
    assert plaintext.splitlines()[2].startswith("unseal AGE-SECRET-KEY-PQ-1")


def test_a_token_is_never_made_over_another(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FileExistsError):
        token_file.enrol(str(folder), HolderNumber(2), passphrase=RIGHT, entropy=os.urandom, work_factor=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("left", [(), ("identity.age",)])
def test_a_token_whose_making_was_cut_off_is_no_token(folder: Path, left: tuple[str, ...]) -> None:
    for path in folder.iterdir():
        if path.name not in left:
            path.unlink()
    with pytest.raises(TokenMissing):
        opened(folder)


def test_what_a_cut_off_write_left_behind_does_not_stop_the_next_one(folder: Path) -> None:
    (folder / ".share-1.age.new").write_bytes(b"half")
    token = opened(folder)
    token.keep(1, b"whole")
    assert token.record(1) == b"whole"
    assert not (folder / ".share-1.age.new").exists()


@pytest.mark.invariant("I13")
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"holder 2", b"holder 02"),
        lambda text: text.replace(b"kind file", b"kind  file"),
        lambda text: text + b"\n",
        lambda text: text[:-1],
        lambda text: text.replace(b"age1pq1", b"age1pq2"),
        lambda text: b"\xff" + text,
        lambda text: text * 20,
        lambda _text: b"",
    ],
    ids=["number", "blank", "line", "end", "recipient", "byte", "length", "nothing"],
)
def test_a_description_with_another_spelling_is_no_token(folder: Path, change: object) -> None:
    description = folder / "token.txt"
    assert callable(change)
    description.write_bytes(change(description.read_bytes()))
    with pytest.raises(TokenDamaged):
        opened(folder)


@pytest.mark.clause("FORMAT 10.3")
@pytest.mark.invariant("I13")
def test_a_description_of_other_keys_than_the_token_holds_is_found_when_it_is_used(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    token_file.enrol(str(other), HolderNumber(2), passphrase=RIGHT, entropy=os.urandom, work_factor=1)
    (folder / "token.txt").write_bytes((other / "token.txt").read_bytes())
    with pytest.raises(TokenDamaged, match="describes other keys"):
        opened(folder).sign("iwato-policy@v1", b"text")


def use(folder: Path, name: str) -> None:
    """Make the token read this file of its folder."""
    token = opened(folder)
    if name == "share-1.age":
        token.record(1)
    token.sign("iwato-policy@v1", b"text")


@pytest.mark.parametrize("name", ["token.txt", "identity.age", "share-1.age"])
@pytest.mark.parametrize(
    "make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, os.mkdir], ids=["link", "pipe", "folder"]
)
def test_a_hostile_folder_cannot_make_us_follow_a_link_or_wait_for_a_pipe(
    folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    with pytest.raises((TokenDamaged, ShareRecordDamaged)):
        use(folder, name)


def test_the_passphrase_beside_the_token_is_used_only_where_it_lies(folder: Path) -> None:
    assert token_file.passphrase_beside(str(folder)) is None
    with pytest.raises(PassphraseMissing):
        FileToken(str(folder)).sign("iwato-policy@v1", b"text")
    token_file.leave_passphrase(str(folder), RIGHT)
    assert FileToken(str(folder)).sign("iwato-policy@v1", b"text")


def test_the_holder_is_asked_once(folder: Path) -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("asked")
        return RIGHT

    token = FileToken(str(folder), ask)
    assert not asked
    token.sign("iwato-policy@v1", b"one")
    token.sign("iwato-policy@v1", b"two")
    assert asked == ["asked"]


def test_keys_under_the_right_passphrase_that_are_no_keys_are_refused(folder: Path) -> None:
    keys = folder / "identity.age"
    for plaintext in (b"", b"iwato-token-keys 1\n", b"\xff", b"unseal x\n"):
        keys.write_bytes(
            age_file.encrypt(plaintext, PassphraseLock(RIGHT, entropy=os.urandom, work_factor=1), os.urandom)
        )
        with pytest.raises(TokenDamaged):
            opened(folder).sign("iwato-policy@v1", b"text")


@pytest.mark.clause("THREATS 2.8")
def test_nothing_secret_shows_when_a_token_or_its_keys_are_printed(folder: Path) -> None:
    text = age_file.decrypt((folder / "identity.age").read_bytes(), PassphraseKey(RIGHT))
    keys = token_text.parse_keys(text)
    token = opened(folder)
    token.sign("iwato-policy@v1", b"text")
    shown = f"{token!r} {keys!r} {token.describe()!r} {PassphraseKey(RIGHT)!r}"
    for secret in (keys.signing_seed.hex(), repr(keys.signing_seed), keys.unseal.secret_text(), RIGHT):
        assert secret not in shown


@pytest.mark.clause("THREATS 2.7")
def test_a_passphrase_has_eight_words_that_chance_chose_among_1024() -> None:
    assert passphrase.BITS == 80
    assert len(set(WORDLIST)) == 1 << passphrase.BITS_PER_WORD
    words = passphrase.generate(os.urandom).split("-")
    assert len(words) == passphrase.WORDS >= 6
    assert set(words) <= set(WORDLIST)


@pytest.mark.clause("THREATS 2.7")
def test_every_bit_of_chance_changes_the_passphrase() -> None:
    def only(bit: int) -> Callable[[int], bytes]:
        return lambda length: (1 << bit).to_bytes(length, "big")

    made = {passphrase.generate(only(bit)) for bit in range(80)}
    assert len(made) == 80
    with pytest.raises(ValueError, match="entropy"):
        passphrase.generate(lambda _length: b"\0")


@pytest.mark.clause("THREATS 2.7")
def test_in_life_the_work_factor_is_that_of_age_itself() -> None:
    assert token_file.WORK_FACTOR == 18
    assert token_file.WORK_FACTOR_EMULATED < token_file.WORK_FACTOR
