"""Sealing on real directories: commit, roll forward, degraded sets, hostile staging, write-once."""

import errno
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.adapters.directory import ScratchDirectory
from appliance.domain.ids import Bay, PackId
from appliance.errors import BatchInvalid, DrivesTooFew, StagedBatchRefused, StateFailed
from appliance.format import age_file, batch, receipt, shard
from appliance.format.age_passphrase import PassphraseLock
from appliance.format.batch import StagedPack
from appliance.ledger import proof
from appliance.ports import Bytes, Files, Placing, Readable
from appliance.service import batch_log
from tests.simulation.sealing_bench import IDENTITY, Bench, PowerCut, assert_nothing_overwritten, pack_id

SMALL = [70_000, 5_000]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.clause("FORMAT 6.6")
def test_a_staged_window_is_committed_acknowledged_and_recycled(bench: Bench) -> None:
    record = bench.stage(SMALL)
    booted = bench.boot()
    report = booted.seal()
    (sealed,) = report.sealed
    assert sealed.entry.complete
    assert sealed.entry.drives == tuple(range(6))
    assert not sealed.entry.degraded
    assert [part.id for part in sealed.entry.packs] == [
        *(pack.id.hex() for pack in record.packs),
        record.segments[0].id.hex(),
    ]
    assert sealed.entry.segments == (record.segments[0].id.hex(),)
    assert bench.witness.memory.log.size == booted.ledger.history.size == 2
    assert report.recycled == [record.window]
    assert bench.staged() == {receipt.name(record.window, sealed.index)}
    size = sum(path.stat().st_size for path in (bench.root / "bay").rglob("shards/*/*"))
    assert report.bytes_stored == size
    bench.assert_readable(booted)


def test_the_receipt_proves_to_intake_what_the_witness_signed(bench: Bench) -> None:
    record = bench.stage(SMALL)
    booted = bench.boot()
    (sealed,) = booted.seal().sealed
    content = booted.staging.read(receipt.name(record.window, sealed.index), receipt.RECEIPT_BYTES_MAX)
    given = receipt.decode(content)
    assert receipt.encode(given) == content
    index, _ = proof.verify(given.proof, given.entry, bench.keys)
    assert index == sealed.index


def test_every_drive_carries_the_whole_ledger_and_the_newest_checkpoint(bench: Bench) -> None:
    bench.stage(SMALL)
    bench.boot().seal()
    for number in range(1, 7):
        assert len(list((bench.bay(number) / "ledger").iterdir())) == 2
        assert (bench.bay(number) / "checkpoints" / f"{2:016d}.checkpoint").is_file()


@pytest.mark.invariant("I8")
def test_many_windows_follow_one_another_and_all_stay_readable(bench: Bench) -> None:
    for size in (3_000, 4_300_000, 1):
        bench.stage([size])
        before = bench.drive_files()
        booted = bench.boot()
        assert booted.seal().sealed
        assert_nothing_overwritten(before, bench.drive_files())
    bench.assert_readable(bench.boot())
    assert set(bench.contents) == bench.committed(bench.boot())


def test_a_second_run_finds_nothing_to_do(bench: Bench) -> None:
    bench.stage(SMALL)
    bench.boot().seal()
    before = bench.drive_files()
    report = bench.boot().seal()
    assert (report.sealed, report.refused, report.stopped) == ([], [], False)
    assert bench.drive_files() == before


def test_an_incomplete_window_is_committed_and_says_so(bench: Bench) -> None:
    bench.stage(SMALL, complete=False)
    (sealed,) = bench.boot().seal().sealed
    assert not sealed.entry.complete
    assert sealed.entry.segments


# Degraded sets ----------------------------------------------------------------------------------------


def test_one_absent_drive_degrades_the_commit_and_is_made_up_for_from_staging(bench: Bench) -> None:
    record = bench.stage(SMALL)
    booted = bench.boot(only=[1, 2, 3, 5, 6])
    report = booted.seal()
    assert report.degraded
    assert report.sealed[0].entry.drives == (0, 1, 2, 4, 5)
    assert report.recycled == []
    assert batch.pack_name(record.packs[0].id) in bench.staged()

    report = bench.boot().seal()
    assert report.sealed == []
    assert report.recycled == [record.window]
    assert len(list((bench.bay(4) / "ledger").iterdir())) == 2
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


