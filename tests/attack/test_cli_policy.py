"""`iwato policy` as people type it: a change from the edited copy to the interlock, and what is refused."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.attack.command_line import Ended, iwato
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox
from tests.spec import documents


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def policy(box: VirtualBox, *words: str) -> Ended:
    return iwato("policy", *words, "--home", str(box.root))


def tokens(box: VirtualBox, *holders: int) -> list[str]:
    return [word for holder in holders for word in ("--token", str(box.home.token(holder)))]


def edited(box: VirtualBox, place: Path, old: str, new: str) -> Path:
    shown = policy(box, "show", "--text")
    assert old in shown.out
    place.write_text(shown.out.replace(old, new), encoding="utf-8")
    return place


@pytest.mark.needs("ssh-keygen")
@pytest.mark.clause("THREATS 3.4")
@pytest.mark.clause("THREATS 3.12")
def test_a_policy_goes_from_an_edited_copy_to_the_interlock_and_stock_openssh_agrees(
    box: VirtualBox, tmp_path: Path
) -> None:
    copy = edited(box, tmp_path / "my copy.txt", "link=60m", "link=30m  # half of it")
    proposed = policy(box, "propose", str(copy))
    assert "windows per day 1 -> 1: exposure 60 -> 30 min" in proposed.out
    text = tmp_path / "policy-2.txt"
    assert policy(box, "propose", str(copy)).status == 0, "the same text again is no other text"
    few = policy(box, "sign", str(text), *tokens(box, 1, 2))
    assert "exposure 60 -> 30 min" in few.out, "who signs reads what changes"
    refused = policy(box, "submit", str(text))
    assert (refused.status, refused.code) == (6, "IW-5101")
    policy(box, "sign", str(text), *tokens(box, 4))
    verified = policy(box, "verify", str(text))
    commands = [line.strip() for line in verified.out.splitlines() if line.strip().startswith("ssh-keygen")]
    assert len(commands) == 3
    for command in commands:
        subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True)
        other = command.partition(" < ")[0] + " < /dev/null"
        assert subprocess.run(["/bin/sh", "-c", other], check=False, capture_output=True).returncode
    waiting = policy(box, "submit", str(text), "--lang", "ja")
    assert "待機中" in waiting.out
    status = iwato("status", "--home", str(box.root))
    assert "signed by holders 1, 2, 4" in status.out
    assert "may veto it: holders 1, 2, 3, 4, 5" in status.out
    stopped = policy(box, "veto", *tokens(box, 3), "--why", "nobody \x1b[31masked\x07 me")
    assert "STOPPED" in stopped.out


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_broken_rule_is_said_with_its_line_and_what_to_do(
    box: VirtualBox, tmp_path: Path, language: str
) -> None:
    copy = edited(box, tmp_path / "copy.txt", "link=60m", "link=60min")
    copy.write_text(copy.read_text().replace("delay 72h", "delay 99d\n\x1b[2Jquorum\x9b 1"))
    ended = policy(box, "diff", str(copy), "--lang", language)
    assert (ended.status, ended.code) == (6, "IW-5102")
    assert ended.out.count("  -> ") >= 3
    assert not list(tmp_path.glob("policy-*"))
    document = policy(box, "propose", str(copy), "--json").document
    assert document["error"]["code"] == "IW-5102"
    assert len(document["findings"]) == ended.out.count("  -> ")
    assert all(cell_len(line) <= 80 for line in ended.out.splitlines())


def test_what_is_no_text_is_refused_at_once(box: VirtualBox, tmp_path: Path) -> None:
    fifo, long = tmp_path / "fifo", tmp_path / "long"
    os.mkfifo(fifo)
    long.write_bytes(b"x" * 200_000)
    for place in (fifo, long, tmp_path / "nowhere"):
        ended = policy(box, "submit", str(place))
        assert ended.code in {"IW-5107", "IW-5101"}, place
    assert policy(box, "veto", "--why", "no token").status == 2
    assert policy(box, "veto", *tokens(box, 1), "--why", "too early").code == "IW-5103"


@pytest.mark.clause("THREATS 9.1")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_capture_sets_are_read_by_people_and_by_programs(box: VirtualBox, language: str) -> None:
    ended = policy(box, "capture-sets", "--lang", language)
    assert ended.status == 0
    assert all(cell_len(line) <= 80 for line in ended.out.splitlines())
    document = policy(box, "capture-sets", "--json").document
    assert not documents.fault("capture-sets", document)
    assert [one["people"] for one in document["OPEN"] if not one["force"]] == [3, 3]


def test_file_tokens_would_be_the_last_key_on_a_real_board(box: VirtualBox) -> None:
    ended = policy(box, "capture-sets", "--board", "cm4", "--json")
    assert (ended.status, ended.code) == (3, "IW-5105")
    read = [one for one in ended.document["READ"] if one["scope"] == "sealed" and not one["force"]]
    assert min(one["people"] for one in read) == 0
    assert policy(box, "capture-sets", "--board", "none").status == 2


@pytest.mark.needs("root")
def test_a_full_disk_leaves_no_half_of_a_policy(box: VirtualBox, tmp_path: Path, mounted: Path) -> None:
    copy = edited(box, tmp_path / "copy.txt", "link=60m", "link=30m")
    with (mounted / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass
    ended = policy(box, "propose", str(copy), "--out", str(mounted / "policy-2.txt"))
    assert ended.code == "IW-1014"
    assert [path.name for path in mounted.iterdir()] == ["ballast"]
