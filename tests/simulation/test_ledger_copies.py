"""The ledger's copies: appended in order, healed from one another, never changed, never locked out."""

import os
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.directory import Directory
from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused, LedgerTampered
from appliance.format import ledger_entry, ledger_segment
from appliance.format.ledger_entry import PackPart
from appliance.format.ledger_segment import SEGMENT_BYTES_MAX, Segment
from appliance.format.note import NOTE_BYTES_MAX
from appliance.ledger import checkpoint, tree
from appliance.ledger.verdict import Kind
from appliance.service import ledger_folder
from tests import depth
from tests.simulation.sealing_bench import BEGAN_S, Bench, PowerCut, assert_nothing_overwritten


def note(number: int) -> ledger_entry.Note:
    return ledger_entry.Note(time=BEGAN_S + number, phase=Phase.SEAL, text=f"note {number}")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A box whose ledger has four entries: the birth and three notes."""
    bench = Bench(tmp_path)
    booted = bench.boot()
    for number in range(3):
        booted.ledger.append(note(number))
    return bench


def copies(bench: Bench) -> list[Path]:
    return [bench.root / "state", *(bench.bay(number) for number in range(1, 7))]


def segments(place: Path) -> list[Path]:
    return sorted((place / "ledger").iterdir())


def assert_whole(bench: Bench, size: int) -> None:
    """Every copy alone holds the whole ledger and its newest checkpoint."""
    for place in copies(bench):
        held = [ledger_segment.decode(path.read_bytes()) for path in segments(place)]
        assert {index for part in held for index in range(part.first, part.end)} >= set(range(size))
        assert (place / "checkpoints" / f"{size:016d}.checkpoint").is_file()


def test_an_entry_is_on_every_copy_with_its_checkpoint(bench: Bench) -> None:
    assert_whole(bench, 4)
    verdict = bench.boot().ledger.alarms
    assert verdict == []


def test_a_lagging_drive_is_healed(bench: Bench) -> None:
    booted = bench.boot(only=[1, 2, 3])
    booted.ledger.append(note(3))
    before = bench.drive_files()
    bench.boot()
    assert_whole(bench, 5)
    assert_nothing_overwritten(before, bench.drive_files())


@pytest.mark.parametrize("lost", [0, 1, 5])
def test_a_copy_that_lost_everything_is_healed(bench: Bench, lost: int) -> None:
    for folder in ("ledger", "checkpoints"):
        shutil.rmtree(copies(bench)[lost] / folder)
    bench.boot()
    assert_whole(bench, 4)


def test_a_damaged_segment_is_an_alarm_and_is_written_anew_beside_it(bench: Bench) -> None:
    path = segments(bench.bay(2))[1]
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    before = bench.drive_files()
    booted = bench.boot()
    assert {finding.where for finding in booted.ledger.alarms} == {"drive 2"}
    assert_nothing_overwritten(before, bench.drive_files())
    assert bench.boot().ledger.alarms == []


def checkpoint_of(place: Path, size: int, edition: int = 0) -> Path:
    return place / "checkpoints" / checkpoint.file_name(size, edition)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def notes(bench: Bench) -> list[str]:
    """The texts of the ledger's notes about its own copies."""
    entries = [entry for _, entry in bench.boot().ledger.history.entries()]
    found = [entry.text for entry in entries if isinstance(entry, ledger_entry.Note)]
    return [text for text in found if text.startswith("copies of the ledger")]


@pytest.mark.parametrize("places", [[0], [2], [1, 2, 3, 4, 5, 6]])
def test_damage_in_copies_is_said_once_for_each_and_stays_in_the_ledger(
    bench: Bench, places: list[int]
) -> None:
    for number in places:
        flip(segments(copies(bench)[number])[1])
    booted = bench.boot()
    assert [damage.where for damage in booted.ledger.damage] == [
        f"drive {number}" if number else "state" for number in places
    ]
    assert {(damage.count, damage.left) for damage in booted.ledger.damage} == {(2, 0)}
    assert bench.boot().ledger.damage == ()
    (text,) = notes(bench)
    assert all(f"drive {number}: 2" in text for number in places if number)
    assert text.endswith(f"copy damaged: {len(places)}, copy missing: {len(places)})")


