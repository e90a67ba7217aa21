"""Every subset of k drives gives every committed pack back byte-equal (I6), with damage and without."""

import errno
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, PackId
from appliance.errors import PackLost
from appliance.format import shard
from appliance.pipeline import galois
from appliance.ports import Files, Readable
from tests import depth
from tests.simulation.sealing_bench import Bench

SIZES = [4_400_000, 30_000, 1]  # a full stripe and a rest, a part of one, almost nothing


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("sealed"))
    bench.stage(SIZES)
    assert bench.boot().seal().recycled
    return bench


@pytest.mark.invariant("I6")
@pytest.mark.parametrize("bays", list(combinations(range(1, 7), 4)), ids=str)
def test_every_four_of_six_drives_give_everything_back(sealed: Bench, bays: Sequence[int]) -> None:
    sealed.assert_readable(sealed.boot(only=bays))


@pytest.mark.clause("FORMAT 5.9")
@pytest.mark.parametrize("bays", list(combinations(range(1, 7), 3))[:: depth.many(4, 1)], ids=str)
def test_three_of_six_drives_name_the_pack_and_give_nothing(sealed: Bench, bays: Sequence[int]) -> None:
    booted = sealed.boot(only=bays)
    pack = next(iter(booted.catalogue().facts))
    with pytest.raises(PackLost) as raised:
        sealed.assert_readable(booted, [pack])
    assert pack.hex() in str(raised.value)


@pytest.mark.parametrize(("data", "parity"), [(2, 1), (5, 3), *[(3, 3), (5, 2), (2, 4)][: depth.many(0, 3)]])
def test_every_k_of_n_drives_of_other_geometries_give_everything_back(
    tmp_path: Path, data: int, parity: int
) -> None:
    bench = Bench(tmp_path, Geometry(data=data, parity=parity, write_quorum=data + 1))
    bench.stage([2_200_000, 700])
    bench.boot().seal()
    for bays in combinations(range(1, bench.geometry.drives + 1), data):
        bench.assert_readable(bench.boot(only=bays))


@pytest.mark.clause("FORMAT 6.1")
def test_drives_in_other_bays_give_everything_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.stage([9_000])
    bench.boot().seal()
    for number in range(1, 7):
        bench.bay(number).rename(bench.root / "bay" / str(number + 100))
    for number in range(1, 7):
        (bench.root / "bay" / str(number + 100)).rename(bench.bay(7 - number))
    bench.assert_readable(bench.boot())
    assert bench.boot().scrub().outcome == "clean"


# Damage ----------------------------------------------------------------------------------------------


def shard_paths(bench: Bench, pack: PackId) -> list[Path]:
    """The shard file of `pack` in every bay, bay 1 first (drive 0 is in bay 1)."""
    return [
        bench.bay(number) / shard.folder_of(pack) / f"{pack.hex()}.{number - 1}"
        for number in range(1, bench.geometry.drives + 1)
    ]


def first_pack(bench: Bench) -> PackId:
    return next(iter(bench.boot().catalogue().facts))


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << (position % 8)
    path.write_bytes(content)


@pytest.mark.clause("FORMAT 5.8")
@pytest.mark.parametrize("lost", [(0, 1), (0, 5), (4, 5)])
def test_a_flipped_bit_in_every_part_of_two_shards_is_made_good(tmp_path: Path, lost: Sequence[int]) -> None:
    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    pack = first_pack(bench)
    for path in (shard_paths(bench, pack)[index] for index in lost):
        length = path.stat().st_size
        for position in (0, 5_000, length - 4096, length - 4000, length - 1):
            flip(path, position)
    booted = bench.boot()
    gatherer = booted.gatherer()
    gathered = gatherer.open(pack)
    assert gathered.read(0, gathered.size) == bench.contents[pack]
    assert {damage.drive for damage in gatherer.damages} <= set(lost)
    assert bool(gatherer.damages) == (min(lost) < 4)  # parity is not read where nothing is missing


