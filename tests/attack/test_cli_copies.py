"""`iwato copies verify` and `diff` as a person types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import errors
from tests.attack.command_line import Ended, at_rest, iwato
from tests.simulation.conftest import Vault


@pytest.fixture(scope="module")
def home(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with two snapshots, between which a file with a hostile name came."""
    home = vault.box.copy(tmp_path_factory.mktemp("copies") / "home").root
    (vault.source / "new\x1b[31m\nred").write_bytes(b"x")
    assert iwato("bench", "run-window", "--home", str(home)).status == errors.EXIT_OK
    return home


def tokens(home: Path, *holders: int) -> list[str]:
    return [word for holder in holders for word in ("--token", str(home / "tokens" / f"holder-{holder}"))]


def on(home: Path, *words: str) -> Ended:
    return iwato(*words, "--home", str(home))


def test_without_tokens_it_says_what_it_did_not_try(home: Path) -> None:
    ended = on(home, "copies", "verify")
    assert ended.status == errors.EXIT_OK
    assert "every pack survives the loss of 2 more drives" in ended.out
    assert "That it decrypts was not tried" in ended.out
    assert "試していません" in on(home, "copies", "verify", "--lang", "ja").out
    at_rest(home)


def test_with_tokens_it_opens_everything(home: Path) -> None:
    ended = on(home, "copies", "verify", "latest", *tokens(home, 1, 2, 3))
    assert (ended.status, "0 do not hold" in ended.out) == (errors.EXIT_OK, True)
    part = on(home, "copies", "verify", *tokens(home, 2, 3, 4), "--path", "./deep//er/", "--json").document
    assert (part["not_restored"], part["objects"]) == ([], 4)
    at_rest(home)


def test_a_difference_is_a_line_whose_name_cannot_steer_the_terminal(home: Path) -> None:
    first = on(home, "copies", "list", "--json").document["snapshots"][0]["id"]
    ended = on(home, "copies", "diff", first, *tokens(home, 3, 4, 5))
    assert ended.status == errors.EXIT_OK
    assert "\x1b" not in ended.out
    assert "docs/new\\x1b[31m\\x0ared" in ended.out
    assert [line[0] for line in ended.out.splitlines() if "docs/dangling" in line] == ["-"]
    assert on(home, "copies", "diff", first, first, *tokens(home, 3, 4, 5), "--json").document["counts"] == {}
    at_rest(home)


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("copies", "diff", "latest"), errors.UsageError.code, errors.EXIT_USAGE),
        (("copies", "verify", "--source", "docs"), errors.UsageError.code, errors.EXIT_USAGE),
        (("copies", "verify", "20990101T000000Z-00000000"), errors.SnapshotUnknown.code, None),
        (("copies", "verify", "--token", "/nowhere"), errors.TokenMissing.code, errors.EXIT_QUORUM),
        (("copies", "verify", "--path", "../x", "--token", "/"), errors.UsageError.code, errors.EXIT_USAGE),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    home: Path, words: tuple[str, ...], code: str, status: int | None
) -> None:
    ended = on(home, *words)
    assert ended.code == code
    assert status in (None, ended.status)
    at_rest(home)


def test_two_holders_are_too_few(home: Path) -> None:
    assert on(home, "copies", "verify", *tokens(home, 1, 2)).status == errors.EXIT_QUORUM
    at_rest(home)
