"""What every kind of token has to do, and how each way of failing is named. A new kind adds a bench here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from appliance.adapters import token_file
from appliance.adapters.token_file import FileToken
from appliance.custody import passphrase, share_record, shares, token_text
from appliance.custody.share_record import ShareRecord
from appliance.domain.ids import HolderNumber, VaultId
from appliance.errors import (
    CustodyError,
    IwatoError,
    PassphraseMissing,
    PassphraseWrong,
    ShareRecordDamaged,
    ShareRecordMissing,
    TokenDamaged,
    TokenMissing,
)
from appliance.format import age_file, sshsig
from appliance.ports import Token

WORK_FACTOR = 1
RIGHT, WRONG = "able-baker-charlie", "able-baker-delta"
NAMESPACE = "iwato-policy@v1"


class Bench(Protocol):
    """Makes tokens of one kind and does to them what happens to things."""

    def enrol(self, holder: int) -> Token: ...

    def insert(self, holder: int, secret: str | None = RIGHT) -> Token:
        """The token that was enrolled, opened anew by somebody who knows this secret."""
        ...

    def lose(self, holder: int) -> None: ...

    def break_keys(self, holder: int, change: Callable[[bytes], bytes]) -> None:
        """Change what the secret keys are kept in, where the kind allows that at all."""
        ...


class FileBench:
    def __init__(self, place: Path) -> None:
        self.place = place

    def folder(self, holder: int) -> str:
        return str(self.place / f"holder-{holder}")

    def enrol(self, holder: int) -> Token:
        return token_file.enrol(
            self.folder(holder),
            HolderNumber(holder),
            passphrase=RIGHT,
            entropy=os.urandom,
            work_factor=WORK_FACTOR,
        )

    def insert(self, holder: int, secret: str | None = RIGHT) -> Token:
        return FileToken(self.folder(holder), lambda: secret)

    def lose(self, holder: int) -> None:
        os.rename(self.folder(holder), self.folder(holder) + ".lost")

    def break_keys(self, holder: int, change: Callable[[bytes], bytes]) -> None:
        keys = Path(self.folder(holder), token_file.KEYS)
        keys.write_bytes(change(keys.read_bytes()))


@pytest.fixture(params=[FileBench])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    made: Bench = request.param(tmp_path)
    return made


SECRET_WORDS = shares.split(bytes(32), 2, 3, os.urandom)[0]
RECORD = share_record.render(
    ShareRecord(vault_id=VaultId(bytes(16)), generation=1, holder=HolderNumber(1), words=SECRET_WORDS)
)


def sealed_to(token: Token, plaintext: bytes = RECORD) -> bytes:
    return age_file.encrypt(plaintext, token_text.describe(token.describe()).recipient, os.urandom)


@contextmanager
def refused(kind: type[IwatoError]) -> Iterator[None]:
    """The error is of this kind, of the family 5xxx, ends a command with 5, says what to do, and says
    nothing that is secret."""
    with pytest.raises(kind) as caught:
        yield
    error = caught.value
    assert isinstance(error, CustodyError)
    assert error.code.startswith("IW-5")
    assert error.exit_status == 5
    told = f"{error} {error.values} {error.remedy.format(**error.values)}"
    assert len(error.remedy) > 20
    assert RIGHT not in told
    assert not any(word in told for word in SECRET_WORDS.split() if len(word) > 6)
    assert error.__context__ is None or error.__suppress_context__


def test_a_token_says_who_it_is_to_anybody(bench: Bench) -> None:
    made = token_text.describe(bench.enrol(3).describe())
    seen = token_text.describe(bench.insert(3, None).describe())
    assert seen == made
    assert seen.holder == 3


def test_a_share_that_was_kept_is_unsealed_by_the_token_inserted_anew(bench: Bench) -> None:
    token = bench.enrol(1)
    token.keep(1, sealed_to(token))
    again = bench.insert(1)
    assert again.unseal(again.record(1)) == RECORD


def test_a_share_of_another_generation_lies_beside_the_first(bench: Bench) -> None:
    token = bench.enrol(1)
    token.keep(1, sealed_to(token))
    token.keep(2, sealed_to(token, b"another"))
    assert token.unseal(token.record(1)) == RECORD
    assert token.unseal(token.record(2)) == b"another"


def test_a_signature_holds_under_the_key_that_the_token_shows(bench: Bench) -> None:
    bench.enrol(1)
    token = bench.insert(1)
    key = token_text.describe(token.describe()).ssh
    raw = token.sign(NAMESPACE, b"text")
    sshsig.Signature(key=key, namespace=NAMESPACE, raw=raw).verify(b"text", NAMESPACE)


def test_two_tokens_share_nothing(bench: Bench) -> None:
    one, two = bench.enrol(1).describe(), bench.enrol(2).describe()
    assert not {one[name] for name in ("serial", "recipient", "ssh")} & {
        two[name] for name in ("serial", "recipient", "ssh")
    }


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 2.8")
@pytest.mark.parametrize("secret", [WRONG, "wörter", "-", "x" * 10_000, "able baker"])
def test_a_wrong_passphrase_opens_nothing(bench: Bench, secret: str) -> None:
    token = bench.enrol(1)
    token.keep(1, sealed_to(token))
    stolen = bench.insert(1, secret)
    with refused(PassphraseWrong):
        stolen.unseal(stolen.record(1))
    with refused(PassphraseWrong):
        stolen.sign(NAMESPACE, b"text")


@pytest.mark.clause("THREATS 2.8")
def test_without_anybody_to_ask_the_passphrase_is_said_to_be_missing(bench: Bench) -> None:
    bench.enrol(1)
    with refused(PassphraseMissing):
        bench.insert(1, None).sign(NAMESPACE, b"text")


def test_a_passphrase_is_taken_as_people_type_it(bench: Bench) -> None:
    bench.enrol(1)
    assert bench.insert(1, " Able BAKER-charlie\n").sign(NAMESPACE, b"text")


@pytest.mark.clause("THREATS 2.8")
def test_a_token_that_is_not_there_is_said_to_be_missing(bench: Bench) -> None:
    bench.enrol(1)
    bench.lose(1)
    with refused(TokenMissing):
        bench.insert(1)


@pytest.mark.clause("THREATS 2.8")
def test_a_share_that_was_never_kept_is_said_to_be_missing(bench: Bench) -> None:
    with refused(ShareRecordMissing):
        bench.enrol(1).record(1)


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 2.8")
def test_a_share_record_of_another_token_is_refused(bench: Bench) -> None:
    mine, other = bench.enrol(1), bench.enrol(2)
    with refused(ShareRecordDamaged):
        mine.unseal(sealed_to(other))


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 2.8")
def test_a_share_record_that_was_cut_off_or_changed_anywhere_is_refused(bench: Bench) -> None:
    token = bench.enrol(1)
    record = sealed_to(token)
    for length in (0, 1, 100, len(record) // 2, len(record) - 1):
        with refused(ShareRecordDamaged):
            token.unseal(record[:length])
    for place in range(0, len(record), 37):
        with refused(ShareRecordDamaged):
            token.unseal(record[:place] + bytes([record[place] ^ 1]) + record[place + 1 :])
    with refused(ShareRecordDamaged):
        token.unseal(record + b"\0")


@pytest.mark.clause("THREATS 2.8")
def test_a_share_is_never_replaced_by_another(bench: Bench) -> None:
    token = bench.enrol(1)
    token.keep(1, sealed_to(token))
    with refused(TokenDamaged):
        token.keep(1, sealed_to(token, b"another"))
    assert token.unseal(token.record(1)) == RECORD


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 2.8")
def test_a_token_whose_keys_were_damaged_does_nothing(bench: Bench) -> None:
    damages: list[Callable[[bytes], bytes]] = [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content + b"x",
        lambda content: content * 100,
    ]
    for holder, damage in enumerate(damages, start=1):
        bench.enrol(holder)
        bench.break_keys(holder, damage)
        with refused(TokenDamaged):
            bench.insert(holder).sign(NAMESPACE, b"text")


@pytest.mark.planted
def test_a_token_that_ignores_its_passphrase_is_caught(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "read", lambda _text: RIGHT)
    with pytest.raises(pytest.fail.Exception):
        test_a_wrong_passphrase_opens_nothing(bench, WRONG)
