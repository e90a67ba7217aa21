"""The process that holds keys: closed to others while it lives, gone afterwards, silent about secrets."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from appliance.adapters import key_process, token_file
from appliance.compose import key_rooms
from appliance.custody import policy_files, share_record, token_text
from appliance.errors import KeyProcessFailed, PassphraseWrong
from appliance.format import age_file
from appliance.format.age_passphrase import PassphraseKey
from appliance.service import vault_opening
from tests.unit import custody_box, key_programs

SECRET = b"sentinel-of-a-secret"


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.clause("THREATS 2.10")
def test_the_process_is_undumpable_without_core_and_its_request_shows_nowhere() -> None:
    heard: list[str] = []
    answer = key_process.run(key_programs.describe, SECRET, hear=heard.append)
    facts = json.loads(answer.body)
    assert (facts["dumpable"], facts["core"], facts["umask"]) == (0, [0, 0], 0o077)
    assert answer.hardening.undumpable
    assert answer.hardening.no_core
    assert answer.hardening.locked == (facts["locked_kb"] > 0)
    assert facts["request"] == SECRET.decode()
    assert SECRET.decode() not in facts["arguments"] + facts["environment"]
    assert heard == ["looking"]
    assert gone(facts["pid"])


@pytest.mark.clause("THREATS 2.10")
def test_the_process_inherits_no_open_file(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        facts = json.loads(key_process.run(key_programs.describe, b"").body)
        assert file.fileno() not in facts["files"] or len(facts["files"]) <= 4


def test_an_error_of_ours_comes_back_as_itself() -> None:
    with pytest.raises(PassphraseWrong) as caught:
        key_process.run(key_programs.refuse, b"")
    assert caught.value.values == {"holder": 3}


@pytest.mark.invariant("I11")
@pytest.mark.clause("THREATS 2.10")
def test_a_crash_is_told_by_its_place_and_never_by_its_message(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyProcessFailed, match=r"RuntimeError at key_programs\.py:\d+") as caught:
        key_process.run(key_programs.crash, SECRET)
    assert SECRET.decode() not in str(caught.value)
    assert SECRET.decode() not in "".join(capfd.readouterr())


def test_a_process_that_dies_or_lingers_is_a_failure_and_is_gone() -> None:
    with pytest.raises(KeyProcessFailed):
        key_process.run(key_programs.die, b"")
    heard: list[str] = []
    with pytest.raises(KeyProcessFailed):
        key_process.run(key_programs.linger, b"", hear=heard.append, timeout_s=3)
    assert gone(int(heard[0]))


def secrets_of(tokens: Path) -> list[bytes]:
    """Every secret text and key of a vault's tokens, in the ways in which one could leak."""
    found: list[bytes] = []
    for folder in sorted(tokens.iterdir()):
        words = token_file.passphrase_beside(str(folder))
        assert words is not None
        sealed = (folder / token_file.KEYS).read_bytes()
        text = age_file.decrypt(sealed, PassphraseKey(words))
        keys = token_text.parse_keys(text)
        token = token_file.FileToken(str(folder))
        record = token.unseal(token.record(1))
        share = share_record.parse(record).words
        raw = [keys.signing_seed, keys.unseal.secret_seed()]
        found += [words.encode(), share.encode(), " ".join(share.split()[8:12]).encode()]
        found += [form for key in raw for form in (key, key.hex().encode(), base64.b64encode(key))]
        found.append(keys.unseal.secret_text().encode())
    return found


def leaks(place: Path, outside: Path, secrets: list[bytes]) -> list[str]:
    """Files below `place`, but not below `outside`, in which a secret stands."""
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_relative_to(outside)]
    return [path.name for path in files if any(secret in path.read_bytes() for secret in secrets)]


@pytest.mark.invariant("I11")
@pytest.mark.clause("THREATS 2.1")
def test_after_a_real_birth_no_secret_is_anywhere_but_on_the_tokens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, policy = tmp_path / "tokens", tmp_path / "policy"
    tokens.mkdir()
    policy.mkdir()
    monkeypatch.chdir(tmp_path)
    born = key_rooms.hold_birth(custody_box.plan(), tokens)
    for name, content in born.files().items():
        (policy / name).write_bytes(content)
    signed = policy_files.load(1, lambda name, _limit: (policy / name).read_bytes())
    inserted = [token_file.FileToken(str(tokens / f"holder-{holder}")) for holder in (1, 3, 5)]
    vault = vault_opening.open_vault(signed.policy, 1, inserted).identity
    secrets = [
        *secrets_of(tokens),
        vault.secret_seed(),
        vault.secret_text().encode(),
        vault.secret_seed().hex().encode(),
    ]
    assert len(secrets) == 5 * 10 + 3
    assert leaks(tmp_path, tokens, secrets) == []
    (tmp_path / "said").write_text("".join(capfd.readouterr()) + repr(born))
    assert leaks(tmp_path, tokens, secrets) == []


@pytest.mark.invariant("I11")
@pytest.mark.clause("THREATS 2.1")
def test_the_vaults_key_is_not_on_the_tokens_either(tmp_path: Path) -> None:
    vault = custody_box.bear(tmp_path)
    key = vault_opening.open_vault(vault.policy, 1, vault.tokens(1, 2, 3)).identity
    whole = [key.secret_seed(), key.secret_text().encode(), key.secret_seed().hex().encode()]
    opened = [token.unseal(token.record(1)) for token in vault.tokens(1, 2, 3, 4, 5)]
    assert leaks(tmp_path, tmp_path / "none", whole) == []
    assert not [secret for secret in whole for text in opened if secret in text]


@pytest.mark.planted
@pytest.mark.invariant("I11")
def test_a_share_that_was_left_in_a_log_is_caught(tmp_path: Path) -> None:
    vault = custody_box.bear(tmp_path)
    tokens = tmp_path / "holder-1"
    token = vault.token(1)
    share = share_record.parse(token.unseal(token.record(1))).words
    (tmp_path / "debug.log").write_text(f"sealing {share[40:120]} to holder 1\n")
    assert leaks(tmp_path, tokens, [" ".join(share.split()[8:12]).encode()]) == ["debug.log"]
