"""Every field of everything on a drive, in staging and on a token, flipped bit by bit.

What must happen stands in one table: damage on a drive is found, located and made good beside the damaged
file, or the drive is refused by name, and every pack stays readable; damage in staging or on a token is
refused by name. Nothing that was flipped is taken for true. (Every bit of what decides: test_every_bit.py;
the interlock's memory: firmware/test_memory.py.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from blake3 import blake3

from appliance.custody.policy_files import SignedPolicy
from appliance.domain.geometry import Geometry
from appliance.domain.ids import DriveIndex, PackId
from appliance.errors import CustodyError, DriveForeign, DriveHeaderDamaged, IwatoError, StagedBatchRefused
from appliance.format import batch, drive_header, ledger_segment, note, receipt, shard
from appliance.format.batch import Batch
from appliance.format.note import Note
from appliance.format.note_key import KeyKind, NoteKey
from appliance.format.shard import ShardName
from appliance.ledger import checkpoint, proof
from appliance.service import drive_set, policy_copies, shard_writer, vault_opening
from appliance.service.pack_shards import ShardFile
from appliance.service.stripe_buffer import StripeBuffer
from tests.depth import many
from tests.simulation import field_map
from tests.simulation.field_map import Field
from tests.simulation.sealing_bench import Bench, pack_id
from tests.unit import custody_box
from tests.unit.custody_box import Custody

TWO_ONE = Geometry(data=2, parity=1, write_quorum=2)
SPOILT = 1  # bay of the drive on which everything is flipped; its column holds the age file itself


@dataclass
class World:
    """A tiny sealed vault that goes back to what it was after every flip."""

    root: Path
    bench: Bench
    policy: dict[str, bytes]
    files: dict[Path, bytes] = field(default_factory=dict)

    def keep(self) -> None:
        self.files = self._now()
        self.memory = self.bench.witness.memory

    def back(self) -> None:
        for path, content in self._now().items():
            if path not in self.files:
                path.unlink()
            elif content != self.files[path]:
                path.write_bytes(self.files[path])
        for path in self.files.keys() - self._now().keys():
            path.write_bytes(self.files[path])
        self.bench.witness.memory = self.memory

    def _now(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    @property
    def packs(self) -> list[PackId]:
        return list(self.bench.contents)

    def on_drive(self, pattern: str) -> Path:
        """The first such file of the spoilt drive."""
        return min(self.bench.bay(SPOILT).glob(pattern))

    def shard(self, pack: PackId, index: int, revision: int = 0) -> Path:
        name = ShardName(pack=pack, index=DriveIndex(index), revision=revision)
        return self.bench.bay(index + 1) / name.path


def build(root: Path) -> World:
    bench = Bench(root / "vault", TWO_ONE)
    bench.stage([1])
    assert bench.boot().seal().recycled
    (root / "holders").mkdir()
    custody = custody_box.bear(root / "holders", quorum=2, holders=3)
    policy = {f"policy/{name}": content for name, content in custody.born.files().items()}
    drive_set.put_missing(bench.boot().drives, policy)
    bench.stage([2])  # a second window waits in staging
    world = World(root / "vault", bench, policy)
    world.keep()
    return world


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("fields"))


@pytest.fixture
def world(built: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(os, "fsync", lambda _fd: None)  # what a cut leaves is not what is looked at here
    built.back()
    return built


def flips(world: World, path: Path, fields: list[Field]) -> Iterator[tuple[str, int]]:
    """Flip bit after bit; the world is as before when the next one comes."""
    assert field_map.tiles(fields, len(world.files[path])), f"the map of {path.name} leaves bytes out"
    yield from flips_of(world, path, fields)


def flips_of(world: World, path: Path, fields: list[Field]) -> Iterator[tuple[str, int]]:
    """Of some fields only."""
    content = world.files[path]
    for one in fields:
        for byte, bit in one.bits():
            spoilt = bytearray(content)
            spoilt[byte] ^= 1 << bit
            path.write_bytes(spoilt)
            yield f"{one.name}, byte {byte}, bit {bit}", byte
            world.back()


# On a drive ------------------------------------------------------------------------------------------


def assert_shard_is_made_good(world: World, pack: PackId, index: int, where: str, byte: int) -> None:
    """Located to the drive, the pack and the block or footer; made good beside; clean afterwards."""
    path = world.shard(pack, index)
    spoilt = path.read_bytes()
    booted = world.bench.boot()
    world.bench.assert_readable(booted, [pack])
    if index < TWO_ONE.data and byte < field_map.UNIT_BYTES:
        gatherer = booted.gatherer()
        gathered = gatherer.open(pack)
        gathered.read(0, gathered.size)
        gathered.close()
        assert {(item.drive, item.stripe) for item in gatherer.damages} == {(index, 0)}, where
    report = booted.scrub()
    assert (report.outcome, report.exit_status) == ("repaired", 3), where
    assert report.repaired == [ShardName(pack=pack, index=DriveIndex(index), revision=1)], where
    assert {number: count.bad for number, count in report.drives.items() if count.bad} == {index: 1}, where
    assert world.shard(pack, index, revision=1).read_bytes() == world.files[path], where
    assert path.read_bytes() == spoilt, "nothing is overwritten"
    again = world.bench.boot()
    assert again.scrub().outcome == "clean", where
    world.bench.assert_readable(world.bench.boot(only=[index + 1, (index + 1) % 3 + 1]), [pack])


@pytest.mark.invariant("I8", "I9")
@pytest.mark.clause("FORMAT 5.7", "FORMAT 5.8")
@pytest.mark.parametrize("index", range(3))
def test_a_flipped_bit_in_any_field_of_a_shard_is_located_and_made_good(world: World, index: int) -> None:
    pack = world.packs[0]
    content = world.files[world.shard(pack, index)]
    fields = field_map.shard(content, TWO_ONE.drives, world.bench.contents[pack] if index == 0 else b"")
    for where, byte in flips(world, world.shard(pack, index), fields):
        assert_shard_is_made_good(world, pack, index, where, byte)


@pytest.mark.clause("FORMAT 6.1", "FORMAT 6.2")
def test_a_flipped_bit_in_any_field_of_a_drive_header_refuses_the_drive_by_name(world: World) -> None:
    path = world.on_drive("IWATO-DRIVE")
    for where, _ in flips(world, path, field_map.text(world.files[path])):
        booted = world.bench.boot()
        (finding,) = booted.drives.findings
        assert isinstance(finding, DriveHeaderDamaged | DriveForeign), where
        assert finding.values["bay"] == SPOILT, where
        assert booted.drives.missing == (SPOILT - 1,), where
        world.bench.assert_readable(booted, world.packs[:2])


def assert_copy_is_healed(world: World, path: Path, label: str, flipped: Iterator[tuple[str, int]]) -> None:
    """Said for this copy alone, with a note in the ledger, and made good beside the damaged file."""
    before = world.bench.witness.memory.log.size
    for where, _ in flipped:
        spoilt = path.read_bytes()
        booted = world.bench.boot()
        (damage,) = booted.ledger.damage
        assert (damage.where, damage.left, damage.warning().code) == (label, 0, "IW-4308"), where
        assert booted.ledger.history.size == before + 1, where  # the note that says so
        assert path.read_bytes() == spoilt, "nothing is overwritten"
        assert not world.bench.boot().ledger.damage, where
        world.bench.assert_readable(booted, world.packs[:2])


LEDGER_FILES = [("ledger/*.seg", field_map.segment), ("checkpoints/*.checkpoint", field_map.text)]


@pytest.mark.invariant("I9", "I10")
@pytest.mark.clause("FORMAT 7.3", "FORMAT 7.4")
@pytest.mark.parametrize(("pattern", "fields"), LEDGER_FILES, ids=["segment", "checkpoint"])
@pytest.mark.parametrize(
    ("place", "number"),
    [(f"bay/{SPOILT}", 0), (f"bay/{SPOILT}", -1), ("state", 0)],
    ids=["oldest", "newest", "of the state"],
)
def test_a_flipped_bit_in_any_field_of_a_ledger_copy_is_said_for_that_copy_and_healed_beside_it(
    world: World, pattern: str, fields: Callable[[bytes], list[Field]], place: str, number: int
) -> None:
    path = sorted((world.root / place).glob(pattern))[number]
    label = place if place == "state" else f"drive {SPOILT}"
    assert_copy_is_healed(world, path, label, flips(world, path, fields(world.files[path])))


@pytest.mark.clause("FORMAT 6.3")
def test_a_flipped_bit_in_any_field_of_a_policy_file_is_said_by_name(world: World) -> None:
    drives = world.bench.boot().drives
    for name, content in world.policy.items():
        path = world.bench.bay(SPOILT) / name
        for where, _ in flips(world, path, field_map.text(content)):
            (damage,) = policy_copies.mend(drives, world.policy)
            said = (damage.drive, damage.missing, damage.altered, damage.left)
            assert said == (SPOILT - 1, [], [name], 1), where
            assert damage.warning().code == "IW-4402", where


# Every bit ---------------------------------------------------------------------------------------------


class Held:
    """ports.Readable over bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.size = content, len(content)

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        piece = self.content[offset : offset + buffer.nbytes]
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        pass


