"""Sources as they come: missing, taken away, unreadable, with hostile names, too large for their window;
staging and drives that fill up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.adapters.tree_compare import compare
from tests.attack import command_line
from tests.attack.command_line import PROJECT, at_rest, iwato
from tests.simulation.conftest import Vault

# Root without the right to read everything: its files obey their modes, and the interpreter stays its own.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
HOSTILE = (
    b"new\nline",
    b"red\x1b[31m\x07",
    b"title\x1b]0;owned\x07",
    b"\xff\xfe not utf-8",
    "rtl \u202e txt.exe".encode(),
    "c1 \u009b31m".encode(),
    b"n" * 255,
    b" ",
    b"-rf",
    b"\\x1b",
)


def born(home: Path, *words: str, **sources: Path) -> None:
    named = [word for name, path in sources.items() for word in ("--source", f"{name}={path}")]
    assert iwato("init", "--home", str(home), *named, *words).status == errors.EXIT_OK


def window(home: Path, status: int, before: Sequence[str] = ()) -> Any:
    ended = iwato("bench", "run-window", "--json", "--home", str(home), before=before)
    assert ended.status == status, ended
    return ended.document


def restored(home: Path, target: Path, status: int) -> None:
    tokens = [word for n in (1, 3, 5) for word in ("--token", str(home / "tokens" / f"holder-{n}"))]
    words = ("restore", "run", "--home", str(home), "--snapshot", "latest", "--target", str(target), *tokens)
    assert iwato(*words).status == status


def codes(document: Any) -> set[str]:
    return {warning["code"] for warning in document["warnings"]}


def test_hostile_names_and_a_missing_source_beside_them(tmp_path: Path) -> None:
    """No byte of a name reaches the terminal (command_line.faults), and every name comes back."""
    source, home = tmp_path / "source", tmp_path / "home"
    for name in HOSTILE:
        folder = os.fsencode(source) + b"/" + name
        os.makedirs(folder)
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(b"content")
    os.mkfifo(source / "fifo")
    (source / "link").symlink_to("/etc/passwd")
    born(home, docs=source, gone=tmp_path / "never")
    document = window(home, errors.EXIT_WARNINGS)
    assert codes(document) == {errors.SourceMissing.code}
    assert [s["complete"] for s in document["sources"]] == [True, False]
    restored(home, tmp_path / "out", errors.EXIT_WARNINGS)
    assert not compare(source, tmp_path / "out" / "docs", owners=True).differences

    shutil.rmtree(source)  # and then the other one is gone too
    document = window(home, errors.EXIT_FAILED)
    missing = [w["values"]["source"] for w in document["warnings"] if w["code"] == errors.SourceMissing.code]
    assert (missing, document["snapshot"]) == (["docs", "gone"], None)
    assert len(iwato("copies", "list", "--home", str(home), "--json").document["snapshots"]) == 1
    at_rest(home)


@pytest.mark.clause("THREATS 4.6")
@pytest.mark.needs("landlock")
@pytest.mark.parametrize("where", ["home/tokens", "home/bay", "home", "."])
def test_a_source_that_became_a_link_to_the_home_grants_nothing_of_it(tmp_path: Path, where: str) -> None:
    source, other, home = tmp_path / "source", tmp_path / "other", tmp_path / "home"
    for tree in (source, other):
        tree.mkdir()
        (tree / "file").write_bytes(b"content")
    born(home, docs=source, mail=other)
    shutil.rmtree(source)
    source.symlink_to(tmp_path / where)
    document = window(home, errors.EXIT_WARNINGS)
    assert codes(document) == {errors.SourceMissing.code}
    assert [(s["complete"], s["files"]) for s in document["sources"]] == [(False, 0), (True, 1)]


@pytest.mark.needs("root", "setpriv")
def test_files_that_may_not_be_read_are_counted_and_named(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    (source / "shut").mkdir(parents=True)
    for name in ("a", "secret\x1b[31m", "shut/inner"):
        (source / name).write_bytes(name.encode())
    (source / "secret\x1b[31m").chmod(0)
    (source / "shut").chmod(0)
    born(home, docs=source)
    document = window(home, errors.EXIT_WARNINGS, WITHOUT_OVERRIDE)
    assert (document["unreadable"], codes(document)) == (2, {errors.FilesUnreadable.code})
    ended = iwato("bench", "run-window", "--home", str(home), before=WITHOUT_OVERRIDE)
    assert (ended.status, ended.code) == (errors.EXIT_WARNINGS, errors.FilesUnreadable.code)
    restored(home, tmp_path / "out", errors.EXIT_WARNINGS)  # the snapshot says that it lacks them
    assert (tmp_path / "out" / "docs" / "a").read_bytes() == b"a"


def test_a_source_taken_away_while_it_is_pulled_is_not_called_complete(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    for number in range(8):
        (source / f"f{number}").write_bytes(os.urandom(250_000))
    shutil.copytree(source, tmp_path / "kept")
    born(home, "--link-rate", "400000", docs=source)
    running = subprocess.Popen(
        [sys.executable, "-m", "appliance", "--json", "bench", "run-window", "--home", str(home)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_staging(home)
    shutil.rmtree(source)
    out, err = running.communicate()
    assert command_line.faults(
        command_line.Ended(words=["--json"], status=running.returncode, out=out, err=err)
    ) == []
    at_rest(home)
    first = command_line.Ended(words=["--json"], status=running.returncode, out=out, err=err).document
    assert not first["complete"]
    assert errors.SourceMissing.code in codes(first)
    shutil.copytree(tmp_path / "kept", source)
    document = window(home, errors.EXIT_OK)
    assert document["bytes_new"] + first["bytes_new"] == 8 * 250_000  # nothing is stored twice
    restored(home, tmp_path / "out", errors.EXIT_OK)
    assert not compare(tmp_path / "kept", tmp_path / "out" / "docs", owners=False).differences


def wait_for_staging(home: Path) -> None:
    """Until intake has made something: the link is up then. No duration is asserted."""
    end = time.monotonic() + 60
    while not any((home / "staging").rglob("*.*")) and time.monotonic() < end:
        time.sleep(0.05)


def test_a_window_that_ends_before_the_intake_goes_on_in_the_next_and_stores_nothing_twice(
    tmp_path: Path,
) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    for number in range(10):
        (source / f"f{number}").write_bytes(os.urandom(250_000))
    born(home, "--link-rate", "500000", "--window", "03:00:00-03:00:12 daily", docs=source)
    documents = [window(home, errors.EXIT_WARNINGS)]
    assert (documents[0]["complete"], codes(documents[0])) == (False, {errors.WindowEndedEarly.code})
    for _ in range(8):
        ended = iwato("bench", "run-window", "--json", "--home", str(home))
        documents.append(ended.document)
        if ended.status == errors.EXIT_OK:
            break
    assert documents[-1]["complete"]
    assert sum(document["bytes_new"] for document in documents) == 10 * 250_000
    restored(home, tmp_path / "out", errors.EXIT_OK)
    assert not compare(source, tmp_path / "out" / "docs", owners=False).differences


# Disks that fill up ------------------------------------------------------------------------------------


def with_small_disk(place: Path, size: str, *, keep: bool) -> tuple[str, ...]:
    """Run a command with a tmpfs of `size` on `place`, in a mount namespace that ends with it."""
    aside = place.with_name(place.name + "-aside")
    fill = f"cp -a '{aside}/.' '{place}/' && " if keep else ""
    if keep:
        shutil.copytree(place, aside, symlinks=True)
    mount = f"mount -t tmpfs -o size={size},mode=0700 tmpfs '{place}' && {fill}exec \"$@\""
    return ("unshare", "--mount", "sh", "-c", mount, "sh")


@pytest.mark.needs("mounts")
@pytest.mark.invariant("I7")
def test_a_full_staging_disk_ends_the_pull_and_nothing_committed_is_lost(
    vault: Vault, tmp_path: Path
) -> None:
    home = vault.box.copy(tmp_path / "home").root
    document = window(home, errors.EXIT_WARNINGS, with_small_disk(home / "staging", "1m", keep=False))
    assert (document["complete"], codes(document)) == (False, {errors.StagingFull.code})
    at_rest(home)
    assert window(home, errors.EXIT_OK)["complete"]


@pytest.mark.needs("mounts")
@pytest.mark.invariant("I7")
def test_a_full_drive_is_left_out_and_made_up_for_later(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "file").write_bytes(os.urandom(8_000_000))
    born(home, docs=source)
    before = with_small_disk(home / "bay" / "3", "900k", keep=True)
    document = window(home, errors.EXIT_WARNINGS, before)
    assert document["complete"]
    assert codes(document) == {errors.DriveFailed.code, errors.CommitDegraded.code}
    assert window(home, errors.EXIT_OK)["complete"]
    assert iwato("drive", "scrub", "--home", str(home)).status == errors.EXIT_OK
