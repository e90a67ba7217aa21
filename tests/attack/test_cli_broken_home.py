"""Files of the home changed, damaged or removed between two commands: a clear error or a recovery.

Whatever lies in `DIR` may be altered by hand, by a bad disk or by somebody with root. No case ends in a
traceback or hangs; the box stays ISOLATED and what was committed stays.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import errors
from appliance.adapters import console
from appliance.service import ledger_check
from tests.attack.command_line import Ended, at_rest, iwato
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault

COMMANDS = (
    ("status",),
    ("copies", "list"),
    ("bench", "run-window"),
    ("drive", "scrub"),
    ("ledger", "verify"),
)


@pytest.fixture
def home(vault: Vault, tmp_path: Path) -> Path:
    return vault.box.copy(tmp_path / "home").root


@pytest.fixture(scope="session")
def other(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of another vault."""
    return virtual_box.born(tmp_path_factory.mktemp("other") / "home", vault.source, seed=7).root


def on(home: Path, *words: str) -> Ended:
    return iwato(*words, "--home", str(home))


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


STRANGE_OBJECTS = (os.mkfifo, endless, os.mkdir)


def flip(path: Path, offset: int = 100) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(content)


# The policy --------------------------------------------------------------------------------------------


@pytest.mark.invariant("I13")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_policy_edited_by_hand_moves_nothing(home: Path, words: tuple[str, ...]) -> None:
    path = home / "policy" / "policy-1.txt"
    path.write_bytes(path.read_bytes().replace(b"-05:00:00 daily", b"-05:30:00 daily"))
    assert on(home, *words).code == errors.PolicyUnsigned.code
    assert on(home, *words).status == errors.EXIT_EMERGENCY


@pytest.mark.parametrize("harm", ["noise", "no signatures", "key of another vault"])
def test_policy_files_that_do_not_hold_are_refused(home: Path, other: Path, harm: str) -> None:
    policy = home / "policy"
    if harm == "noise":
        (policy / "policy-1.txt").write_bytes(os.urandom(2000))
    elif harm == "no signatures":
        for path in policy.glob("policy-1.*.sig"):
            path.unlink()
    else:
        shutil.copy(other / "policy" / "vault-1.age1pq", policy)
    ended = on(home, "bench", "run-window")
    assert (ended.status, ended.code[:5]) == (errors.EXIT_EMERGENCY, "IW-42")


@pytest.mark.parametrize("words", [("status",), ("bench", "run-window"), ("drive", "scrub")], ids=" ".join)
def test_a_whole_policy_of_another_vault_is_not_the_interlocks(
    home: Path, other: Path, words: tuple[str, ...]
) -> None:
    shutil.rmtree(home / "policy")
    shutil.copytree(other / "policy", home / "policy")
    ended = on(home, *words)
    assert (ended.status, errors.PolicyMismatch.code in ended.codes) == (errors.EXIT_EMERGENCY, True)
    assert "CONNECTED !!" not in ended.err  # the link was not even asked for


# The box's own state -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "words"), [("intake-state", ("bench", "run-window")), ("seal-state", ("drive", "scrub"))]
)
def test_without_its_keys_the_box_says_so_and_stays_dark(
    home: Path, folder: str, words: tuple[str, ...]
) -> None:
    for path in (home / folder).glob("*.key"):
        path.unlink()
    ended = on(home, *words)
    assert (ended.status, ended.code) == (errors.EXIT_FAILED, errors.OwnFileMissing.code)


def test_a_lost_ledger_copy_is_said_and_filled_from_the_drives(home: Path) -> None:
    before = on(home, "copies", "list", "--json").document["snapshots"]
    for folder in ("ledger", "checkpoints"):
        shutil.rmtree(home / "seal-state" / folder)
    ended = on(home, "copies", "list")
    assert (ended.status, ended.code) == (errors.EXIT_WARNINGS, errors.LedgerBehind.code)
    assert on(home, "drive", "scrub").status == errors.EXIT_OK
    assert on(home, "copies", "list", "--json").document["snapshots"] == before


def test_a_new_disk_in_the_controller_is_rebuilt_from_the_drives(home: Path) -> None:
    before = on(home, "copies", "list", "--json").document["snapshots"]
    for folder in ("policy", "staging", "intake-state", "seal-state/ledger", "seal-state/checkpoints"):
        shutil.rmtree(home / folder)
    lost = on(home, "status")
    assert (lost.status, lost.code) == (errors.EXIT_FAILED, errors.OwnFileMissing.code)
    assert "iwato rebuild" in lost.err
    ended = on(home, "rebuild", "--json")
    assert (ended.status, ended.document["full"], ended.document["warnings"]) == (errors.EXIT_OK, True, [])
    assert on(home, "copies", "list", "--json").document["snapshots"] == before
    assert on(home, "drive", "scrub").status == errors.EXIT_OK
    assert on(home, "bench", "run-window", "--json").document["complete"]
    at_rest(home)