def test_damage_in_different_blocks_of_every_drive_is_made_good(tmp_path: Path) -> None:
    """Six damaged drives, but never more than two in one stripe: located, not guessed."""
    bench = Bench(tmp_path)
    bench.stage([12_600_000])  # four stripes
    bench.boot().seal()
    pack = first_pack(bench)
    for number, path in enumerate(shard_paths(bench, pack)):
        flip(path, (number // 2) * (1 << 20) + 77)
    gatherer = bench.boot().gatherer()
    gathered = gatherer.open(pack)
    assert gathered.read(0, gathered.size) == bench.contents[pack]
    assert {(d.drive, d.stripe) for d in gatherer.damages} >= {(0, 0), (1, 0), (2, 1), (3, 1)}


def test_without_any_footer_the_columns_prove_themselves(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    pack = first_pack(bench)
    for path in shard_paths(bench, pack):
        flip(path, path.stat().st_size - 4000)
    bench.assert_readable(bench.boot())
    flip(shard_paths(bench, pack)[0], 5)
    with pytest.raises(PackLost):
        bench.assert_readable(bench.boot(), [pack])


@pytest.mark.parametrize("size", [0, 100, 4096, 9000])
def test_truncated_and_zeroed_shards_are_made_good(tmp_path: Path, size: int) -> None:
    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    paths = shard_paths(bench, first_pack(bench))
    paths[1].write_bytes(paths[1].read_bytes()[:size])
    paths[2].write_bytes(bytes(paths[2].stat().st_size))
    bench.assert_readable(bench.boot())


def test_shards_of_two_drives_that_were_exchanged_are_made_good(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    one, other = shard_paths(bench, first_pack(bench))[:2]
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    bench.assert_readable(bench.boot())


def test_any_range_of_a_pack_reads_as_of_the_whole(sealed: Bench) -> None:
    booted = sealed.boot()
    pack = max(booted.catalogue().facts, key=lambda pack: len(sealed.contents[pack]))
    gathered, whole = booted.gatherer().open(pack), sealed.contents[pack]
    for offset in (0, 1, 4_194_303, 4_194_304, len(whole) - 1, len(whole), len(whole) + 5):
        for length in (0, 1, 70_000, len(whole)):
            assert gathered.read(offset, length) == whole[offset : offset + length]
    gathered.close()


def test_a_pack_that_no_ledger_entry_names_is_not_read(sealed: Bench) -> None:
    with pytest.raises(PackLost):
        sealed.boot().gatherer().open(PackId(bytes(32)))


class Dead:
    """A drive that answers every read of a shard with EIO after it was opened."""

    def __init__(self, readable: Readable) -> None:
        self.size = readable.size
        self.close = readable.close

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        raise OSError(errno.EIO, "planted")


def test_drives_that_die_while_they_are_read_are_replaced_by_the_others(tmp_path: Path) -> None:
    from appliance.adapters.directory import Directory

    class Dying(Directory):
        def read_direct(self, name: str) -> Readable:  # type: ignore[override]
            return Dead(super().read_direct(name))

    def wrap(bay: Bay, files: Files) -> Files:
        return Dying(bench.bay(bay)) if bay in (1, 6) else files

    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    bench.wrap = wrap
    bench.assert_readable(bench.boot())


# Negative controls -----------------------------------------------------------------------------------


@pytest.mark.invariant("I6")
@pytest.mark.planted
def test_the_subset_test_catches_a_wrong_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: parity that cannot be inverted for one subset (two equal rows)."""
    right = galois.cauchy_matrix

    def wrong(data: int, parity: int) -> galois.Matrix:
        matrix = right(data, parity)
        return (*matrix[:-1], matrix[-2])

    monkeypatch.setattr(galois, "cauchy_matrix", wrong)
    bench = Bench(tmp_path)
    bench.stage([9_000])
    bench.boot().seal()
    bench.assert_readable(bench.boot(only=[1, 2, 3, 4]))
    with pytest.raises((ValueError, AssertionError)):
        bench.assert_readable(bench.boot(only=[1, 2, 5, 6]))


@pytest.mark.planted
def test_the_damage_tests_catch_a_reader_that_checks_no_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    bench.stage([30_000])
    bench.boot().seal()
    flip(shard_paths(bench, first_pack(bench))[0], 100)
    bench.assert_readable(bench.boot())
    monkeypatch.setattr(
        "appliance.service.pack_shards.PackShards._read_column",
        lambda self, stripe, column, index: self._files[index][0].read(column, stripe.shard_offset),
    )
    with pytest.raises(AssertionError):
        bench.assert_readable(bench.boot())
