"""One box with one committed window, made once per run and copied by every test that changes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.adapters.local_source import RACY_NS
from appliance.format.age_recipient import Identity
from tests.simulation import virtual_box
from tests.simulation.virtual_box import VirtualBox

SENTINEL = b"SENTINEL-the-plaintext-that-nobody-may-find-" * 40


@dataclass(frozen=True)
class Vault:
    """A box whose first window is committed. `first` is the source as it was then, `source` as it is
    now, with a second window ahead."""

    box: VirtualBox
    first: Path
    source: Path
    identity: Identity


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return committed(tmp_path_factory.mktemp("vault"))


def committed(place: Path) -> Vault:
    """The vault, made in this folder."""
    source, first = place / "source", place / "first"
    for tree in (source, first):
        fill(tree)
    box = virtual_box.born(place / "home", source)
    assert box.run_window()["complete"]
    change(source)
    while abs(time.time_ns() - source.stat().st_ctime_ns) < 2 * RACY_NS:
        pass  # a file that was written this moment is not recognised again, and its windows differ
    return Vault(box=box, first=first, source=source, identity=box.identity([1, 2, 3]))


def fill(tree: Path) -> None:
    """A small tree with everything that a restore has to bring back."""
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "SENTINEL-name.bin").write_bytes(b"".join(bytes([n % 251]) * 997 for n in range(600)))
    (tree / "plain.txt").write_bytes(SENTINEL)
    (tree / "deep" / "er" / "small").write_bytes(b"small\n")
    os.link(tree / "plain.txt", tree / "deep" / "second-name")
    (tree / "dangling").symlink_to("nowhere")
    with (tree / "holes").open("wb") as file:
        file.truncate(3_000_000)
        file.seek(2_000_000)
        file.write(b"an island")
    os.setxattr(tree / "plain.txt", "user.iwato", b"kept")
    for path in sorted(tree.rglob("*"), reverse=True):
        os.utime(path, ns=(10**18, 10**18 + 7), follow_symlinks=False)
    os.utime(tree, ns=(10**18, 10**18 + 7))


def change(tree: Path) -> None:
    """What a day does to it."""
    (tree / "new").write_bytes(os.urandom(300_000))
    (tree / "deep" / "er" / "small").write_bytes(b"changed\n")
    (tree / "dangling").unlink()