@pytest.mark.clause("FORMAT 5.7")
@pytest.mark.parametrize("index", range(3))
def test_no_bit_of_a_whole_shard_file_is_flipped_unseen(world: World, index: int) -> None:
    """What scrub looks at, on every bit: exactly one part of the file is bad each time."""
    pack = world.packs[0]
    content = bytearray(world.files[world.shard(pack, index)])
    footer = shard.decode(bytes(content[-field_map.UNIT_BYTES :]))
    hashes = shard.BlockHashes(geometry=TWO_ONE, size=footer.hashes.size, flat=footer.hashes.flat)
    name, buffer = ShardName(pack=pack, index=DriveIndex(index), revision=0), StripeBuffer(TWO_ONE)
    for bit in range(0, 8 * len(content), many(131, 1)):
        content[bit // 8] ^= 1 << bit % 8
        file = ShardFile(name, Held(bytes(content)))
        assert shard_writer.damaged_parts(file, hashes, buffer) == 1, bit
        content[bit // 8] ^= 1 << bit % 8


def believe_header(world: World, content: bytes) -> object:
    signed = note.parse(content)
    world.bench.keys.log.verify(signed)
    return drive_header.parse(signed.text)


def believe_receipt(world: World, content: bytes) -> object:
    parts = receipt.decode(content)
    return proof.verify(parts.proof, parts.entry, world.bench.keys)


def believe_pack(world: World, content: bytes) -> None:
    if pack_id(TWO_ONE, content) not in world.bench.contents:
        raise ValueError("another pack id")


Belief = Callable[[World, bytes], object]


def refusal(believe: Belief, world: World, content: bytes) -> Exception | None:
    """Why these bytes are not believed; None if they are."""
    try:
        believe(world, content)
    except (IwatoError, ValueError) as error:
        return error
    return None


SMALL_FILES: list[tuple[str, Belief]] = [
    ("bay/1/IWATO-DRIVE", believe_header),
    ("bay/1/ledger/*.seg", lambda _world, content: ledger_segment.decode(content)),
    ("bay/1/checkpoints/*.checkpoint", lambda world, content: checkpoint.verify(content, world.bench.keys)),
    ("staging/batches/*.batch", lambda _world, content: batch.decode(content)),
    ("staging/receipts/*.receipt", believe_receipt),
    ("staging/packs/*.age", believe_pack),
]


@pytest.mark.parametrize(("pattern", "believe"), SMALL_FILES, ids=[pattern for pattern, _ in SMALL_FILES])
def test_no_bit_of_a_whole_small_file_is_taken_for_true(world: World, pattern: str, believe: Belief) -> None:
    for path in world.root.glob(pattern):
        content = bytearray(world.files[path])
        believe(world, bytes(content))
        for bit in range(0, 8 * len(content), many(29, 1)):
            content[bit // 8] ^= 1 << bit % 8
            assert refusal(believe, world, bytes(content)) is not None, f"{path.name}, bit {bit}"
            content[bit // 8] ^= 1 << bit % 8


# In staging ------------------------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 3.1", "FORMAT 4.8")
@pytest.mark.parametrize(
    ("pattern", "fields"),
    [("packs/*.age", field_map.age), ("batches/*.batch", field_map.record)],
    ids=["pack", "record"],
)
def test_a_flipped_bit_in_any_field_of_staging_refuses_the_window_and_commits_nothing_of_it(
    world: World, pattern: str, fields: Callable[[bytes], list[Field]]
) -> None:
    for path in sorted((world.root / "staging").glob(pattern)):
        for where, _ in flips(world, path, fields(world.files[path])):
            booted = world.bench.boot()
            before = booted.ledger.history.size
            report = booted.seal()
            assert not report.sealed, where
            assert all(isinstance(refused, StagedBatchRefused) for refused in report.refused), where
            assert report.refused, where
            assert booted.ledger.history.size == before, where


@pytest.mark.clause("FORMAT 6.8", "FORMAT 7.6")
def test_a_flipped_bit_in_any_field_of_a_receipt_is_refused_by_name(world: World) -> None:
    (path,) = sorted((world.root / "staging").glob("receipts/*.receipt"))
    for where, _ in flips(world, path, field_map.receipt(world.files[path])):
        error = refusal(believe_receipt, world, path.read_bytes())
        assert isinstance(error, IwatoError), where
        assert error.code.startswith("IW-4"), where


# On a token ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("holders"), quorum=2, holders=3)


TOKEN_FILES = [
    ("token.txt", field_map.text),
    ("identity.age", field_map.age),
    ("share-1.age", field_map.age),
]


def recover(custody: Custody, signed: SignedPolicy) -> bytes:
    found = vault_opening.open_vault(signed.policy, 1, custody.tokens(1, 2))
    return found.identity.recipient.fingerprint


@pytest.mark.invariant("I13")
@pytest.mark.clause("FORMAT 10.2", "FORMAT 10.3")
@pytest.mark.parametrize(("name", "fields"), TOKEN_FILES, ids=[name for name, _ in TOKEN_FILES])
def test_a_flipped_bit_in_any_field_of_a_token_is_refused_by_name(
    custody: Custody, name: str, fields: Callable[[bytes], list[Field]]
) -> None:
    signed, path = custody.signed, custody.folder(1) / name
    content = path.read_bytes()
    assert recover(custody, signed) == signed.vault.fingerprint
    assert field_map.tiles(fields(content), len(content))
    for one in fields(content):
        for byte, bit in one.bits():
            spoilt = bytearray(content)
            spoilt[byte] ^= 1 << bit
            path.write_bytes(spoilt)
            with pytest.raises(CustodyError):
                pytest.fail(f"{one.name}, byte {byte}, bit {bit}: {recover(custody, signed).hex()}")
    path.write_bytes(content)


# Negative controls -----------------------------------------------------------------------------------


@pytest.mark.planted
@pytest.mark.invariant("I9")
def test_a_scrub_that_does_not_look_at_footers_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lazy(file: ShardFile, hashes: shard.BlockHashes, buffer: StripeBuffer) -> int:
        found = whole(file, hashes, buffer)
        footer = shard.footer_bytes(hashes.geometry, hashes.size)
        encoded = shard.encode(shard.ShardFooter(index=file.name.index, facts=hashes.facts(), hashes=hashes))
        return found - (file.footer(hashes.geometry, hashes.size) != encoded and footer > 0)

    whole = shard_writer.damaged_parts
    monkeypatch.setattr(shard_writer, "damaged_parts", lazy)
    with pytest.raises(AssertionError, match="footer"):
        test_a_flipped_bit_in_any_field_of_a_shard_is_located_and_made_good(world, 2)


@pytest.mark.planted
def test_a_reader_of_records_that_does_not_compare_the_hash_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusting(content: bytes) -> Batch:
        line = content[: -batch.HASH_LINE_BYTES]
        return whole(line + blake3(line).hexdigest().encode() + b"\n")

    whole = batch.decode
    monkeypatch.setattr(batch, "decode", trusting)
    with pytest.raises(AssertionError):
        test_a_flipped_bit_in_any_field_of_staging_refuses_the_window_and_commits_nothing_of_it(
            world, "batches/*.batch", field_map.record
        )


@pytest.mark.planted
def test_a_checkpoint_that_counts_without_the_witness_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lax(self: NoteKey, signed: Note) -> int | None:
        return 0 if self.kind is KeyKind.COSIGNATURE else whole(self, signed)

    whole = NoteKey.verify
    monkeypatch.setattr(NoteKey, "verify", lax)
    monkeypatch.setattr(field_map, "FLIPS_MAX", 64)
    path = world.on_drive("checkpoints/*.checkpoint")
    signature = max(field_map.text(world.files[path]), key=lambda one: (one.end - one.begin, one.begin))
    with pytest.raises((AssertionError, ValueError)):
        assert_copy_is_healed(world, path, f"drive {SPOILT}", flips_of(world, path, [signature]))


@pytest.mark.planted
def test_a_map_that_leaves_a_field_out_is_caught(world: World) -> None:
    path = world.on_drive("IWATO-DRIVE")
    with pytest.raises(AssertionError, match="leaves bytes out"):
        next(flips(world, path, field_map.text(world.files[path])[:-1]))