def test_fewer_drives_than_the_quorum_commit_nothing_and_keep_staging(bench: Bench) -> None:
    bench.stage(SMALL)
    staged = bench.staged()
    with pytest.raises(DrivesTooFew):
        bench.boot(only=[1, 2, 3, 4]).seal()
    assert bench.staged() == staged
    assert bench.witness.memory.log.size == 1
    assert bench.boot().seal().sealed


def test_a_blank_replacement_is_filled_from_the_other_drives(bench: Bench) -> None:
    bench.stage(SMALL)
    bench.boot().seal()
    shutil.rmtree(bench.bay(2))
    bench.bay(2).mkdir()
    bench.prepare(2, bench.boot().drives.missing[0])
    report = bench.boot().seal()
    assert len(report.healed.shards) == 3
    bench.assert_readable(bench.boot(only=[2, 4, 5, 6]))
    assert bench.boot().scrub().outcome == "clean"


class Failing:
    """ports.Files on which writes fail from a given number of written bytes on."""

    def __init__(self, files: Files, room: int, error: int) -> None:
        self._files, self.room, self._error = files, room, error

    def begin(self, name: str) -> Placing:
        return FailingPlacing(self, self._files.begin(name))

    def put(self, name: str, content: Bytes) -> None:
        self.take(len(content))
        self._files.put(name, content)

    def take(self, count: int) -> None:
        self.room -= count
        if self.room < 0:
            raise OSError(self._error, "planted")

    def read(self, name: str, limit: int) -> bytes:
        return self._files.read(name, limit)

    def read_direct(self, name: str) -> Readable:
        return self._files.read_direct(name)

    def open(self, name: str) -> Readable:
        return self._files.open(name)

    def exists(self, name: str) -> bool:
        return self._files.exists(name)

    def names(self, folder: str) -> Sequence[str]:
        return self._files.names(folder)

    def free_bytes(self) -> int:
        return self._files.free_bytes()


class FailingPlacing:
    def __init__(self, files: Failing, placing: Placing) -> None:
        self._files, self._placing = files, placing

    def pwrite(self, buffer: Bytes, offset: int) -> None:
        self._files.take(memoryview(buffer).nbytes)
        self._placing.pwrite(buffer, offset)

    def place(self, size: int, name: str | None = None) -> None:
        self._placing.place(size, name)

    def abandon(self) -> None:
        self._placing.abandon()

    def close(self) -> None:
        self._placing.close()


@pytest.mark.clause("FORMAT 6.5")
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("room", [0, 30_000, 60_000])
def test_a_drive_that_fails_ends_its_part_and_the_others_commit(
    tmp_path: Path, error: int, room: int
) -> None:
    bench = Bench(tmp_path)
    record = bench.stage([90_000, 90_000])
    bench.wrap = lambda bay, files: Failing(files, room, error) if bay == Bay(3) else files
    booted = bench.boot()
    report = booted.seal()
    assert report.sealed[0].entry.drives == (0, 1, 3, 4, 5)
    assert report.degraded
    assert booted.drives.failures
    bench.wrap = lambda _bay, files: files
    report = bench.boot().seal()
    assert report.recycled == [record.window]
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


def test_two_failing_drives_are_below_the_quorum_and_nothing_is_committed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.stage(SMALL)
    bench.wrap = lambda bay, files: Failing(files, 4000, errno.EIO) if bay in (2, 5) else files
    with pytest.raises(DrivesTooFew):
        bench.boot().seal()
    assert bench.witness.memory.log.size == 1
    bench.wrap = lambda _bay, files: files
    assert bench.boot().seal().sealed


class Lying(Failing):
    """Says that it wrote, and gives back other bytes."""

    def __init__(self, files: Files) -> None:
        super().__init__(files, 1 << 60, 0)

    def read_direct(self, name: str) -> Readable:
        honest = super().read_direct(name)
        return LyingReadable(honest) if name.startswith("shards/") else honest


