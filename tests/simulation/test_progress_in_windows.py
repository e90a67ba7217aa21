"""Liveness: with what may fail failing, backups still happen (I15); and a run replays (I16)."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.errors import EXIT_WARNINGS, ConfigInvalid, DrivesTooFew, WindowEndedEarly
from appliance.ports import Birth
from appliance.service import keeper
from appliance.service.drive_phase import DrivePhase
from appliance.service.pulse import InlinePulse
from tests.depth import many
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Cut, Nobody, VirtualBox

RATE = 100_000  # bytes/s of the slow source
LARGE = 4_000_000  # bytes: more than two link halves of 12 s carry at that rate
WINDOWS_MAX = 8


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> tuple[VirtualBox, Path]:
    """A box whose window is too short for its source."""
    place = tmp_path_factory.mktemp("slow")
    source = place / "source"
    source.mkdir()
    for number in range(8):
        (source / f"f{number}").write_bytes(os.urandom(LARGE // 8))
    box = VirtualBox(place / "home")
    birth = Birth(
        drives=6,
        data_shards=4,
        holders=5,
        quorum=3,
        window="12:00:00-12:00:24 daily",
        sources=(("docs", str(source)),),
        link_rate=RATE,
    )
    box.appliance().create(birth, Nobody())
    return box, source


def windows_until_complete(box: VirtualBox) -> list[Mapping[str, object]]:
    """Every window's document until one is complete; at most WINDOWS_MAX."""
    found: list[Mapping[str, object]] = []
    for _ in range(WINDOWS_MAX):
        found.append(box.run_window())
        if found[-1]["complete"]:
            break
    return found


@pytest.mark.invariant("I15")
def test_a_source_larger_than_its_window_makes_progress_in_every_window(
    slow: tuple[VirtualBox, Path], tmp_path: Path
) -> None:
    box, source = slow[0].copy(tmp_path / "home"), slow[1]
    windows = windows_until_complete(box)
    assert len(windows) > 2
    assert windows[-1]["complete"]
    new = [int(str(window["bytes_new"])) for window in windows]
    assert all(new)
    assert sum(new) < LARGE * 1.1, "nothing is stored twice"
    identity = box.identity([1, 2, 3])
    assert not box.restore(box.snapshots()[-1], identity, tmp_path / "out", (1, 2, 3, 4))
    assert not virtual_box.same(source, tmp_path / "out")


