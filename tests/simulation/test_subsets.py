"""Any four of six drives, any three of five holders: every subset brings everything back (I6, I12)."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from appliance.errors import CustodyError, PackLost
from appliance.service.gather import Gatherer
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault

BAYS, HOLDERS = range(1, 7), range(1, 6)


def restored_differences(vault: Vault, bays: tuple[int, ...], target: Path) -> list[object]:
    """What is not as it was in the first snapshot when only these bays are left."""
    snapshot = vault.box.snapshots()[0]
    failed = vault.box.restore(snapshot, vault.identity, target, bays)
    return [*failed, *virtual_box.same(vault.first, target)]


@pytest.mark.invariant("I6")
@pytest.mark.parametrize("bays", list(combinations(BAYS, 4)), ids=str)
def test_every_four_drives_restore_every_byte_and_attribute(
    vault: Vault, tmp_path: Path, bays: tuple[int, ...]
) -> None:
    assert not restored_differences(vault, bays, tmp_path / "out")


@pytest.mark.parametrize("bays", [(1, 2, 3), (2, 4, 6), (4, 5, 6)], ids=str)
def test_three_drives_restore_no_file_and_every_loss_is_named(
    vault: Vault, tmp_path: Path, bays: tuple[int, ...]
) -> None:
    failed = vault.box.restore(vault.box.snapshots()[0], vault.identity, tmp_path / "out", bays)
    assert failed
    assert all(isinstance(error, PackLost) for _, error in failed)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_gatherer_that_hands_out_zeros_is_caught(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Gatherer.open

    def lazy(self: Gatherer, pack: object) -> object:
        found = opened(self, pack)  # type: ignore[arg-type]
        monkeypatch.setattr(found, "pread_into", lambda buffer, _offset: buffer.nbytes, raising=False)
        return found

    monkeypatch.setattr(Gatherer, "open", lazy)
    with pytest.raises(Exception):  # noqa: B017, PT011 - any way of not believing it will do
        assert not restored_differences(vault, (1, 2, 3, 4), tmp_path / "out")


@pytest.mark.invariant("I12")
@pytest.mark.parametrize("holders", list(combinations(HOLDERS, 3)), ids=str)
def test_every_three_holders_open_the_vault(vault: Vault, holders: tuple[int, ...]) -> None:
    assert vault.box.identity(holders).recipient == vault.identity.recipient


@pytest.mark.invariant("I12")
@pytest.mark.parametrize("holders", list(combinations(HOLDERS, 2)), ids=str)
def test_no_two_holders_open_the_vault(vault: Vault, holders: tuple[int, ...]) -> None:
    with pytest.raises(CustodyError):
        vault.box.identity(holders)