class LyingReadable:
    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        self.size = readable.size

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        count = self._readable.pread_into(buffer, offset)
        if count:
            buffer[count // 2] ^= 0x10
        return count

    def close(self) -> None:
        self._readable.close()


def test_a_drive_that_gives_back_other_bytes_does_not_count_for_the_commit(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.stage(SMALL)
    bench.wrap = lambda bay, files: Lying(files) if bay == Bay(6) else files
    report = bench.boot().seal()
    assert report.sealed[0].entry.drives == (0, 1, 2, 3, 4)
    assert report.recycled == []


@pytest.mark.planted
def test_without_read_back_the_lying_drive_would_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    bench.stage(SMALL)
    bench.wrap = lambda bay, files: Lying(files) if bay == Bay(6) else files
    monkeypatch.setattr("appliance.service.pack_placing.read_back", lambda *_: True)
    report = bench.boot().seal()
    assert report.sealed[0].entry.drives == (0, 1, 2, 3, 4, 5)


# Time ------------------------------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 6.7")
def test_sealing_stops_at_a_pack_border_and_goes_on_in_the_next_window(bench: Bench) -> None:
    record = bench.stage([4_000] * 6)
    calls = iter([False, False, False])
    booted = bench.boot()
    report = booted.seal(stop=lambda: next(calls, True))
    assert report.stopped
    (partial,) = report.sealed
    assert (partial.entry.complete, partial.entry.segments) == (False, ())
    assert 0 < len(partial.entry.packs) < 7
    bench.assert_readable(booted)

    report = bench.boot().seal()
    (rest,) = report.sealed
    assert rest.entry.complete
    assert rest.entry.snapshot == partial.entry.snapshot
    assert len(rest.entry.packs) + len(partial.entry.packs) == 7
    assert report.recycled == [record.window]
    bench.assert_readable(bench.boot())


def test_no_time_at_all_commits_nothing(bench: Bench) -> None:
    bench.stage(SMALL)
    report = bench.boot().seal(stop=lambda: True)
    assert report.sealed == []
    assert report.stopped


# Hostile staging --------------------------------------------------------------------------------------


def refused(bench: Bench) -> StagedBatchRefused:
    """Seal: the window is refused and the ledger does not grow."""
    before, size = bench.drive_files(), bench.witness.memory.log.size
    report = bench.boot().seal()
    assert report.sealed == []
    assert bench.witness.memory.log.size == size
    assert_nothing_overwritten(before, bench.drive_files())
    return report.refused[0]


def test_a_pack_that_is_not_what_it_is_named_for_is_refused(bench: Bench) -> None:
    record = bench.stage(SMALL)
    path = bench.root / "staging" / batch.pack_name(record.packs[0].id)
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    assert "is not the pack" in str(refused(bench))


def test_a_pack_of_another_size_or_missing_is_refused(bench: Bench) -> None:
    record = bench.stage(SMALL)
    path = bench.root / "staging" / batch.pack_name(record.packs[1].id)
    path.write_bytes(path.read_bytes() + b"\0")
    assert "bytes, not" in str(refused(bench))
    record = bench.stage(SMALL)
    (bench.root / "staging" / batch.pack_name(record.packs[1].id)).unlink()
    assert "No such file" in str(refused(bench))


def sealed_to_a_passphrase(bench: Bench) -> bytes:
    lock = PassphraseLock("rain", entropy=bench.entropy, work_factor=2)
    return age_file.encrypt(b"x" * 9000, lock, bench.entropy)


def plaintext(_bench: Bench) -> bytes:
    return b"the books of the company\n" * 400


@pytest.mark.clause("FORMAT 2.8")
@pytest.mark.parametrize("make", [plaintext, sealed_to_a_passphrase])
def test_what_is_not_sealed_to_one_post_quantum_key_never_reaches_a_drive(
    bench: Bench, make: Callable[[Bench], bytes]
) -> None:
    record = bench.stage(SMALL)
    content = make(bench)
    name = pack_id(bench.geometry, content)
    (bench.root / "staging" / batch.pack_name(name)).write_bytes(content)
    others = bench.drive_files()
    bench.put_record(replace(record, packs=(StagedPack(id=name, size=len(content)), *record.packs)))
    assert "is not sealed to exactly one" in str(refused(bench)) or make is plaintext
    assert not [path for path in set(bench.drive_files()) - set(others) if name.hex() in path]


@pytest.mark.parametrize(
    "change",
    [
        {"begin_s": 1},
        {"begin_s": 1_900_000_000},
        {"window": 77},
    ],
)
def test_intake_cannot_date_its_snapshot_as_it_likes(bench: Bench, change: dict[str, int]) -> None:
    bench.stage(SMALL)
    bench.boot().seal()
    record = bench.stage(SMALL)
    (bench.root / "staging" / record.name).unlink()
    bench.put_record(replace(record, **change))  # type: ignore[arg-type]
    assert "window" in str(refused(bench))


def test_a_record_that_is_no_record_is_refused_and_the_next_window_is_sealed(bench: Bench) -> None:
    record = bench.stage(SMALL)
    (bench.root / "staging" / record.name).write_bytes(b"{}\n")
    assert record.name in str(refused(bench))
    bench.stage(SMALL)
    report = bench.boot().seal()
    assert len(report.sealed) == 1


def test_a_sealed_window_cannot_be_added_to_by_a_later_intake(bench: Bench) -> None:
    record = bench.stage(SMALL)
    bench.boot(only=[1, 2, 3, 4, 5]).seal()
    extra = bench.stage_file(b"x" * 5000)
    bench.put_record(replace(record, packs=(*record.packs, extra)))
    report = bench.boot().seal()
    assert report.sealed == []
    assert extra.id not in bench.committed(bench.boot())
    assert left_by_the_next_intake(bench) == set()
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


def left_by_the_next_intake(bench: Bench) -> set[str]:
    """What lies in staging, but for receipts, when the next intake has taken what no record names."""
    batch_log.recycle_orphans(ScratchDirectory(bench.root / "staging"))
    return {name for name in bench.staged() if not name.startswith("receipts/")}


def flip(bench: Bench, name: str) -> None:
    path = bench.root / "staging" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_window_that_was_refused_once_is_gone_and_the_next_intake_has_its_room(bench: Bench) -> None:
    record = bench.stage(SMALL)
    flip(bench, batch.pack_name(record.packs[0].id))
    assert "is not the pack" in str(refused(bench))
    assert left_by_the_next_intake(bench) == set()
    assert bench.boot().seal().refused == []
    bench.stage(SMALL)
    assert bench.boot().seal().sealed


def test_a_window_that_a_newer_one_has_overtaken_is_given_back(bench: Bench) -> None:
    older = bench.stage(SMALL)
    path = bench.root / "staging" / older.name
    path.unlink()
    bench.stage(SMALL)
    assert bench.boot().seal().sealed
    bench.put_record(older)
    report = bench.boot().seal()
    assert (report.sealed, report.refused) == ([], [])
    assert left_by_the_next_intake(bench) == set()


@pytest.mark.invariant("I7")
@pytest.mark.parametrize("harm", ["a pack that waits", "its record", "an overtaking window"])
def test_what_the_witness_acknowledged_of_a_window_stays_until_every_drive_holds_it(
    bench: Bench, harm: str
) -> None:
    most = [1, 2, 3, 5, 6]
    record = bench.stage([9_000, 8_000])
    calls = iter([False])
    (part,) = bench.boot(only=most).seal(stop=lambda: next(calls, True)).sealed
    acknowledged = {batch.pack_name(PackId(bytes.fromhex(pack.id))) for pack in part.entry.packs}
    if harm == "an overtaking window":
        kept = bench.root / "staging" / record.name
        kept.rename(bench.root / "aside")
        bench.stage(SMALL)
        assert bench.boot(only=most).seal().sealed
        (bench.root / "aside").rename(kept)
    else:
        flip(bench, record.name if harm == "its record" else batch.pack_name(record.segments[0].id))
    for _ in range(2):
        bench.boot(only=most).seal()
        with suppress(BatchInvalid):  # then an intake recycles nothing
            left_by_the_next_intake(bench)
        assert acknowledged < bench.staged()
    bench.boot().seal()
    assert left_by_the_next_intake(bench) == set()
    bench.assert_readable(bench.boot(only=[3, 4, 5, 6]))


def test_a_missing_record_in_the_middle_refuses_the_window(bench: Bench) -> None:
    record = bench.stage(SMALL)
    bench.put_record(replace(record, sequence=2))
    assert "lacks a record" in str(refused(bench))


def in_two_records(bench: Bench) -> list[batch.Batch]:
    """A window that intake described in two records."""
    whole = bench.stage([5_000, 6_000])
    first = replace(whole, packs=whole.packs[:1], segments=(), final=False, complete=False)
    rest = replace(whole, sequence=1, packs=whole.packs[1:])
    bench.put_record(first)
    bench.put_record(rest)
    return [first, rest]


def test_a_window_of_several_records_is_one_snapshot(bench: Bench) -> None:
    in_two_records(bench)
    report = bench.boot().seal()
    assert len(report.sealed) == 1
    assert len(report.sealed[0].entry.packs) == 3
    assert report.recycled == [1]


def test_a_cut_between_the_recycling_of_two_records_is_rolled_forward(bench: Bench) -> None:
    records = in_two_records(bench)
    bench.supply.until = f"unlink {records[1].name}"
    with pytest.raises(PowerCut):
        bench.boot().seal()
    bench.supply.left = None
    assert records[0].name in bench.staged()
    report = bench.boot().seal()
    assert (report.sealed, report.refused, report.recycled) == ([], [], [1])
    assert {name.split("/")[0] for name in bench.staged()} == {"receipts"}


@pytest.mark.parametrize("label", ["write receipts/", "unlink packs/"])
def test_a_staging_disk_that_fails_after_the_commit_loses_nothing(bench: Bench, label: str) -> None:
    """ENOSPC for the receipt, EIO for recycling: said, and made up for in the next drive half."""
    bench.stage(SMALL)

    def failing(step: str) -> None:
        if step.startswith(label):
            raise OSError(errno.ENOSPC, "planted")

    booted = bench.boot()
    booted.staging = ScratchDirectory(bench.root / "staging", steps=failing)
    report = booted.seal()
    assert len(report.sealed) == 1
    assert report.staging_failed is not None
    assert report.recycled == []
    report = bench.boot().seal()
    assert (report.sealed, report.recycled, report.staging_failed) == ([], [1], None)
    assert len([name for name in bench.staged() if name.startswith("receipts/")]) == 1


def test_nothing_is_witnessed_when_our_own_copy_of_the_ledger_cannot_be_written(bench: Bench) -> None:
    bench.stage(SMALL)
    booted = bench.boot()

    def full(step: str) -> None:
        raise OSError(errno.ENOSPC, "planted")

    booted.ledger._state = ScratchDirectory(bench.root / "state", steps=full)
    with pytest.raises(StateFailed):
        booted.seal()
    assert bench.witness.memory.log.size == 1
    assert bench.boot().seal().recycled == [1]


# Write-once ------------------------------------------------------------------------------------------


def test_a_damaged_shard_of_an_interrupted_run_is_written_anew_beside_the_old(bench: Bench) -> None:
    record = bench.stage(SMALL)
    pack = record.packs[0].id
    path = bench.bay(1) / shard.ShardName(pack=pack, index=bench.boot().drives.readable[0].index).path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"torn")
    before = bench.drive_files()
    assert bench.boot().seal().sealed[0].entry.drives == (0, 1, 2, 3, 4, 5)
    assert_nothing_overwritten(before, bench.drive_files())
    assert path.with_name(path.name + ".r1").is_file()
    bench.assert_readable(bench.boot(only=[1, 2, 3, 4]))


def test_whole_shards_of_an_interrupted_run_are_kept(bench: Bench) -> None:
    bench.stage(SMALL)
    bench.supply.left = None
    marker = len(bench.supply.steps)
    bench.boot(only=[1, 2, 3, 4, 5]).seal()
    first = bench.drive_files()
    bench.boot().seal()
    assert_nothing_overwritten(first, bench.drive_files())
    assert not list((bench.root / "bay").rglob("*.r1"))
    assert len(bench.supply.steps) > marker


@pytest.mark.invariant("I8")
@pytest.mark.planted
def test_the_audit_catches_a_changed_and_a_removed_file(bench: Bench) -> None:
    bench.stage(SMALL)
    bench.boot().seal()
    before = bench.drive_files()
    path = next((bench.root / "bay").rglob("shards/*/*"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(AssertionError):
        assert_nothing_overwritten(before, bench.drive_files())
    path.unlink()
    path.write_bytes(content)
    path.rename(path.with_name("elsewhere"))
    with pytest.raises(AssertionError):
        assert_nothing_overwritten(before, bench.drive_files())


def test_a_drive_offers_no_way_to_remove_or_replace(bench: Bench) -> None:
    files = bench.attached()[0].files
    assert not any(hasattr(files, name) for name in ("recycle", "replace", "sweep", "truncate", "unlink"))


def test_packs_are_opened_by_the_vaults_key_after_gathering(bench: Bench) -> None:
    record = bench.stage([12_345])
    booted = bench.boot()
    booted.seal()
    gathered = booted.gatherer().open(PackId(record.packs[0].id))
    assert len(age_file.decrypt(gathered.read(0, gathered.size), IDENTITY)) == 12_345
