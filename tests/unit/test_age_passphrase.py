"""File tokens' lock: the passphrase and nothing less, at a price that the file cannot set."""

import os
import re
from dataclasses import replace

import pytest

from appliance.errors import AgeFormatError, AgeKeyMismatch
from appliance.format import age_file, age_key, age_passphrase, age_recipient
from appliance.format.age_header import Stanza

WORDS = "ripe 岩戸 lamp orbit cedar noon"
WORK_FACTOR = 3
FILE_KEY = age_key.FileKey(bytes(16))


def lock(words: str = WORDS, work_factor: int = WORK_FACTOR) -> age_passphrase.PassphraseLock:
    return age_passphrase.PassphraseLock(words, entropy=os.urandom, work_factor=work_factor)


def opens(stanza: Stanza, **limits: int) -> bytes:
    return age_passphrase.PassphraseKey(WORDS, **limits).unwrap([stanza])


@pytest.mark.clause("FORMAT 2.6")
def test_the_passphrase_opens_what_it_locked_and_another_does_not() -> None:
    sealed = age_file.encrypt(b"AGE-SECRET-KEY", lock(), os.urandom)
    assert age_file.decrypt(sealed, age_passphrase.PassphraseKey(WORDS)) == b"AGE-SECRET-KEY"
    for wrong in (WORDS + " ", WORDS.upper(), "", "岩戸"):
        with pytest.raises(AgeKeyMismatch):
            age_file.decrypt(sealed, age_passphrase.PassphraseKey(wrong))


def test_a_passphrase_opens_no_pack_and_a_vault_key_no_token() -> None:
    vault = age_recipient.Identity.from_seed(bytes(32))
    with pytest.raises(AgeKeyMismatch):
        age_passphrase.PassphraseKey(WORDS).unwrap([vault.recipient.wrap(FILE_KEY)])
    with pytest.raises(AgeKeyMismatch):
        vault.unwrap([lock().wrap(FILE_KEY)])


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 1.4")
@pytest.mark.clause("FORMAT 2.6")
def test_a_file_cannot_make_us_compute_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    stanza = lock().wrap(FILE_KEY)
    monkeypatch.setattr(age_passphrase, "_stretch", lambda *values: pytest.fail("computed"))
    for factor in ("21", "30", "99", "100", "999999999999"):
        with pytest.raises(AgeFormatError):
            opens(replace(stanza, args=(stanza.args[0], factor)))
    with pytest.raises(AgeFormatError):
        opens(stanza, work_factor_max=WORK_FACTOR - 1)


@pytest.mark.clause("FORMAT 2.6")
@pytest.mark.parametrize("factor", ["", "0", "03", "+3", "-3", "3 ", "0x3", "3\n", "三", "３"])
def test_a_work_factor_in_a_second_spelling_is_refused(factor: str) -> None:
    stanza = lock().wrap(FILE_KEY)
    with pytest.raises(AgeFormatError):
        opens(replace(stanza, args=(stanza.args[0], factor)))


@pytest.mark.clause("FORMAT 2.6")
def test_a_misshapen_stanza_is_refused() -> None:
    stanza = lock().wrap(FILE_KEY)
    salt, factor = stanza.args
    for args in (
        (salt,),
        (salt, factor, factor),
        ("", factor),
        (salt + "AA", factor),
        (salt[:-2], factor),
        (salt[:-1] + "B", factor),
    ):
        with pytest.raises(AgeFormatError):
            opens(replace(stanza, args=args))
    for body in (stanza.body[:-1], stanza.body + b"\0", b""):
        with pytest.raises(AgeFormatError):
            opens(replace(stanza, body=body))


def test_equal_passphrases_give_unequal_stanzas() -> None:
    assert lock().wrap(FILE_KEY).args[0] != lock().wrap(FILE_KEY).args[0]


@pytest.mark.clause("FORMAT 2.6")
def test_full_strength_is_the_default_and_nothing_is_locked_that_we_would_not_open() -> None:
    assert (
        age_passphrase.PassphraseLock(WORDS, entropy=os.urandom)._work_factor
        == age_passphrase.WORK_FACTOR
        == 18
    )
    for words, factor in (("", 3), (WORDS, 0), (WORDS, 21)):
        with pytest.raises(ValueError, match="passphrase"):
            lock(words, factor)


@pytest.mark.planted
def test_the_second_spelling_test_catches_a_parser_that_just_calls_int(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(age_passphrase, "_DECIMAL", re.compile(r".*", re.DOTALL))
    stanza = lock().wrap(FILE_KEY)
    for factor in ("03", "+3", "3 ", "3\n", "３"):
        assert opens(replace(stanza, args=(stanza.args[0], factor))) == FILE_KEY
