"""The link half: everything arrives, nothing readable stays, and an early end costs only time."""

import errno
import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.dedup_index import SqliteIndex
from appliance.adapters.directory import ScratchDirectory
from appliance.adapters.local_source import LocalSource
from appliance.adapters.rate import Rate
from appliance.domain.file_entry import Kind
from appliance.domain.ids import PackId, SourceName
from appliance.errors import NetworkLost, SourceMissing, StagingFailed, StagingFull, TrustError
from appliance.format import age_header, age_recipient, batch, manifest, zstd_frame
from appliance.format.batch import StagedPack, StagedSegment
from appliance.format.manifest_record import End
from appliance.pipeline import chunk, flow
from appliance.service import batch_log, reading, staged_window
from appliance.service.crew import Crew
from appliance.service.intake import FULL_EVERY_S, Intake
from appliance.service.intake_given import IntakeSettings, Watch
from appliance.service.receipts import Told
from tests.depth import many
from tests.intake_bench import BIRTH_S, Box, VirtualClock
from tests.power_cut import Power, PowerCut

MIB = 1 << 20


def noise(length: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def plant(box: Box) -> None:
    """A small tree of everything that matters to a reader."""
    tree = box.tree
    (tree / "folder" / "deep").mkdir(parents=True)
    (tree / "empty").write_bytes(b"")
    (tree / "folder" / "text").write_bytes(b"a line of text\n" * 1000)
    (tree / "folder" / "same").write_bytes(b"a line of text\n" * 1000)
    (tree / "folder" / "deep" / "big").write_bytes(noise(3 * MIB + 17, 1))
    (tree / "flat").write_bytes(bytes(2 * MIB))
    (tree / "link").symlink_to("folder/text")
    os.link(tree / "folder" / "text", tree / "second")


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("data", [2, 4])
def test_everything_arrives_byte_equal(tmp_path: Path, threads: int, data: int) -> None:
    box = Box(tmp_path, threads=threads, data=data)
    plant(box)
    report = box.window()
    assert report.complete
    assert report.cause is None
    assert box.snapshot() == box.truth()
    listed = box.listed()
    assert listed[b"link"].target == b"folder/text"
    assert {listed[b"second"].kind, listed[b"folder/text"].kind} == {Kind.FILE, Kind.HARD_LINK}
    assert listed[b""].kind == Kind.DIRECTORY
    assert report.bytes_stored == box.pack_bytes()
    assert report.files == 6
    assert threading.active_count() == 1


def test_an_empty_source_gives_a_whole_list(box: Box) -> None:
    assert box.window().complete
    ((head, entries, end),) = box.segments()
    assert [entry.path for entry in entries] == [b""]
    assert end == End(last=True, entries=1, files=0, bytes=0)
    assert head.segment == 0


@pytest.mark.clause("FORMAT 4.7")
def test_the_list_ends_with_the_counts_of_the_whole_source(box: Box) -> None:
    plant(box)
    box.window()
    ends = [end for _, _, end in box.segments()]
    assert [end.last for end in ends] == [False] * (len(ends) - 1) + [True]
    entries = box.listed()
    sizes = sum(entry.size for entry in entries.values())
    assert ends[-1] == End(last=True, entries=len(entries), files=6, bytes=sizes)
    assert [head.segment for head, _, _ in box.segments()] == list(range(len(ends)))


def test_equal_content_is_stored_once(box: Box) -> None:
    content = noise(MIB, 2)
    for number in range(4):
        (box.tree / f"copy-{number}").write_bytes(content)
        (box.tree / f"small-{number}").write_bytes(content[:5000])
    report = box.window()
    assert report.bytes_read == 4 * (MIB + 5000)
    assert report.bytes_new == MIB + 5000
    assert box.snapshot() == box.truth()


@pytest.mark.clause("FORMAT 3.1")
@pytest.mark.clause("FORMAT 2.11")
def test_every_staged_file_has_one_post_quantum_stanza_and_is_named_by_its_content(box: Box) -> None:
    plant(box)
    box.window()
    for record in box.batches(1):
        for file in record.files:
            content = (box.home / "staging" / "packs" / f"{file.id.hex()}.age").read_bytes()
            assert len(content) == file.size
            age_recipient.require_single_pq_stanza(age_header.parse(content))


# Between windows ----------------------------------------------------------------------------------------


def test_an_unchanged_tree_is_not_read_again_once_it_was_acknowledged(box: Box) -> None:
    plant(box)
    first = box.window()
    box.acknowledge()
    second = box.window()
    assert first.bytes_read > 5 * MIB
    assert second.bytes_read == second.bytes_new == 0
    assert second.complete
    assert box.snapshot() == box.snapshot(number=1)


@pytest.mark.planted
def test_nothing_counts_before_the_witness_acknowledged_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the control: an index that lets unacknowledged packs count is seen to refer to them."""
    plant(box)
    first = box.window()
    second = box.window()
    assert second.bytes_new == first.bytes_new
    own = {pack.id for record in box.batches(2) for pack in record.packs}
    used = {ref.pack for e in box.listed().values() for x in e.extents for ref in x.chunks}
    assert used <= own
    open_index = Box.index

    def careless(self: Box) -> Any:
        index = open_index(self)
        index._acknowledged = set(index._packs)
        return index

    monkeypatch.setattr(Box, "index", careless)
    assert box.window().bytes_new == 0


def test_only_what_changed_is_pulled_and_only_what_is_new_is_stored(box: Box) -> None:
    plant(box)
    box.window()
    box.acknowledge()
    big = box.tree / "folder" / "deep" / "big"
    content = big.read_bytes()
    big.write_bytes(b"a few new bytes in front" + content)
    (box.tree / "new").write_bytes(b"new")
    report = box.window()
    assert report.bytes_read == len(content) + 24 + 3
    assert report.bytes_new < chunk.MAX_BYTES + 100
    assert box.snapshot() == box.truth()


def test_a_changed_attribute_alone_pulls_nothing_new(box: Box) -> None:
    plant(box)
    box.window()
    box.acknowledge()
    os.chmod(box.tree / "flat", 0o700)
    report = box.window()
    assert report.bytes_new == 0
    assert box.listed()[b"flat"].mode == 0o700


def test_a_full_snapshot_comes_by_itself_and_refers_to_nothing_older(box: Box) -> None:
    plant(box)
    first = box.window()
    assert first.full
    box.acknowledge()
    early = box.window(begin_s=first.window and BIRTH_S + 86_400 + FULL_EVERY_S - 1)
    assert not early.full
    late = box.window(begin_s=BIRTH_S + 86_400 + FULL_EVERY_S)
    assert late.full
    assert late.bytes_new == first.bytes_new
    own = {pack.id for record in box.batches(late.window) for pack in record.packs}
    assert {ref.pack for e in box.listed().values() for x in e.extents for ref in x.chunks} <= own


def test_a_destroyed_index_costs_one_full_intake_and_says_so(box: Box) -> None:
    plant(box)
    box.window()
    box.acknowledge()
    (box.home / "state" / "index.sqlite").write_bytes(noise(8192, 3))
    report = box.window()
    assert box.warnings
    assert report.complete
    assert report.full
    assert box.snapshot() == box.truth()


# An early end -------------------------------------------------------------------------------------------


def test_a_window_that_ends_early_goes_on_in_the_next_and_pulls_nothing_twice(box: Box) -> None:
    for number in range(12):
        (box.tree / f"file-{number:02d}").write_bytes(noise(700_000, number))
    clock = VirtualClock()
    box.rate = Rate(MIB, clock)
    reports = []
    for _ in range(12):
        reports.append(_short_window(box, clock, 2_500))
        box.acknowledge()
        if reports[-1].complete:
            break
    assert reports[-1].complete
    assert 3 <= len(reports) <= 6
    assert sum(report.bytes_read for report in reports) < 12 * 700_000 + len(reports) * MIB
    assert sum(report.bytes_new for report in reports) == 12 * 700_000
    assert all(report.cause is None for report in reports)
    assert box.snapshot() == box.truth()


def test_a_file_longer_than_a_window_arrives_over_several(box: Box) -> None:
    content = noise(12 * MIB, 5)
    (box.tree / "huge").write_bytes(content)
    clock = VirtualClock()
    box.rate = Rate(MIB, clock)
    windows = 0
    while not (report := _short_window(box, clock)).complete:
        windows += 1
        assert report.bytes_new > 0  # every window makes progress
        assert windows < 10
        box.acknowledge()
    assert windows >= 2
    assert box.snapshot() == {b"huge": content}


def _short_window(box: Box, clock: VirtualClock, duration_ms: int = 5_000) -> Any:
    ends_ms = clock.now_ms + duration_ms
    box.stop = lambda: clock.now_ms >= ends_ms
    return box.window()


def test_a_half_file_is_not_listed(box: Box) -> None:
    (box.tree / "huge").write_bytes(noise(12 * MIB, 5))
    clock = VirtualClock()
    box.rate = Rate(MIB, clock)
    assert not _short_window(box, clock).complete
    assert b"huge" not in box.listed()
    final = box.batches(1)[-1]
    assert final.final
    assert not final.complete


@pytest.mark.parametrize("threads", [0, 3])
def test_a_link_that_is_lost_ends_the_window_in_order(tmp_path: Path, threads: int) -> None:
    box = Box(tmp_path, threads=threads)
    for number in range(6):
        (box.tree / f"file-{number}").write_bytes(noise(MIB, number))
    asked = [0]

    def carrier() -> bool:
        asked[0] += 1
        return asked[0] < 12

    box.carrier = carrier
    report = box.window()
    assert isinstance(report.cause, NetworkLost)
    assert not report.complete
    assert 0 < report.files < 6
    assert box.snapshot().items() <= box.truth().items()
    box.carrier = lambda: True
    box.acknowledge()
    again = box.window()
    assert again.complete
    assert again.bytes_new + report.bytes_new == 6 * MIB
    assert box.snapshot() == box.truth()


def test_a_missing_source_does_not_keep_the_others_from_being_taken(box: Box) -> None:
    plant(box)
    report = box.window(box.source("gone", box.home / "nowhere"), box.source())
    assert isinstance(report.cause, SourceMissing)
    assert not report.complete
    assert [(s.name, s.complete) for s in report.sources] == [("gone", False), ("docs", True)]
    assert box.snapshot() == box.truth()
    assert [missing.values["source"] for missing in report.missing] == ["gone"]
    assert not box.batches(1)[-1].complete


def test_sources_are_taken_in_the_order_given(box: Box) -> None:
    plant(box)
    other = box.home / "other"
    other.mkdir()
    (other / "first").write_bytes(b"tier 0")
    assert box.window(box.source("keys", other), box.source()).complete
    assert next(head.source for head, _, _ in box.segments()) == "keys"
    assert box.content(box.listed("keys")[b"first"]) == b"tier 0"
    assert box.snapshot() == box.truth()


def test_a_window_is_taken_once(box: Box) -> None:
    plant(box)
    box.window(number=5)
    again = box.window(number=5)
    assert not again.complete
    assert again.bytes_read == 0
    assert box.batches(5)[-1].complete


# Files that move while they are read ---------------------------------------------------------------------


class Meddler(LocalSource):
    """A source in which somebody works: `meddle` is called at every opening of a file."""

    def __init__(self, box: Box, meddle: Any) -> None:
        super().__init__("docs", box.tree, carrier=lambda: True, wall_ns=lambda: 1 << 62)  # type: ignore[arg-type]
        self._meddle = meddle

    def open(self, entry: Any) -> Any:
        self._meddle(entry.path)
        file = super().open(entry)
        self._meddle(entry.path + b" opened")
        return file


@pytest.mark.parametrize("size", [1000, MIB])
def test_a_file_that_changed_once_is_read_again(box: Box, size: int) -> None:
    path = box.tree / "file"
    path.write_bytes(noise(size, 1))
    done: list[bytes] = []

    def meddle(what: bytes) -> None:
        if what == b"file opened" and not done:
            done.append(what)
            path.write_bytes(noise(size + 7, 2))

    report = box.window(Meddler(box, meddle))
    assert report.complete
    assert not report.unreadable
    assert not report.changed
    assert not box.listed()[b"file"].changed
    assert box.snapshot() == box.truth()


@pytest.mark.parametrize("size", [1000, MIB])
@pytest.mark.parametrize("shrinks", [False, True])
def test_a_file_that_keeps_changing_is_marked(box: Box, size: int, shrinks: bool) -> None:
    path = box.tree / "file"
    path.write_bytes(noise(size, 0))
    times = [0]

    def meddle(what: bytes) -> None:
        if what == b"file opened":
            times[0] += 1
            path.write_bytes(noise(size // 2 if shrinks else size, times[0]))
            os.utime(path, ns=(times[0], times[0]))
            if shrinks:
                os.truncate(path, size // 2 - times[0])

    report = box.window(Meddler(box, meddle))
    assert report.complete
    assert [path for _, path in report.changed] == [b"file"]
    entry = box.listed()[b"file"]
    assert entry.changed
    assert len(box.content(entry)) == entry.size
    box.acknowledge()
    again = box.window()
    assert not again.changed
    assert again.bytes_read > 0  # what may be inconsistent is never taken as known
    assert box.snapshot() == box.truth()


@pytest.mark.parametrize("becomes", ["nothing", "directory", "symlink", "fifo"])
def test_a_file_that_turns_into_something_else_is_reported(box: Box, becomes: str) -> None:
    for name in ("a", "file", "z"):
        (box.tree / name).write_bytes(b"content of " + name.encode())
    path = box.tree / "file"

    def meddle(what: bytes) -> None:
        if what == b"file":
            path.unlink(missing_ok=True)
            if becomes == "directory":
                path.mkdir()
            elif becomes == "symlink":
                path.symlink_to("/etc/passwd")
            elif becomes == "fifo":
                os.mkfifo(path)

    report = box.window(Meddler(box, meddle))
    assert [path for _, path, _ in report.unreadable] == [b"file"]
    assert box.snapshot() == {b"a": b"content of a", b"z": b"content of z"}
    assert box.batches(1)[-1].unreadable == 1


def test_a_further_name_of_a_file_that_could_not_be_read_is_reported_too(box: Box) -> None:
    (box.tree / "a").write_bytes(b"x")
    os.link(box.tree / "a", box.tree / "b")

    def meddle(what: bytes) -> None:
        if what == b"a":
            raise OSError(errno.EIO, "Input/output error")

    report = box.window(Meddler(box, meddle))
    assert [path for _, path, _ in report.unreadable] == [b"a", b"b"]
    assert set(box.listed()) == {b""}


# Secrets ------------------------------------------------------------------------------------------------

SENTINELS = (b"TOP-SECRET-CONTENT", b"secret-file-name", b"secret-folder", b"secret-attribute")


def plant_sentinels(box: Box) -> None:
    folder = box.tree / "secret-folder"
    folder.mkdir()
    for number in range(5):
        (folder / f"secret-file-name-{number}").write_bytes(b"TOP-SECRET-CONTENT" * 3000 + noise(MIB, number))
    (folder / "secret-file-name-small").write_bytes(b"TOP-SECRET-CONTENT")
    (box.tree / "link").symlink_to("secret-folder/secret-file-name-1")
    os.setxattr(box.tree / "secret-folder", b"user.note", b"secret-attribute")


def sentinels_below(home: Path) -> list[tuple[bytes, Path]]:
    found = []
    for path in (*(home / "staging").rglob("*"), *(home / "state").rglob("*")):
        text = os.fsencode(path) + (path.read_bytes() if path.is_file() else b"")
        found += [(sentinel, path) for sentinel in SENTINELS if sentinel in text]
    return found


@pytest.mark.invariant("I11")
def test_no_name_and_no_content_reaches_staging_or_the_box_s_memory(box: Box) -> None:
    plant_sentinels(box)
    assert box.window().complete
    assert sentinels_below(box.home) == []
    box.acknowledge()
    (box.tree / "secret-folder" / "secret-file-name-new").write_bytes(b"TOP-SECRET-CONTENT")
    assert box.window().complete
    assert sentinels_below(box.home) == []
    assert box.snapshot() == box.truth()


@pytest.mark.planted
@pytest.mark.invariant("I11")
def test_the_scan_catches_an_index_that_keeps_names(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.adapters import dedup_index

    plant_sentinels(box)
    monkeypatch.setattr(dedup_index.SqliteIndex, "leaf_key", lambda self, leaf: leaf)
    box.window()
    assert sentinels_below(box.home)


# Staging that fails -----------------------------------------------------------------------------------


def test_too_little_room_ends_the_intake_before_it_begins_a_pack(box: Box) -> None:
    plant(box)
    box.reserve_bytes = 1 << 60
    report = box.window()
    assert isinstance(report.cause, StagingFull)
    assert not report.complete
    assert report.bytes_read == 0
    assert box.batches(1)[-1].final
    box.reserve_bytes = 0
    assert box.window().complete


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize(("number", "cause"), [(errno.ENOSPC, StagingFull), (errno.EIO, StagingFailed)])
def test_a_failing_disk_ends_the_intake_and_the_next_one_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, number: int, cause: type[Exception]
) -> None:
    box = Box(tmp_path, threads=threads)
    for name in range(6):
        (box.tree / f"file-{name}").write_bytes(noise(2 * MIB, name))
    real, left = os.pwrite, [5 * MIB]

    def failing(descriptor: int, buffer: memoryview, offset: int) -> int:
        left[0] -= memoryview(buffer).nbytes
        if left[0] < 0:
            raise OSError(number, os.strerror(number))
        return real(descriptor, buffer, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing)
        report = box.window()
    assert isinstance(report.cause, cause)
    assert not report.complete
    assert threading.active_count() == 1
    assert box.window().complete
    assert box.snapshot() == box.truth()
    named = {f.id.hex() + ".age" for n in box.windows() for b in box.batches(n) for f in b.files}
    assert set(os.listdir(box.home / "staging" / "packs")) == named  # nothing lies about unnamed


def test_packs_that_no_record_names_are_recycled_before_the_next_window(box: Box) -> None:
    plant(box)
    box.window()
    for leaf in os.listdir(box.home / "staging" / "batches"):
        os.unlink(box.home / "staging" / "batches" / leaf)
    orphans = set(os.listdir(box.home / "staging" / "packs"))
    box.window()
    assert not orphans & set(os.listdir(box.home / "staging" / "packs"))
    assert box.snapshot() == box.truth()


def test_an_unreadable_record_keeps_everything_from_being_recycled(box: Box) -> None:
    plant(box)
    box.window()
    name = box.home / "staging" / "batches" / "00000001-0000.batch"
    name.write_bytes(b"{}")
    before = set(os.listdir(box.home / "staging" / "packs"))
    assert box.window().complete
    assert before <= set(os.listdir(box.home / "staging" / "packs"))
    assert "staging-odd" in box.log.names


def receipts_of(box: Box, verify: Any, log_size: int = 9) -> int:
    index = box.index()
    intake = Intake(
        sources=(), staging=box.staging, index=index, vault=None, watch=Watch(console=box.log),  # type: ignore[arg-type]
        settings=IntakeSettings(threads=0),
    )  # fmt: skip
    count = intake.accept_receipts(verify, log_size)
    index.close()
    return count


def test_a_receipt_that_holds_makes_its_packs_count_and_a_forged_one_does_not(box: Box) -> None:
    plant(box)
    box.window()
    packs = [PackId(pack.id) for record in box.batches(1) for pack in record.packs]
    box.staging.put("receipts/00000001-0000000000000000.receipt", b"good")
    box.staging.put("receipts/00000001-0000000000000001.receipt", b"forged")

    def verify(content: bytes) -> Told:
        if content != b"good":
            raise TrustError(detail="forged")
        return Told(size=9, stored=packs)

    assert receipts_of(box, verify) == len(packs)
    assert list(box.staging.names("receipts")) == ["00000001-0000000000000001.receipt"]
    assert "receipt-refused" in box.log.names
    assert box.window().bytes_new == 0


def test_a_receipt_from_beyond_the_interlocks_log_is_recycled_and_counts_nothing(box: Box) -> None:
    plant(box)
    box.window()
    packs = [PackId(pack.id) for record in box.batches(1) for pack in record.packs]
    box.staging.put("receipts/00000001-0000000000000000.receipt", b"good")
    assert receipts_of(box, lambda _: Told(size=9, stored=packs), log_size=8) == 0
    assert not box.staging.names("receipts")
    assert "receipt-refused" in box.log.names
    assert box.index().log_size == 0
    assert box.window().bytes_new > 0


def test_a_receipt_of_losses_stays_while_they_cannot_be_remembered(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.staging.put("receipts/00000000-0000000000000000.receipt", b"good")
    monkeypatch.setattr(SqliteIndex, "lose", lambda _self, _packs: False)
    receipts_of(box, lambda _: Told(size=1, lost=[PackId(bytes(32))]))
    assert box.staging.names("receipts")
    monkeypatch.undo()
    receipts_of(box, lambda _: Told(size=1, lost=[PackId(bytes(32))]))
    assert not box.staging.names("receipts")


def test_a_staging_disk_that_keeps_its_receipts_is_named(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.staging.put("receipts/00000001-0000000000000000.receipt", b"good")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(StagingFailed, match="Read-only"):
        receipts_of(box, lambda _: Told(size=1))


# Power ------------------------------------------------------------------------------------------------


def plant_little(box: Box) -> None:
    (box.tree / "a").mkdir()
    (box.tree / "a" / "small").write_bytes(b"small")
    (box.tree / "a" / "big").write_bytes(noise(400_000, 9))
    (box.tree / "z").write_bytes(noise(300_000, 10))


@pytest.fixture
def little_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs so small that even a small tree fills several."""
    monkeypatch.setattr(flow, "PACK_PLAIN_MAX", 350_000)


@pytest.mark.invariant("I7")
@pytest.mark.clause("FORMAT 4.8")
@pytest.mark.usefixtures("little_packs")
def test_a_power_cut_at_any_step_leaves_records_that_hold_and_a_box_that_goes_on(tmp_path: Path) -> None:
    counting = Box(tmp_path)
    plant_little(counting)
    counting.window()
    steps = len(counting.power.labels)
    assert len(counting.batches(1)) >= 3
    assert steps > 30
    for cut_at in range(1, steps + 1, many(3, 1)):
        home = tmp_path / f"cut-{cut_at}"
        home.mkdir()
        box = Box(home, power=Power(cut_at))
        plant_little(box)
        with pytest.raises(PowerCut):
            box.window()
        check_staging(box)
        box.power = Power()
        box.acknowledge()
        assert box.window(number=2).complete
        check_staging(box)
        assert box.snapshot() == box.truth()


def check_staging(box: Box) -> None:
    """Everything that a record names is there, whole, and opens."""
    box.power = Power()
    for number in box.windows():
        records = box.batches(number)
        assert [record.sequence for record in records] == list(range(len(records)))
        for record in records:
            for pack in record.packs:
                assert flow.PackReader(box.plaintext(pack.id)).table.slots
        box.snapshot(number)


@pytest.mark.planted
@pytest.mark.invariant("I7")
@pytest.mark.usefixtures("little_packs")
def test_the_power_cut_catches_a_record_that_is_written_too_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: a log that names a pack before it is durable is seen to leave a lie."""
    real = batch_log.BatchLog.write

    def early(self: Any, counts: Any, **how: Any) -> None:
        if how.get("final"):
            self.add_pack(StagedPack(id=PackId(b"?" * 32), size=1))
        real(self, counts, **how)

    monkeypatch.setattr(batch_log.BatchLog, "write", early)
    box = Box(tmp_path)
    plant_little(box)
    box.window()
    with pytest.raises(FileNotFoundError):
        check_staging(box)


# One file of many packs -------------------------------------------------------------------------------


def recorded(box: Box, number: int = 1) -> list[PackId]:
    return [pack.id for record in box.batches(number) for pack in record.packs]


def check_references(box: Box, number: int = 1) -> None:
    """No segment refers to a pack that only a later record names."""
    named: set[PackId] = set()
    for record in box.batches(number):
        named |= {pack.id for pack in record.packs}
        for segment in record.segments:
            plain = box.plaintext(segment.id)
            for entry in manifest.Reader([plain.read(0, plain.length)]):
                assert {ref.pack for extent in entry.extents for ref in extent.chunks} <= named


@pytest.mark.usefixtures("little_packs")
@pytest.mark.parametrize("threads", [0, 3])
def test_a_pack_is_named_while_the_file_that_filled_it_is_still_read(tmp_path: Path, threads: int) -> None:
    box = Box(tmp_path, threads=threads)
    (box.tree / "a").write_bytes(b"before it")
    (box.tree / "huge").write_bytes(noise(40 * MIB, 4))
    assert box.window().complete
    first = box.batches(1)[0]
    assert first.packs
    assert first.bytes_read < 40 * MIB
    assert max(len(record.packs) for record in box.batches(1)) < len(recorded(box))
    check_references(box)
    assert box.snapshot() == box.truth()


def test_of_a_file_that_the_power_ended_no_closed_pack_is_stored_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "PACK_PLAIN_MAX", reading.READ_BYTES)  # as in life, a job fills no two packs
    content = noise(48 * MIB, 4)
    (tmp_path / "uncut").mkdir()
    uncut = Box(tmp_path / "uncut")
    (uncut.tree / "huge").write_bytes(content)
    uncut.window()
    closed = [number for number, label in enumerate(uncut.power.labels, 1) if label.startswith("index add")]
    before = len(closed) // 2
    box = Box(tmp_path, power=Power(closed[before]))
    (box.tree / "huge").write_bytes(content)
    with pytest.raises(PowerCut):
        box.window()
    box.power = Power()
    assert len(recorded(box)) == before > 1
    kept = sum(
        slot.length for pack in recorded(box) for slot in flow.PackReader(box.plaintext(pack)).table.slots
    )
    box.acknowledge()
    report = box.window(number=2)
    assert report.complete
    assert report.bytes_new == len(content) - kept
    assert box.snapshot() == box.truth()


@pytest.mark.usefixtures("little_packs")
def test_a_disk_that_fails_to_take_a_record_is_not_taken_for_an_unreadable_file(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    (box.tree / "huge").write_bytes(noise(20 * MIB, 4))

    def failing(*_: Any, **__: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(batch_log.BatchLog, "write", failing)
    report = box.window()
    assert isinstance(report.cause, StagingFailed)
    assert report.unreadable == ()


def test_a_pack_that_is_closed_while_a_record_is_made_is_named_in_it(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    crews: list[Crew] = []

    class Known(Crew):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            crews.append(self)

    def due(self: batch_log.BatchLog) -> bool:
        if self._packs:
            crews[0]._lanes[0].flush()  # as another worker would at any moment
        return bool(self._packs)

    monkeypatch.setattr("appliance.service.intake.Crew", Known)
    monkeypatch.setattr(batch_log.BatchLog, "is_due", property(due))
    monkeypatch.setattr(flow, "PACK_PLAIN_MAX", 3 * MIB)  # a file ends in the middle of a pack
    for number in range(8):
        (box.tree / f"{number}").write_bytes(noise(2 * MIB, number))
    assert box.window().complete
    check_references(box)
    assert box.snapshot() == box.truth()


def names(count: int, kind: bytes) -> list[PackId]:
    return [PackId(kind + number.to_bytes(31, "big")) for number in range(count)]


@pytest.mark.clause("FORMAT 8.1")
def test_more_names_than_a_record_may_hold_go_into_several_packs_first(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "NAMES_MAX", 2)
    log = batch_log.BatchLog(box.staging, window=1, begin_s=BIRTH_S)
    packs, segments = names(5, b"p"), names(5, b"s")
    for pack in packs:
        log.add_pack(StagedPack(id=pack, size=1))
    for segment in segments:
        log.add_segment(StagedSegment(id=segment, size=1, source=SourceName("docs")))
    counts = batch_log.Counts(listed={SourceName("docs")})
    counts.begin(SourceName("docs"))
    log.write(counts, final=True, complete=True)
    ((_, window),) = staged_window.windows(ScratchDirectory(box.home / "staging"))
    assert isinstance(window, staged_window.StagedWindow)
    assert [file.id for file in window.files] == packs + segments
    assert [record.complete for record in window.records] == [False] * (len(window.records) - 1) + [True]
    assert [len(record.packs) for record in window.records if record.segments] == [1, 0, 0]


@pytest.mark.usefixtures("little_packs")
@pytest.mark.parametrize("threads", [0, 3])
def test_a_file_of_more_packs_than_a_record_may_name_is_accepted_by_sealing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(batch, "NAMES_MAX", 3)
    box = Box(tmp_path, threads=threads)
    (box.tree / "huge").write_bytes(noise(20 * MIB, 4))
    assert box.window().complete
    ((_, window),) = staged_window.windows(ScratchDirectory(box.home / "staging"))
    assert isinstance(window, staged_window.StagedWindow)
    assert window.complete
    assert len(window.files) > 10
    assert box.snapshot() == box.truth()


def test_the_records_of_the_longest_window_find_numbers(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million packs are 60 TB: more than three times the disks that this box was measured with."""
    log = batch_log.BatchLog(box.staging, window=1, begin_s=BIRTH_S)
    written: list[int] = []
    monkeypatch.setattr(type(box.staging), "put", lambda *_: written.append(1))
    monkeypatch.setattr(batch, "encode", lambda _: b"")
    pack = StagedPack(id=PackId(bytes(32)), size=1)
    for _ in range(1_000_000):
        log.add_pack(pack)
        if log.is_due:
            log.write(batch_log.Counts())
    assert len(written) <= batch.SEQUENCE_MAX


# Bounds -----------------------------------------------------------------------------------------------


def test_the_crew_works_with_five_buffers_however_much_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.service import buffers

    made = []
    real = buffers.aligned

    def counted(length: int) -> memoryview:
        made.append(length)
        return real(length)

    monkeypatch.setattr(buffers, "aligned", counted)
    box = Box(tmp_path, threads=3)
    for number in range(40):
        (box.tree / f"{number}").write_bytes(noise(MIB, number))
    assert box.window().complete
    assert made.count(reading.BUFFER_BYTES) == 5


def test_without_threads_two_runs_do_the_same_steps(tmp_path: Path) -> None:
    traces = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        box = Box(tmp_path / name)
        plant(box)
        box.window()
        traces.append([label.split(" ")[0] for label in box.power.labels])
    assert traces[0] == traces[1]


def test_a_frame_that_does_not_open_is_never_stored(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.errors import EncoderBroken

    plant(box)
    real = zstd_frame.Encoder.encode

    def broken(self: Any, raw: Any) -> bytes:
        frame = bytearray(real(self, raw))
        frame[-1] ^= 1
        return bytes(frame)

    monkeypatch.setattr(zstd_frame.Encoder, "encode", broken)
    with pytest.raises(EncoderBroken):
        box.window()
    assert box.windows() == []
