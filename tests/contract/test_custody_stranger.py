"""A stranger with k file tokens and FORMAT recovers the vault's key without any program of ours."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.adapters import token_file
from appliance.domain.ids import HolderNumber
from appliance.format.age_recipient import Identity
from tests.unit import custody_box
from tests.unit.custody_box import Custody

SCRIPT = Path(__file__).parent / "node" / "custody_interop.mjs"
TIMEOUT_S = 120  # s; a hang, not a measurement
pytestmark = pytest.mark.needs("npm")

Stranger = Callable[[Custody, tuple[int, ...]], subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


@pytest.fixture
def stranger(npm: Callable[[str, str], Path], node: Path, tmp_path: Path) -> Stranger:
    modules = npm("slip39", "0.1.9")

    def run(vault: Custody, holders: tuple[int, ...]) -> subprocess.CompletedProcess[bytes]:
        for holder in holders:
            copied = tmp_path / f"holder-{holder}"
            shutil.copytree(vault.folder(holder), copied)
            token_file.leave_passphrase(str(copied), vault.passphrases[HolderNumber(holder)])
        return subprocess.run(
            [node, SCRIPT, modules, tmp_path], check=False, timeout=TIMEOUT_S, capture_output=True
        )

    return run


@pytest.mark.clause("FORMAT 10.4")
def test_three_of_five_tokens_give_a_stranger_the_key_of_the_policy(
    vault: Custody, stranger: Stranger, tmp_path: Path
) -> None:
    done = stranger(vault, (2, 3, 5))
    assert done.returncode == 0, done.stderr
    identity = Identity.from_seed(bytes.fromhex((tmp_path / "out").read_text()))
    assert identity.recipient == vault.signed.vault


def test_two_tokens_give_a_stranger_nothing(vault: Custody, stranger: Stranger, tmp_path: Path) -> None:
    assert stranger(vault, (2, 3)).returncode != 0
    assert not (tmp_path / "out").exists()