def test_many_findings_on_every_copy_are_few_warnings_and_one_entry(bench: Bench) -> None:
    for place in copies(bench):
        for number in range(200):
            (place / "ledger" / f"x{number}\udcff.seg").write_bytes(b"planted")
    for number in range(1, 7):
        flip(segments(bench.bay(number))[1])
    booted = bench.boot()
    assert [damage.count > 200 for damage in booted.ledger.damage] == [True] * 6
    (text,) = notes(bench)
    assert len(text) < 400


def test_a_copy_that_lags_is_not_damaged(bench: Bench) -> None:
    bench.boot(only=[1, 2, 3]).ledger.append(note(3))
    assert bench.boot().ledger.damage == ()
    assert notes(bench) == []


def test_copies_that_lag_are_whole_before_the_damage_of_another_is_said(bench: Bench) -> None:
    bench.boot(only=[1, 2, 3]).ledger.append(note(3))
    flip(segments(bench.bay(2))[1])
    bench.supply.steps.clear()
    bench.boot()
    steps = [step for step in bench.supply.steps if "ledger/" in step]
    said = min(number for number, step in enumerate(steps) if "ledger/0000000000000005-" in step)
    filled = [number for number, step in enumerate(steps) if "ledger/0000000000000004-" in step]
    assert filled
    assert max(filled) < said


def test_power_cut_at_every_step_of_a_healing_never_hides_the_damage(tmp_path: Path) -> None:
    for cut in range(0, 200, depth.many(9, 1)):
        bench = Bench(tmp_path / str(cut))
        bench.boot().ledger.append(note(0))
        bench.boot(only=[1, 2, 3]).ledger.append(note(1))
        flip(segments(bench.bay(2))[1])
        bench.supply.left = cut
        try:
            bench.boot()
            finished = True
        except PowerCut:
            finished = False
        bench.supply.left = None
        booted = bench.boot()
        assert {damage.where for damage in booted.ledger.damage} <= {"drive 2"}
        assert notes(bench), cut
        assert bench.boot().ledger.alarms == []
        if finished:
            return
    raise AssertionError("a healing never ended")


@pytest.mark.clause("FORMAT 7.5")
@pytest.mark.invariant("I8")
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("places", [[0], [2], [0, 1, 2, 3, 4]])
def test_a_damaged_checkpoint_is_said_and_written_again_beside_it(
    bench: Bench, size: int, places: list[int]
) -> None:
    good = checkpoint_of(bench.bay(6), size).read_bytes()
    for number in places:
        flip(checkpoint_of(copies(bench)[number], size))
    before = bench.drive_files()
    booted = bench.boot()
    assert [damage.left for damage in booted.ledger.damage] == [0] * len(places)
    for number in places:
        assert checkpoint_of(copies(bench)[number], size, 1).read_bytes() == good
    assert_nothing_overwritten(before, bench.drive_files())
    held = bench.drive_files()
    again = bench.boot().ledger
    assert (again.alarms, again.damage) == ([], ())
    assert bench.drive_files() == held


def test_the_newest_checkpoint_damaged_on_every_copy_is_asked_for_again(bench: Bench) -> None:
    good = checkpoint_of(bench.bay(6), 4).read_bytes()
    for place in copies(bench):
        flip(checkpoint_of(place, 4))
    assert {damage.left for damage in bench.boot().ledger.damage} == {0}
    for place in copies(bench):
        assert checkpoint_of(place, 4, 1).read_bytes() == good
    assert bench.boot().ledger.alarms == []


def test_an_older_checkpoint_damaged_on_every_copy_stays_said(bench: Bench) -> None:
    for place in copies(bench):
        flip(checkpoint_of(place, 2))
    assert {damage.left for damage in bench.boot().ledger.damage} == {1}
    assert len(bench.boot().ledger.damage) == 7


