"""Anybody can check the holders' signatures with stock OpenSSH and the files of the policy folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.custody import votes
from tests.unit import custody_box
from tests.unit.custody_box import Custody

TIMEOUT_S = 60  # s; a hang, not a measurement
pytestmark = pytest.mark.needs("ssh-keygen")


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return custody_box.bear(tmp_path_factory.mktemp("tokens"))


@pytest.fixture
def folder(vault: Custody, tmp_path: Path) -> Path:
    for name, content in vault.born.files().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def accepts(
    folder: Path, text: str, signature: str, holder: int, namespace: str = votes.POLICY_NAMESPACE
) -> bool:
    words = [
        "-Y",
        "verify",
        "-f",
        "allowed_signers",
        "-I",
        f"holder-{holder}",
        "-n",
        namespace,
        "-s",
        signature,
    ]
    with (folder / text).open("rb") as stream:
        done = subprocess.run(
            ["ssh-keygen", *words],
            cwd=folder,
            stdin=stream,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    return done.returncode == 0


@pytest.mark.clause("THREATS 3.4")
def test_every_holders_signature_of_the_policy_is_accepted(folder: Path) -> None:
    assert all(accepts(folder, "policy-1.txt", f"policy-1.{holder}.sig", holder) for holder in range(1, 6))


def test_every_holders_signature_of_the_births_transcript_is_accepted(folder: Path) -> None:
    assert all(
        accepts(folder, "birth.txt", f"birth.{holder}.sig", holder, votes.CEREMONY_NAMESPACE)
        for holder in range(1, 6)
    )


@pytest.mark.clause("THREATS 3.3")
@pytest.mark.clause("THREATS 3.4")
def test_another_holder_text_or_purpose_is_refused(folder: Path) -> None:
    assert not accepts(folder, "policy-1.txt", "policy-1.1.sig", 2)
    assert not accepts(folder, "birth.txt", "policy-1.1.sig", 1)
    assert not accepts(folder, "policy-1.txt", "policy-1.1.sig", 1, votes.ORDER_NAMESPACE)
    assert not accepts(folder, "policy-1.txt", "policy-1.1.sig", 9)
