"""Targets that are too small, and lists of files that come to more than anybody said.

A short list may name one chunk a million times. A restore says so before it writes, whatever the ledger
said; and it refuses nothing that fits.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from appliance.domain.file_entry import ChunkRef, Extent
from appliance.domain.ids import PackId
from appliance.errors import TargetTooSmall, TargetUnusable
from appliance.format.ledger_entry import Seal, SourcePart
from appliance.service.room import Room
from appliance.service.selection import Selection
from tests.unit.restore_bench import DOCS, ROOT, Vault, file, target

PART_BYTES = 200_000

pytestmark = pytest.mark.needs("root")


@pytest.fixture
def parts(tmp_path: Path) -> Vault:
    """Four files that do not fit into the small file system together."""
    vault = Vault(tmp_path / "vault")
    content = (os.urandom(PART_BYTES) for _ in range(4))
    vault.list_files([ROOT, *(file(b"%d" % i, *vault.chunks(each)) for i, each in enumerate(content))])
    return vault


def bomb(vault: Vault, times: int) -> ChunkRef:
    """A list of a few bytes that comes to `times` chunks of a quarter megabyte."""
    (ref,) = vault.chunks(os.urandom(250_000))
    vault.list_files([ROOT, *(file(b"%d" % i, *[ref] * (times // 4)) for i in range(4))])
    return ref


def saying(seal: Seal, size: int) -> Seal:
    """What a box that lies would have written into the ledger."""
    part = SourcePart(name=DOCS, complete=True, files=0, bytes=size)
    return msgspec.structs.replace(seal, sources=(part,))


def lists_read(vault: Vault) -> int:
    """How often its one list of files was read."""
    return vault.opened.count(PackId(bytes.fromhex(vault.segments[0])))


def test_a_target_that_is_too_small_is_refused_before_anything_is_written(
    parts: Vault, mounted: Path
) -> None:
    made = target(mounted)
    with pytest.raises(TargetTooSmall, match=f"IW-1020.*{4 * PART_BYTES}"):
        parts.restore(made)
    made.close()
    assert os.listdir(mounted) == []


def test_a_part_that_fits_is_restored_from_a_snapshot_that_does_not(parts: Vault, mounted: Path) -> None:
    assert not parts.restore(target(mounted), Selection(subtree=b"2")).failed
    assert (mounted / "docs" / "2").stat().st_size == PART_BYTES


def test_holes_need_no_room(mounted: Path, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    extent = Extent(offset=5 << 30, chunks=tuple(vault.chunks(b"an island")))
    vault.list_files([ROOT, replace(file(b"sparse"), size=6 << 30, extents=(extent,))])
    assert not vault.restore(target(mounted)).failed
    assert (mounted / "docs" / "sparse").stat().st_size == 6 << 30


@pytest.mark.parametrize("said", [0, 1, 250_000, 1 << 50])
def test_a_list_that_comes_to_gigabytes_is_not_begun_whatever_the_ledger_says(
    mounted: Path, tmp_path: Path, said: int
) -> None:
    vault = Vault(tmp_path / "vault")
    bomb(vault, 40_000)
    made = target(mounted)
    with pytest.raises(TargetTooSmall, match=str(40_000 * 250_000)):
        vault.restore(made, snapshot=saying(vault.snapshot(), said))
    made.close()
    assert sum(path.stat().st_blocks for path in mounted.rglob("*") if path.is_file()) <= 8


def test_a_ledger_that_said_too_little_keeps_nothing_back_that_fits(mounted: Path, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    vault.list_files([ROOT, *(file(b"%d" % i, *vault.chunks(os.urandom(1000))) for i in range(20))])
    assert not vault.restore(target(mounted), snapshot=saying(vault.snapshot(), 1)).failed
    assert len(os.listdir(mounted / "docs")) == 20
    assert lists_read(vault) == 2


def test_where_there_is_room_the_lists_are_read_once(parts: Vault, tmp_path: Path) -> None:
    parts.restore(target(tmp_path / "out"))
    assert lists_read(parts) == 1


def test_what_an_interrupted_restore_wrote_is_not_asked_for_again(parts: Vault, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=1m", str(mounted)], check=True)
    parts.restore(target(mounted))
    (mounted / "docs" / "3").unlink()
    assert not parts.restore(target(mounted, resume=True)).failed
    assert (mounted / "docs" / "3").stat().st_size == PART_BYTES


@pytest.mark.planted
def test_a_restore_that_believes_the_ledger_fills_the_target_and_is_caught(
    mounted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Room, "take", lambda _self, _content, _written: None)
    vault = Vault(tmp_path / "vault")
    bomb(vault, 40)
    made = target(mounted)
    with pytest.raises(TargetUnusable, match="No space left"):
        vault.restore(made, snapshot=saying(vault.snapshot(), 1))
    made.close()