@pytest.mark.planted
@pytest.mark.invariant("I15")
def test_a_box_that_always_stops_ten_seconds_early_is_caught(
    slow: tuple[VirtualBox, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FINISH_S_MIN", 11)
    windows = windows_until_complete(slow[0].copy(tmp_path / "home"))
    assert not windows[-1]["complete"]


@pytest.mark.invariant("I15")
@pytest.mark.parametrize("lost", [(bay,) for bay in range(3, many(4, 7))], ids=str)
def test_with_one_drive_gone_a_snapshot_commits_and_the_drive_is_filled_when_it_returns(
    vault: Vault, tmp_path: Path, lost: tuple[int, ...]
) -> None:
    box = vault.box.copy(tmp_path / "home")
    for bay in lost:
        shutil.move(box.home.bay(bay), tmp_path / f"bay-{bay}")
    window = box.run_window()
    assert window["complete"]
    assert any(item["code"] == "IW-3002" for item in window["warnings"])  # type: ignore[attr-defined]
    for bay in lost:
        shutil.move(tmp_path / f"bay-{bay}", box.home.bay(bay))
    assert not box.run_window()["warnings"]
    others = tuple(bay for bay in range(1, 7) if bay not in lost)[:3]
    assert not box.restore(box.snapshots()[-1], vault.identity, tmp_path / "out", (*lost, *others))
    assert not virtual_box.same(vault.source, tmp_path / "out")


@pytest.mark.invariant("I15")
def test_with_two_drives_gone_nothing_is_committed_and_nothing_is_lost_when_one_returns(
    vault: Vault, tmp_path: Path
) -> None:
    """Two losses are survived (n-k = 2), but five of six must hold what is new (05-settled 8)."""
    box = vault.box.copy(tmp_path / "home")
    for bay in (2, 5):
        shutil.move(box.home.bay(bay), tmp_path / f"bay-{bay}")
    with pytest.raises(DrivesTooFew):
        box.run_window()
    assert not box.restore(box.snapshots()[-1], vault.identity, tmp_path / "old", (1, 3, 4, 6))
    shutil.move(tmp_path / "bay-2", box.home.bay(2))
    assert box.run_window()["complete"]
    assert not box.restore(box.snapshots()[-1], vault.identity, tmp_path / "new", (1, 2, 3, 4))
    assert not virtual_box.same(vault.source, tmp_path / "new")


def test_packs_that_were_committed_without_their_manifest_are_no_snapshot(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window names only what `copies list` and `restore` know."""
    box = vault.box.copy(tmp_path / "home")
    calls = iter([False])
    monkeypatch.setattr(DrivePhase, "stop", lambda _: next(calls, True))
    window = box.run_window()
    assert (window["snapshot"], window["exit"]) == (None, EXIT_WARNINGS)
    assert window["bytes_stored"]
    assert [item["code"] for item in window["warnings"]] == [WindowEndedEarly.code]  # type: ignore[attr-defined]
    assert len(box.snapshots()) == 1
    monkeypatch.undo()
    box.run_window()
    assert len(box.snapshots()) == 3


# I16 ------------------------------------------------------------------------------------------------


class Readings(Nobody):
    """What a bystander saw, without ciphertext."""

    def trace(self) -> list[tuple[object, ...]]:
        return [(r.phase, r.ordered, r.measured, r.unix_s, r.fault) for r in self.readings]


def trace_hash(vault: Vault, root: Path, seed: int) -> str:
    """Of one window: kinds of durable steps in their order as far as one thread makes them, what was
    seen, what was counted. Names of packs and drives are ciphertext's and are left out."""
    box, cut, seen = vault.box.copy(root), Cut(), Readings()
    document = box.appliance(cut, seed).run_window(seen)
    steps = [label.split()[0] for label in cut.labels if label.startswith(("fram", "index"))]
    counted = [document[key] for key in ("complete", "bytes_read", "bytes_new", "link_s", "log_size")]
    kinds = sorted(label.split()[0] for label in cut.labels)
    return hashlib.sha256(repr((steps, kinds, seen.trace(), counted)).encode()).hexdigest()


@pytest.mark.invariant("I16")
def test_the_same_seed_gives_the_same_trace(vault: Vault, tmp_path: Path) -> None:
    assert trace_hash(vault, tmp_path / "a", 7) == trace_hash(vault, tmp_path / "b", 7)


@pytest.mark.planted
@pytest.mark.invariant("I16")
def test_a_box_whose_work_depends_on_the_machines_clock_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trace_hash(vault, tmp_path / "a", 7)

    def jittery(self: InlinePulse, duration_ms: int) -> None:
        waited(self, duration_ms + 200 + 8 * os.urandom(1)[0])

    waited = InlinePulse.wait
    monkeypatch.setattr(InlinePulse, "wait", jittery)
    assert trace_hash(vault, tmp_path / "b", 7) != first


def test_settings_of_the_administrator_change_the_size_and_not_what_comes_back(
    vault: Vault, tmp_path: Path
) -> None:
    box = vault.box.copy(tmp_path / "home")
    (box.root / "config.toml").write_text("[intake]\ncompression = 19\nchunk_kib = 256\nworkers = 1\n")
    assert box.run_window()["complete"]
    assert not box.restore(box.snapshots()[-1], vault.identity, tmp_path / "out", (1, 2, 3, 4))
    assert not virtual_box.same(vault.source, tmp_path / "out")
    (box.root / "config.toml").write_text("[intake]\nworkers = 0\n")
    with pytest.raises(ConfigInvalid):
        box.run_window()
