"""What people type: every command in both languages, home in every place, and every wrong word refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from tests.attack.command_line import PROJECT, Ended, at_rest, iwato
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox
from tests.spec import documents

WINDOW_WORDS = (
    "",
    "03:00-05:00",
    "25:00-26:00 daily",
    "03:00-03:00 daily",
    "03:00-05:00 weekly",
    "03:00-05:00 daily +99:99",
    "03:00:00-03:00:02 daily",
    "00:00-23:59 daily",
    "03:00-05:00\ndaily",
    "\u0660\u0663:00-05:00 daily",
    "03:00-05:00 daily\x1b[31m",
)


@pytest.fixture
def home(vault: Vault, tmp_path: Path) -> Path:
    return vault.box.copy(tmp_path / "home").root


# One box, used as it is meant --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def used(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Ended]]:
    """Every command that changes something, once, in the order of a day; what each said."""
    place = tmp_path_factory.mktemp("used")
    home = vault.box.copy(place / "home").root
    tokens = [word for n in (2, 3, 5) for word in ("--token", str(home / "tokens" / f"holder-{n}"))]
    target = ("--target", str(place / "out"))
    on = ("--home", str(home))
    said = {
        "window": iwato("--lang", "ja", "bench", "run-window", *on),
        "window --json": iwato("bench", "run-window", "--json", env={"IWATO_HOME": str(home)}),
        "scrub": iwato("drive", "scrub", *on),
        "verify": iwato("ledger", "verify", *on),
        "restore": iwato("restore", "run", *on, "--snapshot", "latest", *target, *tokens),
    }
    return home, said


def test_every_command_ends_well_and_the_box_is_at_rest(used: tuple[Path, dict[str, Ended]]) -> None:
    home, said = used
    assert {name: ended.status for name, ended in said.items()} == dict.fromkeys(said, errors.EXIT_OK)
    assert at_rest(home)["alarms"] == []


def test_a_window_speaks_japanese_on_stdout_and_the_state_on_stderr(
    used: tuple[Path, dict[str, Ended]],
) -> None:
    ended = used[1]["window"]
    assert "完全" in ended.out
    assert "接続中" in ended.err


def test_a_window_keeps_its_schema(used: tuple[Path, dict[str, Ended]]) -> None:
    ended = used[1]["window --json"]
    assert documents.fault("run-window", ended.document) == ""
    assert ended.err == ""
    assert ended.out.isascii()


def test_status_and_copies_say_the_same_wherever_the_home_is_named(
    used: tuple[Path, dict[str, Ended]],
) -> None:
    home = str(used[0])
    ways: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (("--home", home, "copies", "list", "--json"), {}),
        (("copies", "list", "--home", home, "--json"), {}),
        (("--json", "copies", "list"), {"IWATO_HOME": home}),
        (("copies", "list", "--json", "--home", home), {"IWATO_HOME": "/nonexistent"}),
    ]
    found: list[Any] = [iwato(*words, env=env).document for words, env in ways]
    assert all(document == found[0] for document in found)
    assert documents.fault("copies-list", found[0]) == ""
    assert len(found[0]["snapshots"]) == 3


def test_the_next_window_lies_ahead_of_the_clock(used: tuple[Path, dict[str, Ended]]) -> None:
    document = at_rest(used[0])
    assert documents.fault("status", document) == ""
    assert document["next_window"] > document["time"]


def test_what_a_person_reads_shows_all_drives_and_the_snapshots(used: tuple[Path, dict[str, Ended]]) -> None:
    home = str(used[0])
    status = iwato("status", "--home", home).out
    assert status.startswith("ISOLATED")
    assert status.count("good") == 6
    assert iwato("status", "--home", home, "--lang", "ja").out.startswith("隔離中")
    assert iwato("copies", "list", "--home", home).out.count("docs") == 3


# The ledger from outside -------------------------------------------------------------------------------


def test_drives_alone_can_only_say_self_consistent(used: tuple[Path, dict[str, Ended]]) -> None:
    ended = iwato("ledger", "verify", "--drives-only", "--json", "--home", str(used[0]))
    assert (ended.status, ended.document["verdict"]) == (errors.EXIT_WARNINGS, "self-consistent")


def test_a_checkpoint_seen_outside_is_found_in_the_ledger(
    used: tuple[Path, dict[str, Ended]], tmp_path: Path
) -> None:
    home, said = used
    seen = tmp_path / "seen"
    seen.write_text(json.loads(said["window --json"].out)["checkpoint"], encoding="utf-8")
    on_a_drive = min((home / "bay" / "4" / "checkpoints").iterdir())
    for path in (seen, on_a_drive):
        ended = iwato("ledger", "verify", "--checkpoint", str(path), "--home", str(home))
        assert ended.status == errors.EXIT_OK


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 5000, b"iwato/00\n1\nAAAA\n\n"], ids=["empty", "noise", "short"]
)
def test_what_is_no_checkpoint_is_not_believed(home: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seen").write_bytes(content)
    ended = iwato("ledger", "verify", "--checkpoint", str(tmp_path / "seen"), "--home", str(home))
    assert ended.status == errors.EXIT_EMERGENCY


def test_a_fork_is_tampering(vault: Vault, tmp_path: Path) -> None:
    """Two continuations of one ledger, both signed by the box: drives of one, interlock of the other."""
    left, right = vault.box.copy(tmp_path / "left"), vault.box.copy(tmp_path / "right")
    shown = str(right.run_window()["checkpoint"])
    left.run_window()
    (tmp_path / "seen").write_text(shown, encoding="utf-8")
    ended = iwato("ledger", "verify", "--checkpoint", str(tmp_path / "seen"), "--home", str(left.root))
    assert (ended.status, errors.LedgerTampered.code in ended.codes) == (errors.EXIT_EMERGENCY, True)
    swap_drives(left, right)
    assert iwato("ledger", "verify", "--home", str(left.root)).status == errors.EXIT_EMERGENCY


def swap_drives(left: VirtualBox, right: VirtualBox) -> None:
    left.home.bays.rename(left.root / "aside")
    right.home.bays.rename(left.home.bays)
    (left.root / "aside").rename(right.home.bays)


# Wrong words -------------------------------------------------------------------------------------------


def init(home: Path, *words: str) -> Ended:
    return iwato("init", "--home", str(home), *words)


@pytest.mark.parametrize(
    "words",
    [
        *(("--window", text) for text in WINDOW_WORDS),
        ("--drives", "3", "--data-shards", "4"),
        ("--drives", "6", "--data-shards", "6"),
        ("--data-shards", "1"),
        ("--data-shards", "-1"),
        ("--drives", "99"),
        ("--quorum", "1"),
        ("--quorum", "5"),
        ("--holders", "17"),
        ("--holders", "0"),
        ("--link-rate", "-1"),
        ("--link-rate", "9" * 40),
        ("--link-rate", "fast"),
        ("--source", "docs"),
        ("--source", "Docs=/srv"),
        ("--source", "a\x1b[31m=/srv"),
        ("--source", "docs=/other"),
        ("--source", f"long=/{'n' * 2000}"),
        ("--lang", "xx"),
        ("--nonsense\x1b[31m",),
    ],
    ids=lambda words: ascii(" ".join(words))[:40],
)
def test_a_wrong_wish_at_birth_is_a_usage_error_and_leaves_nothing(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "source").mkdir()
    ended = init(tmp_path / "home", "--source", f"docs={tmp_path}/source", *words)
    assert ended.status == errors.EXIT_USAGE
    assert not (tmp_path / "home").exists() or not any((tmp_path / "home").iterdir())


def test_a_birth_without_a_source_is_refused(tmp_path: Path) -> None:
    assert init(tmp_path / "home").status == errors.EXIT_USAGE


def test_a_home_that_holds_something_is_refused_with_6(home: Path, tmp_path: Path) -> None:
    before = sorted(home.rglob("*"))
    assert init(home, "--source", f"docs={tmp_path}/x").status == errors.EXIT_REFUSED
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("inside", ["home in source", "source in home", "package", "system library"])
def test_a_home_that_would_share_its_keys_is_refused_with_iw_1007(tmp_path: Path, inside: str) -> None:
    source = tmp_path / "source"
    home = {
        "home in source": source / "home",
        "source in home": tmp_path,
        "package": PROJECT / "appliance" / "no-home-here",
        "system library": Path("/usr/lib/no-iwato-home-here"),
    }[inside]
    if inside == "home in source":
        source.mkdir()
    ended = init(home, "--source", f"docs={source}")
    assert (ended.status, ended.code) == (errors.EXIT_USAGE, errors.PathUnsafe.code)
    assert home == tmp_path or not home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("nope",),
        ("status", "--nope"),
        ("status", "--home", ""),
        ("status",),
        ("bench", "run-window", "extra"),
    ],
    ids=" ".join,
)
def test_a_command_that_does_not_exist_is_a_usage_error_also_in_json(words: tuple[str, ...]) -> None:
    assert iwato(*words, "--json").document["error"]["code"] == errors.UsageError.code
    assert iwato(*words).status == errors.EXIT_USAGE


@pytest.mark.parametrize("text", ["5", "-3h", "1.5h", "24H", "", "\u0663h", "999999999d", "9" * 30 + "s"])
def test_a_clock_that_no_clock_shows_is_refused_and_nothing_moves(home: Path, text: str) -> None:
    before = (home / "emulated" / "rtc").read_bytes()
    assert iwato("bench", "clock", "--advance", text, "--home", str(home)).status == errors.EXIT_USAGE
    assert (home / "emulated" / "rtc").read_bytes() == before


def test_places_that_cannot_be_used_are_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert iwato("status", "--home", str(tmp_path / "nothing")).code == errors.HomeMissing.code
    assert init(tmp_path / "file", "--source", "docs=/srv").code == errors.PlaceUnusable.code
    assert iwato("status", "--home", "~nobody-of-that-name/x").code == errors.PlaceUnusable.code
    for words in (("--checkpoint", "/nonexistent"), ("--checkpoint", str(tmp_path))):
        assert iwato("ledger", "verify", "--home", str(home), *words).status == errors.EXIT_USAGE


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--snapshot", "20010101T000000Z-00000000"), errors.EXIT_FAILED),
        (("--snapshot", "\x1b[31m"), errors.EXIT_FAILED),
        (("--snapshot", "latest", "--source", "nope"), errors.EXIT_FAILED),
        (("--snapshot", "latest", "--target", "{home}/out"), errors.EXIT_USAGE),
        (("--snapshot", "latest", "--target", "{file}"), errors.EXIT_FAILED),
        (("--snapshot", "latest", "--target", ""), errors.EXIT_USAGE),
        (("--snapshot", "latest", "--target", "/nowhere/" + "t/" * 200), errors.EXIT_USAGE),
        (("--snapshot", "latest", "--path", "../x"), errors.EXIT_USAGE),
        (("--snapshot", "latest", "--token", "/dev/zero"), errors.EXIT_QUORUM),
        (("--snapshot", "latest", "--token", "/nonexistent/\x1b[31m"), errors.EXIT_QUORUM),
    ],
    ids=lambda words: ascii(" ".join(words)) if isinstance(words, tuple) else "",
)
def test_a_restore_that_cannot_be_meant_touches_nothing(
    home: Path, tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    filled = [word.format(home=home, file=tmp_path / "file") for word in words]
    tokens = () if "--token" in words else tuple(f"{home}/tokens/holder-{n}" for n in (1, 2, 3))
    target = () if "--target" in words else ("--target", str(tmp_path / "out"))
    given = [word for token in tokens for word in ("--token", token)]
    ended = iwato("restore", "run", "--home", str(home), *given, *target, *filled)
    assert ended.status == status
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
