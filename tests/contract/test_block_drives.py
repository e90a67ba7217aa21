"""Disks on the bays' ports: ours by their header are mounted and safely so, nothing else ever is."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import ToolMissing
from appliance.format import drive_header
from tests.contract.loop_bays import DISK_BYTES, HEADER, Bench, on_bench

pytestmark = pytest.mark.needs("block_disk")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def test_a_drive_with_our_header_is_mounted_and_work_on_it_is_real(place: Path) -> None:
    def work(bench: Bench) -> None:
        image = bench.bays.image("one")
        device = bench.bays.plug(3, image)
        (drive,) = bench.drives.attached()
        assert drive.bay == 3
        assert drive.files.read("IWATO-DRIVE", 4096) == HEADER
        drive.files.put("packs/one", b"content")
        bench.drives.close()
        bench.bays.unplug(device)
        bench.bays.plug(1, image)
        (again,) = bench.drives.attached()
        assert (again.bay, again.files.read("packs/one", 100)) == (1, b"content")
        assert bench.refused == []

    on_bench(place, work)


def test_a_mounted_drive_brings_no_devices_no_set_id_and_no_programs(place: Path) -> None:
    def work(bench: Bench) -> None:
        bench.bays.plug(1, bench.bays.image("one"))
        bench.drives.attached()
        (options,) = bench.bays.mounts()
        assert {"nodev", "nosuid", "noexec"} <= set(options.split(","))

    on_bench(place, work)


FOREIGN: dict[str, Callable[[Bench], Path]] = {
    "somebody else's header": lambda bench: bench.bays.image("x", header=b"theirs"),
    "no header": lambda bench: bench.bays.image("x", header=None, more=("mkdir photos",)),
    "blank": lambda bench: bench.bays.image("x", header=None),
    "header is a folder": lambda bench: bench.bays.image("x", header=None, more=("mkdir IWATO-DRIVE",)),
    "header is longer than any": lambda bench: bench.bays.image("x", header=HEADER * 500),
    "no file system": lambda bench: _raw(bench, b""),
    "noise": lambda bench: _raw(bench, os.urandom(1 << 20)),
}


def _raw(bench: Bench, content: bytes) -> Path:
    path = bench.bays.place / "images" / "raw"
    path.write_bytes(content.ljust(DISK_BYTES, b"\0"))
    return path


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_foreign_is_never_mounted_not_even_for_reading_and_is_said_once(
    place: Path, kind: str
) -> None:
    def work(bench: Bench) -> None:
        image = FOREIGN[kind](bench)
        before = image.read_bytes()
        bench.bays.plug(2, image)
        for _ in range(3):
            assert bench.drives.attached() == []
            assert bench.bays.mounts() == []
        assert [bay for bay, _ in bench.refused] == [2]
        assert image.read_bytes() == before

    on_bench(place, work)


def test_no_more_of_a_header_is_read_than_a_header_has(place: Path) -> None:
    def work(bench: Bench) -> None:
        bench.bays.plug(1, bench.bays.image("x", header=b"x" * (1 << 20)))
        bench.drives.attached()
        assert [len(header) for header in bench.asked] == [drive_header.HEADER_BYTES_MAX + 1]

    on_bench(place, work)


def test_a_blank_disk_is_mounted_only_for_a_job_that_may_make_a_drive_of_it(place: Path) -> None:
    def work(bench: Bench) -> list[int]:
        bench.bays.plug(1, bench.bays.image("blank", header=None))
        bench.bays.plug(2, bench.bays.image("photos", header=None, more=("mkdir photos",)))
        bench.bays.plug(3, _raw(bench, b""))
        return [drive.bay for drive in bench.drives.attached()]

    assert on_bench(place, work) == []
    assert on_bench(place, work, blank_too=True) == [1]


def test_a_header_of_ours_on_a_file_system_that_no_mount_takes_is_refused_with_the_reason(
    place: Path,
) -> None:
    def work(bench: Bench) -> None:
        image = bench.bays.image("x", more=("set_super_value feature_incompat 0x80000042",))
        bench.bays.plug(1, image)
        assert bench.drives.attached() == []
        assert len(bench.refused) == 1

    on_bench(place, work)


# Coming and going -----------------------------------------------------------------------------------------


def test_drives_come_in_the_order_in_which_they_came_up_whatever_their_names(place: Path) -> None:
    def work(bench: Bench) -> None:
        for bay in (4, 2, 6):
            bench.bays.plug(bay, bench.bays.image(str(bay)))
        assert [drive.bay for drive in bench.drives.attached()] == [4, 2, 6]

    on_bench(place, work)


def test_a_drive_stays_the_same_object_while_it_stays(place: Path) -> None:
    def work(bench: Bench) -> None:
        bench.bays.plug(1, bench.bays.image("one"))
        assert bench.drives.attached()[0] is bench.drives.attached()[0]
        assert len(bench.asked) == 1

    on_bench(place, work)


def test_every_handle_of_a_drive_that_has_gone_is_eio_also_when_it_has_come_back(place: Path) -> None:
    def work(bench: Bench) -> None:
        image = bench.bays.image("one")
        device = bench.bays.plug(1, image)
        old = bench.drives.attached()[0].files
        placing = old.begin("two")
        bench.bays.unplug(device)
        for back in (False, True):
            if back:
                placing.close()
                bench.drives.attached()  # which takes the old one out of sight, so that its device is free
                bench.bays.plug(1, image)
            acts: list[Callable[[], object]] = [
                lambda: old.read("IWATO-DRIVE", 100),
                lambda: old.exists("IWATO-DRIVE"),
                lambda: old.put("three", b""),
                old.free_bytes,
            ]
            for act in acts:
                with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
                    act()
                assert caught.value.errno == errno.EIO
        (new,) = bench.drives.attached()
        assert new.files.read("IWATO-DRIVE", 4096) == HEADER
        assert len(bench.bays.mounts()) == 1

    on_bench(place, work)


def test_a_node_that_leads_to_another_device_is_not_opened_for_it(place: Path) -> None:
    """A name was given away between two looks."""

    def work(bench: Bench) -> None:
        ours = bench.bays.image("ours")
        first = bench.bays.plug(1, ours)
        descriptor = bench.bays.plugged.pop(first)
        moved = replace(first, number=first.number + 1)
        bench.bays.plugged[moved] = descriptor
        assert bench.drives.attached() == []
        assert bench.asked == []

    on_bench(place, work)


def test_a_disk_that_goes_while_it_is_looked_at_is_not_mounted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(bench: Bench) -> None:
        bench.bays.plug(1, bench.bays.image("one"))
        monkeypatch.setattr(bench.bays, "is_there", lambda _: False)
        assert bench.drives.attached() == []
        assert bench.bays.mounts() == []

    on_bench(place, work)


def test_without_debugfs_nothing_is_mounted_and_an_error_says_why(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(bench: Bench) -> None:
        bench.bays.plug(1, bench.bays.image("one"))
        monkeypatch.setattr("shutil.which", lambda *_, **__: None)
        with pytest.raises(ToolMissing, match="IW-2124"):
            bench.drives.attached()
        assert bench.bays.mounts() == []

    on_bench(place, work)


@pytest.mark.planted
def test_an_adapter_that_mounts_before_it_knows_is_caught(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(bench: Bench) -> None:
        monkeypatch.setattr(type(bench.drives), "_refuse", lambda self, device, _: None)
        monkeypatch.setattr(bench.drives, "_judge", type(bench.drives._judge)(is_ours=lambda _: True))
        bench.bays.plug(2, FOREIGN["somebody else's header"](bench))
        bench.drives.attached()
        assert bench.bays.mounts()  # as the test above would see it

    on_bench(place, work)
