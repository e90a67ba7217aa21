"""Which disks may be mounted: a verified header of this vault, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.compose import drive_judge
from appliance.compose.job import AnyJob, PrepareJob, RepairJob, ScrubJob, WindowJob
from appliance.domain.ids import VaultId
from appliance.format import drive_header
from tests.unit.test_drive_set import FACTS, LOG, make

SCRUB = ScrubJob(home="/srv/box")


def header(place: Path, *, key: Ed25519PrivateKey | None = None, vault: bytes | None = None) -> bytes:
    facts = FACTS if vault is None else replace(FACTS, vault=VaultId(vault))
    drive = make(place, 1, 0, facts, key) if key is not None else make(place, 1, 0, facts)
    return drive.files.read(drive_header.FILE_NAME, drive_header.HEADER_BYTES_MAX)


def takes(content: bytes) -> bool:
    return drive_judge.of(LOG, FACTS.vault, SCRUB).is_ours(content)


def test_a_header_that_we_signed_is_taken(tmp_path: Path) -> None:
    assert takes(header(tmp_path))


@pytest.mark.clause("FORMAT 6.1")
def test_no_flipped_bit_of_a_header_has_its_disk_mounted(tmp_path: Path) -> None:
    good = header(tmp_path)
    for place in range(len(good)):
        for bit in range(8):
            spoilt = bytearray(good)
            spoilt[place] ^= 1 << bit
            assert not takes(bytes(spoilt))


def test_a_header_of_another_box_or_vault_is_not_taken(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    assert not takes(header(tmp_path, key=other))
    (tmp_path / "second").mkdir()
    assert not takes(header(tmp_path / "second", vault=b"w" * 16))


@pytest.mark.parametrize("content", [b"", b"\0" * 100, os.urandom(300), b"iwato-drive 1\n", b"x" * 5000])
def test_what_is_no_header_is_not_taken_and_is_no_error(content: bytes) -> None:
    assert not takes(content)
    assert not drive_judge.by_form().is_ours(content)


def test_a_header_with_anything_behind_it_is_not_taken_if_it_is_longer_than_any(tmp_path: Path) -> None:
    assert not takes(header(tmp_path) + b"\n" * drive_header.HEADER_BYTES_MAX)


def test_without_a_policy_whatever_calls_itself_a_drive_is_looked_at(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    assert drive_judge.by_form().is_ours(header(tmp_path, key=other))


@pytest.mark.parametrize(
    ("job", "may"),
    [
        (SCRUB, False),
        (WindowJob(home="/srv/box"), False),
        (PrepareJob(home="/srv/box"), True),
        (RepairJob(home="/srv/box"), True),
    ],
)
def test_only_jobs_that_make_drives_of_blank_disks_get_them_mounted(job: AnyJob, may: bool) -> None:
    assert drive_judge.of(LOG, FACTS.vault, job).blank_too is may
