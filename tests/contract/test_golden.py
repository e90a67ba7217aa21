"""The frozen corpus of format version 1: this version and the stand-alone reader restore all of it."""

from __future__ import annotations

import getpass
import hashlib
import itertools
import json
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import depth
from tests.contract import rosetta_bench
from tests.contract.rosetta_bench import GOLDEN, here
from tests.golden import tree
from tests.simulation.virtual_box import VirtualBox

__all__ = ["here"]  # a fixture
SNAPSHOTS = sorted(path.stem for path in GOLDEN.glob("*.json"))
DRIVES = [GOLDEN / "drives" / str(bay) for bay in (1, 2, 3)]
TOKENS = [GOLDEN / "tokens" / f"holder-{holder}" for holder in (1, 2, 3)]
K = 2  # drives, and tokens, that are enough


def expected(snapshot: str) -> list[dict[str, Any]]:
    return list(json.loads((GOLDEN / f"{snapshot}.json").read_text(encoding="ascii")))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    """A home made of nothing but the corpus' drives and tokens, as after the loss of the box."""
    root = tmp_path_factory.mktemp("golden") / "home"
    for bay, drive in enumerate(DRIVES, 1):
        shutil.copytree(drive, root / "bay" / str(bay))
    shutil.copytree(GOLDEN / "tokens", root / "tokens")
    shutil.copytree(DRIVES[0] / "policy", root / "policy")
    for name in ("ledger", "checkpoints"):
        shutil.copytree(DRIVES[0] / name, root / "seal-state" / name)
    return VirtualBox(root)


