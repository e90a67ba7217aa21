"""The simulation's vault, for commands that are run for real, and a file system that is soon full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.conftest import vault

__all__ = ["mounted", "vault"]

MOUNT_BYTES = 512 << 10


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "mounted"
    place.mkdir()
    options = ["-o", f"size={MOUNT_BYTES}", "iwato-test", str(place)]
    subprocess.run(["mount", "-t", "tmpfs", *options], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)  # a failed test may still have it open