def test_without_an_interlock_or_drives_there_is_nothing_to_rebuild(home: Path, tmp_path: Path) -> None:
    assert on(tmp_path / "nothing", "rebuild").code == errors.HomeMissing.code
    shutil.rmtree(home / "bay")
    assert on(home, "rebuild").code == errors.HomeMissing.code


def test_emptied_staging_is_filled_again(vault: Vault, home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "staging")
    (home / "staging").mkdir()
    assert on(home, "bench", "run-window").status == errors.EXIT_OK


def test_a_missing_staging_disk_is_named(home: Path) -> None:
    shutil.rmtree(home / "staging")
    ended = on(home, "bench", "run-window")
    assert (ended.status, errors.StagingFailed.code in ended.codes) == (errors.EXIT_FAILED, True)
    at_rest(home)


def test_a_damaged_index_costs_time_and_nothing_else(home: Path) -> None:
    (home / "intake-state" / "index.sqlite").write_bytes(os.urandom(8000))
    ended = on(home, "bench", "run-window", "--json")
    assert (ended.status, ended.document["complete"]) == (errors.EXIT_WARNINGS, True)
    assert errors.IndexDamaged.code in ended.codes


@pytest.mark.parametrize(
    "record",
    [
        "[1",
        '{"bays": [1]}',
        '{"bays": {"1": 5}}',
        json.dumps({"bays": {"1": {"id": "aa", "state": "\x1b[31mgood"}}}),
        json.dumps({"bays": {"1": {"id": "\u202e", "state": "good"}}}),
    ],
    ids=["cut off", "list", "number", "escape", "right to left"],
)
def test_what_a_controller_wrote_about_drives_is_checked_before_it_is_shown(home: Path, record: str) -> None:
    (home / "seal-state" / "drives.json").write_text(record, encoding="utf-8")
    ended = on(home, "status")
    assert (ended.status, ended.out.count("not seen in the last drive phase")) == (errors.EXIT_OK, 6)


@pytest.mark.parametrize("harm", STRANGE_OBJECTS)
def test_a_record_of_drives_that_is_no_file_counts_as_none(home: Path, harm: Callable[[Path], None]) -> None:
    path = home / "seal-state" / "drives.json"
    path.unlink()
    harm(path)
    ended = on(home, "status")
    assert (ended.status, ended.out.count("not seen in the last drive phase")) == (errors.EXIT_OK, 6)


# What lies on the drives ------------------------------------------------------------------------------


def segment(home: Path, bay: int) -> Path:
    return sorted((home / "bay" / str(bay) / "ledger").iterdir())[1]