@pytest.mark.planted
def test_the_tests_catch_a_healing_that_says_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.service.ledger_damage.of_copies", lambda *_: ())
    flip(segments(bench.bay(2))[1])
    bench.boot()
    assert notes(bench) == []
    assert bench.boot().ledger.alarms == []


def test_a_leaf_that_is_nowhere_any_more_is_an_alarm_and_a_gap_and_no_lock_out(bench: Bench) -> None:
    leaf = bench.witness.memory.log.last_leaf
    for place in copies(bench):
        segments(place)[-1].unlink()
    booted = bench.boot()
    assert [finding.kind for finding in booted.ledger.alarms][:1] == [Kind.ENTRY_MISSING]
    _, gap = list(booted.ledger.history.entries())[-1]
    assert isinstance(gap, ledger_entry.Gap)
    assert (gap.index, gap.leaf) == (3, leaf.hex())
    again = bench.boot().ledger
    assert again.alarms == []
    again.append(note(9))
    assert_whole(bench, 6)


def test_a_rolled_back_ledger_is_refused(bench: Bench) -> None:
    for place in copies(bench):
        for path in segments(place)[-2:]:
            path.unlink()
    with pytest.raises(LedgerTampered):
        bench.boot()


def test_an_altered_ledger_on_all_copies_is_refused(bench: Bench) -> None:
    for place in copies(bench):
        path = segments(place)[2]
        honest = ledger_segment.decode(path.read_bytes())
        other = ledger_entry.encode(note(77))
        forged = ledger_segment.encode(
            Segment(first=honest.first, root_before=honest.root_before, records=(other,))
        )
        path.unlink()
        (place / "ledger" / ledger_segment.name(forged)).write_bytes(forged)
    with pytest.raises(LedgerTampered):
        bench.boot()


def junk(place: Path, count: int, size: int) -> None:
    """Files of zeros under names of segments and of checkpoints, before all that is true."""
    for number in range(count):
        for path in (
            place / "ledger" / f"{0:016d}-{number:08x}.seg",
            place / "checkpoints" / f"{0:016d}-{number + 1}.checkpoint",
        ):
            path.touch()
            os.truncate(path, min(size, NOTE_BYTES_MAX) if "checkpoints" in path.parts else size)


def test_junk_of_many_gibibytes_on_one_drive_costs_one_file_of_memory_and_is_damage_of_that_copy(
    bench: Bench,
) -> None:
    junk(bench.bay(2), 200, SEGMENT_BYTES_MAX)
    tracemalloc.start()
    try:
        booted = bench.boot()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * SEGMENT_BYTES_MAX  # a file is copied twice while it is read
    assert {finding.where for finding in booted.ledger.alarms} == {"drive 2"}
    assert len(booted.ledger.alarms) >= 200
    assert booted.ledger.history.size == 5  # the fifth says what was damaged
    booted.ledger.append(note(5))


def test_no_more_of_a_copy_is_kept_than_its_budget_however_well_formed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = 10_000
    tight = replace(ledger_folder._SEGMENTS, read_max=budget)
    monkeypatch.setattr(ledger_folder, "_SEGMENTS", tight)
    for number in range(100):
        forged = Segment(first=0, root_before=bytes(32), records=(b"%0999d" % number,))
        content = ledger_segment.encode(forged)
        (bench.bay(2) / "ledger" / ledger_segment.name(content)).write_bytes(content)
    copy = ledger_folder.read_copy(Directory(bench.bay(2)), "drive 2")
    assert len(copy.segments) == 104
    assert 0 < sum(map(len, copy.segments.values())) <= budget
    booted = bench.boot()
    assert {finding.where for finding in booted.ledger.alarms} == {"drive 2"}
    assert booted.ledger.history.size == 5  # the fifth says what was damaged


def test_a_file_that_is_not_named_as_a_segment_is_damage_and_is_not_read(bench: Bench) -> None:
    (bench.bay(2) / "ledger" / "zebra.seg").write_bytes(segments(bench.bay(2))[1].read_bytes())
    copy = ledger_folder.read_copy(Directory(bench.bay(2)), "drive 2")
    assert copy.segments["zebra.seg"] == b""
    assert sum(map(bool, copy.segments.values())) == 4


