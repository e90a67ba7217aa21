"""Scrub finds every flipped bit, repairs to a new file, says so in the ledger, and is clean afterwards."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import DriveBlank, DriveForeign
from appliance.format import ledger_entry
from appliance.format.shard import ShardName
from appliance.service.scrub import Progress, Scrubber
from tests import depth
from tests.simulation.sealing_bench import (
    Bench,
    PowerCut,
    StillClock,
    assert_nothing_overwritten,
    other_vault,
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.stage([30_000, 9_000])
    assert bench.boot().seal().recycled
    return bench


def packs(bench: Bench) -> list[PackId]:
    return list(bench.boot().catalogue().facts)


def path_of(bench: Bench, index: int, pack: PackId, revision: int = 0) -> Path:
    return bench.bay(index + 1) / ShardName(pack=pack, index=DriveIndex(index), revision=revision).path


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << (position % 8)
    path.write_bytes(content)


def newest_scrub(bench: Bench) -> ledger_entry.Scrub:
    entry = list(bench.boot().ledger.history.entries())[-1][1]
    assert isinstance(entry, ledger_entry.Scrub)
    return entry


def test_an_undamaged_vault_is_clean_and_the_ledger_says_so(bench: Bench) -> None:
    before = bench.drive_files()
    report = bench.boot().scrub()
    assert (report.outcome, report.exit_status, report.packs) == ("clean", 0, 3)
    entry = newest_scrub(bench)
    assert [part.drive for part in entry.drives] == list(range(6))
    assert {(part.blocks, part.bad, part.missing) for part in entry.drives} == {(6, 0, 0)}
    assert_nothing_overwritten(before, bench.drive_files())


@pytest.mark.invariant("I8", "I9")
@pytest.mark.clause("FORMAT 5.6")
def test_a_flipped_bit_is_found_repaired_beside_the_old_file_and_clean_afterwards(bench: Bench) -> None:
    pack = packs(bench)[0]
    flip(path_of(bench, 3, pack), 1234)
    before = bench.drive_files()
    report = bench.boot().scrub()
    assert (report.outcome, report.exit_status) == ("repaired", 3)
    assert report.repaired == [ShardName(pack=pack, index=DriveIndex(3), revision=1)]
    assert report.drives[DriveIndex(3)].bad == 1
    assert_nothing_overwritten(before, bench.drive_files())
    assert newest_scrub(bench).repaired == (ledger_entry.Placement(drive=3, pack=pack.hex(), revision=1),)
    again = bench.boot().scrub()
    assert (again.outcome, again.exit_status) == ("clean", 0)
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


def test_every_position_class_of_a_shard_is_read(bench: Bench) -> None:
    pack = packs(bench)[1]
    path = path_of(bench, 0, pack)
    length = path.stat().st_size
    positions = [0, 2000, 4095, 4096, *range(length - 4096, length, depth.many(1000, 100)), length - 1]
    for revision, position in enumerate(positions):
        flip(path_of(bench, 0, pack, revision), position)
        report = bench.boot().scrub()
        assert report.outcome == "repaired", position
    assert bench.boot().scrub().outcome == "clean"


@pytest.mark.parametrize("change", ["longer", "shorter", "empty", "gone", "folder"])
def test_a_shard_of_another_length_or_none_is_repaired(bench: Bench, change: str) -> None:
    path = path_of(bench, 5, packs(bench)[2])
    content = path.read_bytes()
    path.unlink()
    if change == "folder":
        path.mkdir()
    elif change != "gone":
        path.write_bytes({"longer": content + bytes(4096), "shorter": content[:-1], "empty": b""}[change])
    report = bench.boot().scrub()
    assert report.outcome == "repaired"
    assert bench.boot().scrub().outcome == "clean"


def test_damage_on_two_drives_is_repaired_on_both(bench: Bench) -> None:
    for pack in packs(bench):
        flip(path_of(bench, 0, pack), 7)
        flip(path_of(bench, 4, pack), 8)
    report = bench.boot().scrub()
    assert len(report.repaired) == 6
    assert bench.boot().scrub().outcome == "clean"


@pytest.mark.invariant("I9")
def test_damage_beyond_repair_names_the_pack_and_its_snapshot_and_repairs_the_rest(bench: Bench) -> None:
    lost, whole = packs(bench)[0], packs(bench)[1]
    for index in range(3):
        flip(path_of(bench, index, lost), 100)
    flip(path_of(bench, 0, whole), 100)
    before = bench.drive_files()
    report = bench.boot().scrub()
    assert (report.outcome, report.exit_status) == ("unrepaired", 1)
    (snapshot,) = {seal.snapshot for seal in bench.boot().catalogue().seals.values()}
    assert report.lost == {lost: (snapshot,)}
    assert sorted(report.unrepaired) == [(index, lost) for index in range(3)]
    assert [name.pack for name in report.repaired] == [whole]
    assert {loss.drive for loss in newest_scrub(bench).unrepaired} == {0, 1, 2}
    assert_nothing_overwritten(before, bench.drive_files())
    bench.assert_readable(bench.boot(), [whole])


def test_a_pack_of_which_nothing_is_left_is_lost_and_said(bench: Bench) -> None:
    lost = packs(bench)[0]
    for index in range(6):
        path_of(bench, index, lost).unlink()
    report = bench.boot().scrub()
    assert list(report.lost) == [lost]
    assert report.exit_status == 1


def test_a_missing_drive_is_unrepaired(bench: Bench) -> None:
    report = bench.boot(only=[1, 2, 3, 4, 5]).scrub()
    assert (report.outcome, report.missing_drives) == ("unrepaired", (5,))
    assert [part.drive for part in newest_scrub(bench).drives] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("make", ["foreign", "blank"])
def test_a_foreign_or_blank_drive_is_reported_and_not_touched(bench: Bench, make: str) -> None:
    shutil.rmtree(bench.bay(6))
    bench.bay(6).mkdir()
    if make == "foreign":
        bench.prepare(6, DriveIndex(5), other_vault(bench.set))
    before = sorted(bench.bay(6).rglob("*"))
    report = bench.boot().scrub()
    assert report.outcome == "unrepaired"
    assert isinstance(report.findings[0], DriveForeign if make == "foreign" else DriveBlank)
    assert sorted(bench.bay(6).rglob("*")) == before


def test_a_prepared_blank_drive_is_filled_by_scrub(bench: Bench) -> None:
    shutil.rmtree(bench.bay(6))
    bench.bay(6).mkdir()
    bench.prepare(6, DriveIndex(5))
    report = bench.boot().scrub()
    assert report.outcome == "repaired"
    assert report.drives[DriveIndex(5)].missing == 3
    assert bench.boot().scrub().outcome == "clean"
    bench.assert_readable(bench.boot(only=[1, 2, 3, 6]))


def test_a_repair_that_was_cut_before_it_was_recorded_is_recorded_by_the_next_scrub(bench: Bench) -> None:
    pack = packs(bench)[0]
    flip(path_of(bench, 2, pack), 9)
    booted = bench.boot()
    began = len(bench.supply.steps)
    bench.supply.left = 1_000_000
    booted.scrub()
    steps = bench.supply.steps[began:]
    flip(path_of(bench, 2, pack, 1), 9)
    bench.supply.left = next(number for number, step in enumerate(steps) if "ledger/" in step)
    with pytest.raises(PowerCut):
        bench.boot().scrub()
    bench.supply.left = None
    assert path_of(bench, 2, pack, 2).is_file()
    report = bench.boot().scrub()
    assert report.repaired == [ShardName(pack=pack, index=DriveIndex(2), revision=2)]
    assert not path_of(bench, 2, pack, 3).exists()
    assert bench.boot().scrub().outcome == "clean"


@pytest.mark.parametrize("stride", [depth.many(13, 1)])
def test_power_cut_at_every_step_of_a_repair_ends_in_a_clean_vault(tmp_path: Path, stride: int) -> None:
    for cut in range(0, 200, stride):
        bench = Bench(tmp_path / str(cut))
        bench.stage([9_000])
        bench.boot().seal()
        pack = packs(bench)[0]
        flip(path_of(bench, 2, pack), 9)
        before = bench.drive_files()
        bench.supply.left = cut
        try:
            bench.boot().scrub()
            finished = True
        except PowerCut:
            finished = False
        bench.supply.left = None
        bench.boot().scrub()
        assert bench.boot().scrub().outcome == "clean", cut
        assert_nothing_overwritten(before, bench.drive_files())
        bench.assert_readable(bench.boot(only=[2, 3, 4, 5]))
        shutil.rmtree(bench.root)
        if finished:
            return
    raise AssertionError("a repair never ended")


def scrubber(bench: Bench, progress: Callable[[Progress], None]) -> tuple[Scrubber, StillClock]:
    booted, clock = bench.boot(), StillClock()
    return Scrubber(booted.drives, booted.code, booted.ledger, clock, progress), clock


def test_progress_tells_bytes_and_rate(bench: Bench) -> None:
    seen: list[Progress] = []

    def tell(progress: Progress) -> None:
        seen.append(progress)
        clock.sleep_ms(100)

    run, clock = scrubber(bench, tell)
    run.run(unix_s=bench.witness.now_s)
    total = sum(facts.size for facts in bench.boot().catalogue().facts.values())
    assert [progress.total for progress in seen] == [total] * 3
    assert seen[-1].done == total
    assert seen[-1].rate == total * 1000 // 200


def test_a_scrub_that_is_stopped_goes_on_where_it_was(bench: Bench) -> None:
    order = packs(bench)
    for pack in order:
        flip(path_of(bench, 1, pack), 3)
    calls = iter([False])
    run, _ = scrubber(bench, lambda _: None)
    first = run.run(unix_s=bench.witness.now_s, stop=lambda: next(calls, True))
    assert (first.packs, first.next_pack) == (1, order[1])
    run, _ = scrubber(bench, lambda _: None)
    rest = run.run(unix_s=bench.witness.now_s, begin=first.next_pack)
    assert (rest.packs, rest.next_pack) == (2, None)
    assert [name.pack for name in [*first.repaired, *rest.repaired]] == order
    assert bench.boot().scrub().outcome == "clean"


def test_a_scrub_that_is_to_go_on_at_an_unknown_pack_reads_everything(bench: Bench) -> None:
    run, _ = scrubber(bench, lambda _: None)
    assert run.run(unix_s=bench.witness.now_s, begin=PackId(bytes(32))).packs == 3


@pytest.mark.invariant("I9")
@pytest.mark.planted
@pytest.mark.parametrize("position", [10, -4000, -1])
def test_the_tests_catch_a_scrub_that_does_not_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    path = path_of(bench, 0, packs(bench)[0])
    flip(path, position % path.stat().st_size)
    monkeypatch.setattr("appliance.service.shard_writer.damaged_parts", lambda *_: 0)
    assert bench.boot().scrub().outcome == "clean"
    monkeypatch.undo()
    assert bench.boot().scrub().outcome == "repaired"


@pytest.mark.invariant("I8")
@pytest.mark.planted
def test_the_audit_catches_a_repair_in_place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = packs(bench)[0]
    flip(path_of(bench, 2, pack), 9)
    before = bench.drive_files()

    def in_place(*_: object) -> Sequence[ShardName]:
        flip(path_of(bench, 2, pack), 9)
        return ()

    monkeypatch.setattr("appliance.service.shard_repair.rebuild", in_place)
    bench.boot().scrub()
    with pytest.raises(AssertionError):
        assert_nothing_overwritten(before, bench.drive_files())