@pytest.mark.clause("THREATS 4.4")
@pytest.mark.parametrize("bays", [(1,), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize(
    ("words", "damage"),
    [
        (("drive", "scrub"), "segment"),
        (("bench", "run-window"), "segment"),
        (("drive", "scrub"), "checkpoint"),
    ],
    ids=["scrub", "window", "scrub of a checkpoint"],
)
def test_an_altered_ledger_copy_is_said_healed_and_then_verifies(
    home: Path, bays: tuple[int, ...], words: tuple[str, ...], damage: str
) -> None:
    for bay in bays:
        older = home / "bay" / str(bay) / "checkpoints" / "0000000000000002.checkpoint"
        flip(segment(home, bay) if damage == "segment" else older)
    assert on(home, "ledger", "verify").status == errors.EXIT_EMERGENCY
    ended = on(home, *words, "--json")
    assert ended.status == errors.EXIT_WARNINGS
    said = [item["text"] for item in ended.document["warnings"]]
    assert [any(f"drive {bay}: " in text for text in said) for bay in bays] == [True] * len(bays)
    assert ended.document.get("outcome", "repaired") == "repaired"
    verified = on(home, "ledger", "verify", "--json")
    assert (verified.status, verified.document["verdict"]) == (errors.EXIT_OK, "verified")
    again = on(home, *words, "--json")
    assert (again.status, again.document["warnings"]) == (errors.EXIT_OK, [])


def test_an_altered_policy_file_on_a_drive_is_said_and_left(home: Path) -> None:
    path = home / "bay" / "1" / "policy" / "policy-1.txt"
    flip(path)
    altered = path.read_bytes()
    ended = on(home, "drive", "scrub", "--json")
    assert (ended.status, ended.document["outcome"]) == (errors.EXIT_FAILED, "unrepaired")
    (warning,) = ended.document["warnings"]
    assert warning["code"] == errors.PolicyCopyDamaged.code
    assert warning["values"]["name"] == "policy/policy-1.txt"
    assert (path.read_bytes(), warning["values"]["drive"]) == (altered, "1")


def test_a_removed_policy_file_on_a_drive_is_said_and_put_back(home: Path) -> None:
    path = home / "bay" / "3" / "policy" / "policy-1.txt"
    content = path.read_bytes()
    path.unlink()
    ended = on(home, "drive", "scrub", "--json")
    assert (ended.status, ended.document["outcome"]) == (errors.EXIT_WARNINGS, "repaired")
    assert ended.codes == {errors.PolicyCopyDamaged.code}
    assert path.read_bytes() == content
    assert on(home, "drive", "scrub").status == errors.EXIT_OK


# The emulated hardware ---------------------------------------------------------------------------------


def lose_memory(home: Path) -> None:
    for slot in ("fram-0", "fram-1"):
        flip(home / "emulated" / slot)


def remove_memory(home: Path) -> None:
    for slot in ("fram-0", "fram-1"):
        (home / "emulated" / slot).unlink()


@pytest.mark.parametrize("harm", [lose_memory, remove_memory])
@pytest.mark.parametrize("words", [("bench", "run-window"), ("drive", "scrub")], ids=" ".join)
def test_an_interlock_that_lost_its_memory_connects_nothing(
    home: Path, harm: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    harm(home)
    ended = on(home, *words)
    assert (ended.status, ended.code) == (errors.EXIT_EMERGENCY, errors.FaultLatched.code)
    assert at_rest_with_alarm(home)


def at_rest_with_alarm(home: Path) -> bool:
    ended = iwato("status", "--json", "--home", str(home))
    document = ended.document
    return bool(ended.status == errors.EXIT_EMERGENCY and document["isolated"] and document["alarms"])


def test_one_damaged_slot_of_two_is_no_harm(home: Path) -> None:
    flip(home / "emulated" / "fram-0")
    assert at_rest(home)["alarms"] == []


def test_a_clock_that_went_back_is_an_alarm(home: Path) -> None:
    on(home, "bench", "clock", "--advance", "48h")
    (home / "emulated" / "rtc").write_bytes(b"00000001000000000000")
    ended = on(home, "status", "--json")
    assert [alarm["code"] for alarm in ended.document["alarms"]] == [errors.ClockLost.code]
    assert (ended.status, ended.document["isolated"]) == (errors.EXIT_OK, True)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"-0000000000000000001", b"99999999999999999999"])
def test_a_clock_chip_without_a_time_grants_no_window(home: Path, content: bytes | None) -> None:
    path = home / "emulated" / "rtc"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    ended = on(home, "status")
    assert ended.status in {errors.EXIT_OK, errors.EXIT_FAILED, errors.EXIT_EMERGENCY}


@pytest.mark.parametrize("name", ["bench.json", "damage.json"])
def test_bench_files_of_nonsense_are_named(home: Path, name: str) -> None:
    (home / "emulated" / name).write_text('{"link_rate": []}', encoding="ascii")
    ended = on(home, "bench", "run-window")
    assert (ended.status, ended.code) == (errors.EXIT_FAILED, errors.EmulationDamaged.code)


def test_ten_years_in_a_drawer_change_nothing(home: Path) -> None:
    assert on(home, "bench", "clock", "--advance", "3650d").status == errors.EXIT_OK
    assert on(home, "bench", "run-window", "--json").document["complete"]
    assert on(home, "drive", "scrub").status == errors.EXIT_OK


# A drive full of junk ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lacking", [False, True], ids=["a whole copy", "a copy that lacks an entry"])
def test_1500_junk_files_in_one_drives_ledger_change_no_verdict_and_no_line_is_too_long(
    home: Path, *, lacking: bool
) -> None:
    ledger = home / "bay" / "2" / "ledger"
    if lacking:
        sorted(ledger.iterdir())[1].unlink()
    for number in range(1500):
        (ledger / os.fsdecode(b"%04d" % number + b"\xff" * 240 + b".seg")).touch()  # longest as JSON
    ended = on(home, "ledger", "verify", "--json")
    document = ended.document
    assert document["verdict"] == ("tampered" if lacking else "verified")
    assert ended.status == (errors.EXIT_EMERGENCY if lacking else errors.EXIT_OK)
    assert len(document["findings"]) == ledger_check.FINDINGS_SAID + 1
    assert document["findings"][-1] == f"+{1500 + lacking - ledger_check.FINDINGS_SAID}"
    assert len(ended.out) < console.LINE_BYTES_MAX


@pytest.mark.parametrize("name", ["rtc", "fram-0", "fram-1", "damage.json", "bench.json"])
@pytest.mark.parametrize("harm", STRANGE_OBJECTS)
def test_a_bench_file_that_is_no_file_is_named_and_not_waited_for(
    home: Path, name: str, harm: Callable[[Path], None]
) -> None:
    path = home / "emulated" / name
    path.unlink(missing_ok=True)
    harm(path)
    ended = on(home, *(("bench", "run-window") if name == "bench.json" else ("status",)))
    assert (ended.status, ended.code) == (errors.EXIT_FAILED, errors.EmulationDamaged.code)


def test_a_bench_file_without_an_end_or_of_nonsense_numbers_is_named(home: Path) -> None:
    for content in (b" " * (1 << 20), b"[" * 60_000, b'{"link_rate": 1e999}', b'{"link_rate": -1}'):
        (home / "emulated" / "bench.json").write_bytes(content)
        assert on(home, "bench", "run-window").code == errors.EmulationDamaged.code
    (home / "emulated" / "damage.json").write_bytes(b"[" * 60_000)
    assert on(home, "status").code == errors.EmulationDamaged.code