def test_the_ledger_of_ten_years_fits_into_what_is_read_of_a_copy() -> None:
    pack = PackPart(id="a" * 64, size=64 << 20, parity="b" * 64)
    pack_bytes = len(msgspec.json.encode(pack)) + 1
    phases = 10 * 365 * 16
    assert 3_000_000 * pack_bytes <= ledger_folder.SEGMENTS_READ_MAX
    assert phases * 1000 + 2_600_000 * pack_bytes <= ledger_folder.SEGMENTS_READ_MAX
    assert phases * 1024 <= ledger_folder.CHECKPOINTS_READ_MAX


def plant_tail(bench: Bench, places: list[Path]) -> bytes:
    """An entry that nobody witnessed, as whoever held the drives could have added it."""
    history = bench.boot().ledger.history
    record = ledger_entry.encode(note(66))
    content = ledger_segment.encode(
        Segment(first=history.size, root_before=history.frontier.root(), records=(record,))
    )
    for place in places:
        (place / "ledger" / ledger_segment.name(content)).write_bytes(content)
    return record


@pytest.mark.parametrize("count", [1, 6])
def test_an_entry_planted_on_drives_while_they_were_away_is_never_witnessed(bench: Bench, count: int) -> None:
    record = plant_tail(bench, copies(bench)[1 : 1 + count])
    booted = bench.boot()
    assert record not in booted.ledger.history.records
    booted.ledger.append(note(5))
    assert bench.witness.memory.log.size == 5
    assert record not in bench.boot().ledger.history.records


def test_an_entry_that_a_cut_left_in_our_own_state_is_witnessed_with_the_same_bytes(bench: Bench) -> None:
    record = plant_tail(bench, copies(bench)[:1])
    booted = bench.boot()
    assert booted.ledger.history.records[-1] == record
    assert bench.witness.memory.log.last_leaf == tree.leaf_hash(record)
    assert_whole(bench, 5)


def test_after_the_state_was_lost_an_entry_on_a_quorum_of_drives_is_witnessed(bench: Bench) -> None:
    record = plant_tail(bench, copies(bench)[1:6])
    shutil.rmtree(bench.root / "state")
    (bench.root / "state").mkdir()
    assert bench.boot().ledger.history.records[-1] == record


@pytest.mark.invariant("I10")
def test_power_cut_at_every_step_of_an_append_ends_with_one_history(tmp_path: Path) -> None:
    for cut in range(0, 200, depth.many(9, 1)):
        bench = Bench(tmp_path / str(cut))
        bench.supply.left = cut
        try:
            bench.boot().ledger.append(note(1))
            finished = True
        except PowerCut:
            finished = False
        bench.supply.left = None
        acknowledged = bench.witness.memory.log.size
        size = bench.boot().ledger.history.size
        assert size >= acknowledged
        assert_whole(bench, size)
        sizes = [asked[0] for asked in bench.witness.asked]
        assert len({leaf for number, leaf in bench.witness.asked if number == max(sizes)}) == 1
        if finished:
            assert size == 2
            return
    raise AssertionError("an append never ended")


def test_without_any_drive_the_ledger_goes_on_in_our_own_state(bench: Bench) -> None:
    booted = bench.boot(only=[])
    booted.ledger.append(note(4))
    bench.boot()
    assert_whole(bench, 5)


def test_a_refusing_interlock_leaves_the_entry_to_be_witnessed_later(bench: Bench) -> None:
    booted = bench.boot()
    bench.boot().ledger.append(note(4))
    with pytest.raises(InterlockRefused):
        booted.ledger.append(note(5))  # a process with an old head
    assert bench.boot().ledger.history.size >= 5


@pytest.mark.invariant("I10")
@pytest.mark.planted
def test_the_tests_catch_a_start_that_adopts_whatever_a_drive_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = plant_tail(bench, copies(bench)[1:2])
    monkeypatch.setattr(
        "appliance.service.ledger_copies.LedgerCopies._adoptable",
        lambda _self, assembly, _labels: assembly.history.tail,
    )
    assert record in bench.boot().ledger.history.records
