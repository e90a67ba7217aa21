"""Every subset of k drives restores every kind of object with all its metadata (I6): 2+1, 4+2, 5+3."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from appliance.adapters import tree_compare
from appliance.domain.geometry import Geometry
from appliance.errors import PackLost
from appliance.service import restore_files
from tests.depth import many
from tests.unit.restore_bench import AS_ROOT, Vault, make_tree, target

SETS = [(2, 1), (4, 2), (5, 3)]
EVERY = many(5, 1)  # under `make test` every fifth subset; all packs of all subsets: test_subsets_shards.py


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree") / "tree")


@pytest.fixture(scope="module", params=SETS, ids=lambda given: f"{given[0]}+{given[1]}")
def vault(request: pytest.FixtureRequest, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    data, parity = request.param
    geometry = Geometry(data=data, parity=parity, write_quorum=data + 1)
    made = Vault(tmp_path_factory.mktemp("vault") / "drives", geometry)
    made.pull(tree)
    return made


def without(vault: Vault, count: int) -> list[tuple[int, ...]]:
    """Every choice of so many drives."""
    return list(combinations(range(vault.geometry.drives), count))


def differences(vault: Vault, tree: Path, out: Path, lost: tuple[int, ...]) -> list[object]:
    """What is not as it was when only the other drives are left."""
    made = target(out)
    report = vault.restore(made, without=lost)
    made.close()
    found = tree_compare.compare(tree, out / "docs", owners=AS_ROOT).differences
    return [*report.failed, *made.left_out, *found]


@pytest.mark.invariant("I6")
def test_every_k_drives_restore_every_kind_of_object_with_all_metadata(
    vault: Vault, tree: Path, tmp_path: Path
) -> None:
    for number, lost in enumerate(without(vault, vault.geometry.parity)[::EVERY]):
        assert differences(vault, tree, tmp_path / str(number), lost) == [], f"without {lost}"


@pytest.mark.clause("FORMAT 5.9")
def test_fewer_than_k_drives_restore_nothing_and_name_the_pack(vault: Vault, tmp_path: Path) -> None:
    for number, lost in enumerate(without(vault, vault.geometry.parity + 1)[::EVERY]):
        made = target(tmp_path / str(number))
        report = vault.restore(made, without=lost)
        assert report.failed
        assert all(isinstance(error, PackLost) for _, error in report.failed)
        made.close()


@pytest.mark.planted
@pytest.mark.invariant("I6")
def test_a_restore_that_hands_out_another_byte_is_caught(
    vault: Vault, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = restore_files._chunk
    monkeypatch.setattr(
        restore_files, "_chunk", lambda reader, slot, length: whole(reader, slot, length)[:-1] + b"\0"
    )
    assert differences(vault, tree, tmp_path / "out", (0,))
