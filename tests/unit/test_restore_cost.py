"""What a restore reads from the drives, counted: a single file costs its own packs, and age costs nothing."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.directory import Directory
from appliance.adapters.readable_file import ReadableFile
from appliance.domain.file_entry import ChunkRef
from appliance.domain.geometry import BLOCK_BYTES
from appliance.domain.ids import PackId
from appliance.format import shard
from appliance.service import restore_files
from appliance.service.selection import Selection
from tests import depth
from tests.unit.restore_bench import GEOMETRY, ROOT, Vault, file, target

CHUNK_BYTES = 1 << 20
DAYS = depth.many(12, 100)


@dataclass
class Meter:
    """Shard files opened and bytes read of them, over all drives. Drives count while `running`."""

    bytes: int = 0
    shards: Counter[str] = field(default_factory=Counter)

    def folder(self, root: Path) -> Directory:
        meter = self

        class Metered(Directory):
            def read_direct(self, name: str) -> ReadableFile:
                meter.shards[f"{root.name}/{name}"] += 1
                readable = super().read_direct(name)
                pread_into = readable.pread_into

                def counted(buffer: memoryview, offset: int) -> int:
                    meter.bytes += buffer.nbytes
                    return pread_into(buffer, offset)

                setattr(readable, "pread_into", counted)  # noqa: B010 - a method of this one object
                return readable

        return Metered(root)

    def reset(self) -> None:
        self.bytes = 0
        self.shards.clear()


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def vault(tmp_path: Path, meter: Meter) -> Vault:
    return Vault(tmp_path / "vault", folder=meter.folder)


def whole(vault: Vault, *packs: PackId) -> int:
    """Bytes of these packs with everything that one reading of them may take: k columns, and footers."""
    found = [vault.facts[pack] for pack in packs]
    footers = sum(shard.footer_bytes(GEOMETRY, facts.size) for facts in found) * GEOMETRY.drives
    return sum(facts.size + GEOMETRY.data * BLOCK_BYTES // 256 for facts in found) + footers


def test_a_single_file_costs_its_list_and_its_own_pack(vault: Vault, meter: Meter, tmp_path: Path) -> None:
    refs = [vault.chunks(os.urandom(CHUNK_BYTES)) for _ in range(20)]
    vault.list_files([ROOT, *(file(b"%02d" % n, *each) for n, each in enumerate(refs))])
    vault.restore(target(tmp_path / "all"))
    everything, meter.bytes = meter.bytes, 0
    meter.shards.clear()
    assert not vault.restore(target(tmp_path / "one"), Selection(subtree=b"07")).failed
    packs = PackId(bytes.fromhex(vault.segments[0])), refs[7][0].pack
    assert meter.bytes <= 2 * whole(vault, *packs)  # the head of a pack is looked at before its table
    assert meter.bytes * 8 < everything
    assert len(meter.shards) == len(packs) * GEOMETRY.drives
    assert all(any(pack.hex() in name for pack in packs) for name in meter.shards)


def test_a_small_file_of_a_large_pack_costs_a_few_stripes_of_it(
    vault: Vault, meter: Meter, tmp_path: Path
) -> None:
    refs = vault.chunks(*(os.urandom(CHUNK_BYTES) for _ in range(48)))
    vault.list_files([ROOT, *(file(b"%02d" % n, ref) for n, ref in enumerate(refs))])
    assert not vault.restore(target(tmp_path / "one"), Selection(subtree=b"20")).failed
    (pack,) = {ref.pack for ref in refs}
    assert meter.bytes < whole(vault, pack) / 2


def days(vault: Vault, meter: Meter, place: Path) -> list[tuple[int, int]]:
    """(bytes, shards) that restoring the snapshot of each tenth day and the last one costs. Each day one
    file is new, and the others are those of the four days before."""
    recent: list[tuple[bytes, ChunkRef]] = []
    lists = []
    for day in range(DAYS):
        (ref,) = vault.chunks(os.urandom(100_000))
        recent = [*recent, (b"%06d" % day, ref)][-5:]
        lists.append(vault.list_files([ROOT, *(file(name, ref) for name, ref in recent)]))
    costs = []
    for day in (4, DAYS // 2, DAYS - 1):
        meter.reset()
        snapshot = msgspec.structs.replace(vault.snapshot(), segments=(lists[day],))
        assert not vault.restore(target(place / str(day)), snapshot=snapshot).failed
        assert len(os.listdir(place / str(day) / "docs")) == 5
        costs.append((meter.bytes, len(meter.shards)))
    return costs


def test_the_oldest_snapshot_costs_what_the_newest_costs(vault: Vault, meter: Meter, tmp_path: Path) -> None:
    costs = days(vault, meter, tmp_path)
    assert {shards for _, shards in costs} == {6 * GEOMETRY.drives}
    most, least = max(costs)[0], min(costs)[0]
    assert most - least <= GEOMETRY.drives * 4096 * 2  # a list of files may be a page longer


@pytest.mark.planted
def test_a_restore_that_reads_every_pack_that_it_knows_is_caught(
    vault: Vault, meter: Meter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = restore_files.FileRestore.flush

    def greedy(self: restore_files.FileRestore) -> None:
        for pack in vault.facts:
            self._gatherer.open(pack).close()
        flush(self)

    monkeypatch.setattr(restore_files.FileRestore, "flush", greedy)
    assert {shards for _, shards in days(vault, meter, tmp_path)} != {6 * GEOMETRY.drives}
