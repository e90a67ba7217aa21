"""Drives are known by their signed header alone; everything else is a finding and stays untouched."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.directory import Directory
from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, DriveIndex, VaultId
from appliance.errors import (
    DriveBlank,
    DriveDuplicate,
    DriveFailed,
    DriveForeign,
    DriveHeaderDamaged,
    DrivesTooFew,
    IwatoError,
)
from appliance.format import drive_header
from appliance.format.drive_header import DriveHeader, DriveSetFacts
from appliance.format.note_key import KeyKind, NoteKey
from appliance.service import drive_set
from appliance.service.drive_set import DriveSet
from tests.simulation.sealing_bench import Attached

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LOG = NoteKey(name="iwato/test", kind=KeyKind.ED25519, public_key=KEY.public_key().public_bytes_raw())
FACTS = DriveSetFacts(
    vault=VaultId(b"v" * 16), number=1, geometry=Geometry(data=2, parity=1, write_quorum=3), generation=1
)


def entropy(length: int) -> bytes:
    return bytes(range(length))


def make(
    root: Path, bay: int, index: int, facts: DriveSetFacts = FACTS, key: Ed25519PrivateKey = KEY
) -> Attached:
    place = root / str(bay)
    place.mkdir(exist_ok=True)
    files = Directory(place)
    name = "iwato/test" if key is KEY else "iwato/other"
    log = NoteKey(name=name, kind=KeyKind.ED25519, public_key=key.public_key().public_bytes_raw())
    drive_set.prepare(files, facts, DriveIndex(index), log, key.sign, entropy)
    return Attached(Bay(bay), files)


def identify(*attached: Attached) -> DriveSet:
    return drive_set.identify(attached, FACTS, LOG)


def finding(*attached: Attached) -> IwatoError:
    found = identify(*attached)
    assert len(found.findings) == 1
    return found.findings[0]


geometries = st.builds(
    lambda data, parity, spare: Geometry(data=data, parity=parity, write_quorum=data + min(spare, parity)),
    st.integers(2, 8), st.integers(1, 8), st.integers(0, 8),
)


@pytest.mark.clause("FORMAT 6.2")
@given(st.binary(min_size=16, max_size=16), st.integers(1, 9999), geometries, st.integers(1, 9999), st.data())
def test_a_header_reads_back_as_it_was_written(
    vault: bytes, number: int, geometry: Geometry, generation: int, data: st.DataObject
) -> None:
    facts = DriveSetFacts(vault=VaultId(vault), number=number, geometry=geometry, generation=generation)
    index = DriveIndex(data.draw(st.integers(0, geometry.drives - 1)))
    header = DriveHeader(set=facts, index=index, drive=vault)
    assert drive_header.parse(header.text()) == header


@given(st.text())
def test_other_texts_are_no_header(text: str) -> None:
    with pytest.raises(ValueError, match=r"header|drives"):
        drive_header.parse(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [("index 0", "index 00"), ("index 0", "index 3"), ("set 1", "set 0"), ("vault 7", "vault G"),
     ("\n", "\r\n"), ("drives 2+1", "drives 1+1"), ("write=3", "write=4"),
     ("iwato-drive 1", "iwato-drive 2")],
)
def test_a_header_has_one_spelling_and_sound_numbers(old: str, new: str) -> None:
    text = DriveHeader(set=FACTS, index=DriveIndex(0), drive=bytes(16)).text()
    assert old in text
    with pytest.raises(ValueError, match=r".+"):
        drive_header.parse(text.replace(old, new, 1))


@pytest.mark.clause("FORMAT 6.1")
def test_drives_are_known_by_header_whatever_bay_they_are_in(tmp_path: Path) -> None:
    found = identify(make(tmp_path, 3, 0), make(tmp_path, 1, 2), make(tmp_path, 2, 1))
    assert [(drive.index, drive.bay) for drive in found.readable] == [(0, 3), (1, 2), (2, 1)]
    assert found.missing == ()
    assert found.findings == ()


@pytest.mark.clause("FORMAT 6.2")
def test_no_flipped_bit_of_a_header_is_taken(tmp_path: Path) -> None:
    attached = make(tmp_path, 1, 0)
    path = tmp_path / "1" / drive_header.FILE_NAME
    content = path.read_bytes()
    for position in range(len(content)):
        spoilt = bytearray(content)
        spoilt[position] ^= 1 << position % 8
        path.write_bytes(spoilt)
        found = identify(attached)
        assert found.readable == (), position
        assert isinstance(found.findings[0], DriveHeaderDamaged | DriveForeign)


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"\xff" * 10, b"iwato-drive 1\n\n"])
def test_a_header_that_cannot_be_read_is_damaged(tmp_path: Path, content: bytes) -> None:
    attached = make(tmp_path, 1, 0)
    (tmp_path / "1" / drive_header.FILE_NAME).write_bytes(content)
    assert isinstance(finding(attached), DriveHeaderDamaged)


@pytest.mark.clause("FORMAT 6.2")
@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, vault=VaultId(b"w" * 16)),
        replace(FACTS, number=2),
        replace(FACTS, generation=2),
        replace(FACTS, geometry=Geometry(data=2, parity=2, write_quorum=3)),
        replace(FACTS, geometry=Geometry(data=2, parity=1, write_quorum=2)),
    ],
)
def test_a_drive_of_another_vault_set_or_generation_is_refused(tmp_path: Path, facts: DriveSetFacts) -> None:
    assert isinstance(finding(make(tmp_path, 1, 0, facts)), DriveForeign)


def test_another_boxs_drive_is_foreign_and_a_forged_one_of_our_vault_is_refused(tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    assert isinstance(
        finding(make(tmp_path, 1, 0, replace(FACTS, vault=VaultId(b"w" * 16)), stranger)), DriveForeign
    )
    assert isinstance(finding(make(tmp_path, 2, 0, FACTS, stranger)), DriveHeaderDamaged)


def test_a_blank_drive_is_blank(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    assert isinstance(finding(Attached(Bay(1), Directory(tmp_path / "1"))), DriveBlank)


def test_a_drive_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    attached = make(tmp_path, 1, 0)
    dead = Attached(attached.bay, Directory(tmp_path / "1", alive=lambda: False))
    assert isinstance(finding(dead), DriveFailed)


@pytest.mark.parametrize("make_it", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_something_else_under_the_headers_name_is_damage(
    tmp_path: Path, make_it: Callable[[Path], None]
) -> None:
    attached = make(tmp_path, 1, 0)
    (tmp_path / "1" / drive_header.FILE_NAME).unlink()
    make_it(tmp_path / "1" / drive_header.FILE_NAME)
    assert isinstance(finding(attached), DriveHeaderDamaged)


@pytest.mark.clause("FORMAT 6.2")
def test_neither_of_two_drives_with_one_number_is_used(tmp_path: Path) -> None:
    first, other = make(tmp_path, 1, 0), make(tmp_path, 3, 1)
    shutil.copytree(tmp_path / "1", tmp_path / "2")
    found = identify(first, Attached(Bay(2), Directory(tmp_path / "2")), other)
    assert [drive.index for drive in found.readable] == [1]
    assert isinstance(found.findings[0], DriveDuplicate)


def test_a_prepared_drive_cannot_be_prepared_again(tmp_path: Path) -> None:
    make(tmp_path, 1, 0)
    with pytest.raises(FileExistsError):
        make(tmp_path, 1, 1)


def test_a_drive_whose_write_failed_is_read_but_not_written(tmp_path: Path) -> None:
    found = identify(make(tmp_path, 1, 0), make(tmp_path, 2, 1))
    found.fail(DriveIndex(0), OSError(5, "first"))
    found.fail(DriveIndex(0), OSError(28, "second"))
    assert [drive.index for drive in found.writable] == [1]
    assert len(found.readable) == 2
    assert "first" in str(found.failures[DriveIndex(0)])
    found.require(1)
    with pytest.raises(DrivesTooFew):
        found.require(2)


def test_small_files_are_put_where_they_are_missing(tmp_path: Path) -> None:
    found = identify(make(tmp_path, 1, 0), make(tmp_path, 2, 1))
    drive_set.put_missing(found, {"policy/policy-1.txt": b"one"})
    drive_set.put_missing(found, {"policy/policy-1.txt": b"two", "policy/policy-2.txt": b"two"})
    for bay in ("1", "2"):
        assert (tmp_path / bay / "policy/policy-1.txt").read_bytes() == b"one"
        assert (tmp_path / bay / "policy/policy-2.txt").read_bytes() == b"two"


@pytest.mark.planted
def test_the_flipped_bits_catch_a_reader_that_verifies_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached = make(tmp_path, 1, 0)
    path = tmp_path / "1" / drive_header.FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"index 0", b"index 1"))
    assert identify(attached).readable == ()
    monkeypatch.setattr(NoteKey, "verify", lambda *_: None)
    assert identify(attached).readable
