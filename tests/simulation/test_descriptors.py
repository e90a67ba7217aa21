"""What a command opens it gives back: a daemon lives for years, and a process has so many descriptors."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.adapters.local_source import LocalSource
from appliance.ports import CopyRequest, RestoreRequest
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Nobody, VirtualBox


def restoring(box: VirtualBox) -> None:
    tokens = tuple(str(box.home.token(holder)) for holder in (1, 2, 3))
    target = str(box.root.parent / f"out-{len(list(box.root.parent.iterdir()))}")
    request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=target)
    box.appliance().restore(request, Nobody())


COMMANDS: dict[str, Callable[[VirtualBox], object]] = {
    "window": lambda box: box.run_window(),
    "scrub": lambda box: box.appliance().scrub(Nobody()),
    "verify": lambda box: box.appliance().verify_ledger(None, Nobody()),
    "restore": restoring,
}


def left_open(box: VirtualBox, name: str) -> int:
    """Descriptors that the second of two runs leaves behind; the first may fill caches."""
    COMMANDS[name](box)
    before = len(os.listdir("/proc/self/fd"))
    COMMANDS[name](box)
    return len(os.listdir("/proc/self/fd")) - before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_no_descriptor_open(vault: Vault, tmp_path: Path, name: str) -> None:
    assert left_open(vault.box.copy(tmp_path / "home"), name) == 0


@pytest.mark.planted
def test_a_source_that_stays_open_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalSource, "close", lambda _: None)
    assert left_open(vault.box.copy(tmp_path / "home"), "window") > 0