@pytest.mark.clause("FORMAT 12.1")
def test_the_corpus_is_the_one_that_was_frozen() -> None:
    lines = (GOLDEN / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    frozen = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    found = {str(path.relative_to(GOLDEN)): path for path in GOLDEN.rglob("*") if path.is_file()}
    for aside in ("README.md", "SHA256SUMS"):
        found.pop(aside)
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == frozen
    sums = hashlib.sha256((GOLDEN / "SHA256SUMS").read_bytes()).hexdigest()
    # so that nobody renews it by the way
    assert sums == "ce626ddb053cf960996b29e0263726770c95f99c60d2f6a2e710eeee0213d3ee"


@pytest.mark.clause("FORMAT 12.1")
@pytest.mark.parametrize("bays", list(itertools.combinations((1, 2, 3), K)), ids=str)
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_this_version_restores_the_corpus(
    home: VirtualBox, tmp_path: Path, snapshot: str, bays: tuple[int, ...]
) -> None:
    (seal,) = (seal for seal in home.snapshots() if seal.snapshot == snapshot)
    assert home.restore(seal, home.identity([1, 3]), tmp_path / "out", bays) == []
    journal, *objects = tree.listing(tmp_path / "out")
    assert (journal["path"], objects) == (".iwato-restore", expected(snapshot))


@pytest.mark.clause("FORMAT 10.4")
@pytest.mark.clause("FORMAT 12.1")
@pytest.mark.parametrize("chosen", list(itertools.combinations(range(3), K)), ids=str)
@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_the_stand_alone_reader_restores_the_corpus(
    tmp_path: Path, snapshot: str, chosen: tuple[int, ...]
) -> None:
    drives, tokens = [DRIVES[i] for i in chosen], [TOKENS[2 - i] for i in chosen]
    words = rosetta_bench.words(drives, tokens, tmp_path / "out", "--snapshot", snapshot)
    ran = rosetta_bench.alone(rosetta_bench.READER, *words)
    assert ran.status == 0, ran.out + ran.err
    assert tree.listing(tmp_path / "out") == expected(snapshot)


def test_the_newest_complete_snapshot_is_the_default(tmp_path: Path, here: rosetta_bench.Here) -> None:
    assert here(rosetta_bench.words(DRIVES, TOKENS, tmp_path / "out")).status == 0
    assert tree.listing(tmp_path / "out") == expected(SNAPSHOTS[-1])


@pytest.mark.planted
def test_the_listing_tells_one_changed_byte_mode_time_name_or_attribute(tmp_path: Path) -> None:
    tree.fill(tmp_path)
    before = tree.listing(tmp_path / "docs")
    plain = tmp_path / "docs" / "plain.txt"
    stat = plain.stat()
    for change in (
        lambda: plain.write_bytes(b"the cave opens only when it should.\n"),
        lambda: plain.chmod(0o641),
        lambda: plain.with_name("link").unlink(),
        lambda: plain.rename(plain.with_name("plain.TXT")),
        lambda: os.setxattr(plain.with_name("plain.TXT"), "user.iwato", b"kept\0as byteS"),
        lambda: os.utime(plain.with_name("plain.TXT"), ns=(0, stat.st_mtime_ns + 1)),
    ):
        change()
        after = tree.listing(tmp_path / "docs")
        assert after != before
        before = after


# One byte ------------------------------------------------------------------------------------------

STRUCTURES = {
    "drive header": "drives/1/IWATO-DRIVE",
    "policy": "drives/1/policy/policy-1.txt",
    "signature of the policy": "drives/1/policy/policy-1.2.sig",
    "ledger segment": "drives/2/ledger/*.seg",
    "checkpoint": "drives/1/checkpoints/*.checkpoint",
    "shard": "drives/1/shards/*/*",
    "shard of parity": "drives/3/shards/*/*",
    "identity of a token": "tokens/holder-1/identity.age",
    "share of a token": "tokens/holder-3/share-1.age",
}


@pytest.mark.planted
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_flipped_bit_anywhere_is_noticed_and_never_restored_as_data(
    structure: str, tmp_path: Path, here: rosetta_bench.Here
) -> None:
    draw = random.Random(structure)
    snapshot = SNAPSHOTS[-1]
    right = {item["path"]: item for item in expected(snapshot)}
    words = rosetta_bench.words(DRIVES, TOKENS, tmp_path / "whole", "--snapshot", snapshot)
    used = set(re.findall("reading pack ([0-9a-f]{16})", here(words).err))

    def is_read(path: Path) -> bool:
        """Another snapshot's packs are none of this run's business."""
        return path.parent.parent.name != "shards" or path.name[:16] in used

    for number in range(depth.many(3, 60)):
        copy = tmp_path / str(number)
        shutil.copytree(GOLDEN, copy)
        path = draw.choice([path for path in sorted(copy.glob(STRUCTURES[structure])) if is_read(path)])
        data = bytearray(path.read_bytes())
        at = draw.randrange(len(data))
        data[at] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        drives = [copy / "drives" / bay for bay in ("1", "2" if structure != "shard of parity" else "3")]
        tokens = [copy / "tokens" / f"holder-{holder}" for holder in (1, 3)]
        ran = here(rosetta_bench.words(drives, tokens, copy / "out", "--snapshot", snapshot))
        where = f"{path.relative_to(copy)} at {at}"
        assert ran.status in {1, 3}, where
        if ran.status == 3:
            made = {item["path"]: item for item in tree.listing(copy / "out")}
            held = {name: item["sha256"] for name, item in made.items() if "sha256" in item}
            assert held == {name: right[name]["sha256"] for name in held}, where
            missing = [line for line in ran.err.splitlines() if line.startswith("not restored: ")]
            assert len(missing) == len(right) - len(made), where
        shutil.rmtree(copy)


# Anything ------------------------------------------------------------------------------------------


def mutilated(draw: random.Random, data: bytes, other: bytes) -> bytes:
    """Cut off, with bytes put in or taken out, overwritten, or another file altogether."""
    at, length = draw.randrange(len(data) + 1), draw.randrange(1, 60)
    return draw.choice(
        (
            data[:at],
            data[:at] + draw.randbytes(length) + data[at:],
            data[:at] + data[at + length :],
            data[:at] + draw.randbytes(length) + data[at + length :],
            other,
        )
    )


@pytest.mark.parametrize("seed", range(depth.many(6, 400)))
def test_mutilated_drives_and_tokens_crash_nothing_and_give_nothing_false(
    seed: int, tmp_path: Path, here: rosetta_bench.Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    shutil.copytree(GOLDEN, tmp_path / "v1")
    drives = [tmp_path / "v1" / "drives" / bay for bay in ("1", "2")]
    tokens = [tmp_path / "v1" / "tokens" / f"holder-{holder}" for holder in (1, 3)]
    files = sorted(path for place in (*drives, *tokens) for path in place.rglob("*") if path.is_file())
    for path in draw.sample(files, draw.choice((1, 1, 4))):
        path.write_bytes(mutilated(draw, path.read_bytes(), draw.choice(files).read_bytes()))
    monkeypatch.setattr(getpass, "getpass", lambda _: "no such passphrase")
    ran = here(rosetta_bench.words(drives, tokens, tmp_path / "out", "--snapshot", SNAPSHOTS[-1]))
    assert ran.status in {0, 1, 3}
    right = {item["path"]: item for item in expected(SNAPSHOTS[-1])}
    made = tree.listing(tmp_path / "out") if ran.status != 1 else []
    assert all(item.get("sha256") == right[item["path"]].get("sha256") for item in made)
    assert ran.status or len(made) == len(right)
