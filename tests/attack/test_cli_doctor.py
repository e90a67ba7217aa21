"""`iwato doctor` on a real home: it says every check, and each thing that is wrong by its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import errors
from tests.attack.command_line import Ended, iwato
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox


@pytest.fixture
def box(vault: Vault, tmp_path: Path) -> VirtualBox:
    return vault.box.copy(tmp_path / "home")


def doctor(box: VirtualBox, **env: str) -> Ended:
    return iwato("doctor", "--json", "--home", str(box.root), env=env)


def found(ended: Ended) -> dict[str, list[str]]:
    """The codes by check, where anything was found."""
    checks = ended.document["checks"]
    return {c["name"]: [f["code"] for f in c["findings"]] for c in checks if c["findings"]}


def test_a_sound_home_has_every_check_in_order_and_stays_as_it_was(box: VirtualBox) -> None:
    before = {path: path.stat().st_mtime_ns for path in box.root.rglob("*")}
    ended = doctor(box)
    assert found(ended).keys() <= {"parity", "confinement"}, "this machine's own"
    assert {c["name"] for c in ended.document["checks"]} >= {"encryption", "policy", "room", "settings"}
    assert {path: path.stat().st_mtime_ns for path in box.root.rglob("*")} == before


def opened(box: VirtualBox) -> None:
    box.home.tokens.chmod(0o755)


def unset(box: VirtualBox) -> None:
    (box.root / "config.toml").write_text("[intake]\nlevel = 99\n")


def forged(box: VirtualBox) -> None:
    text = box.home.policy / "policy-1.txt"
    text.write_bytes(text.read_bytes().replace(b"delay 72h", b"delay 00h"))


def half_born(box: VirtualBox) -> None:
    box.home.unborn.touch()


@pytest.mark.parametrize(
    ("harm", "check", "code", "status"),
    [
        (opened, "privacy", errors.MachineExposed.code, errors.EXIT_WARNINGS),
        (unset, "settings", errors.ConfigInvalid.code, errors.EXIT_FAILED),
        (forged, "policy", "", errors.EXIT_FAILED),
        (half_born, "home", errors.BirthInterrupted.code, errors.EXIT_FAILED),
    ],
)
def test_what_is_wrong_is_found_by_the_check_that_looks_for_it(
    box: VirtualBox, harm: Callable[[VirtualBox], None], check: str, code: str, status: int
) -> None:
    harm(box)
    ended = doctor(box)
    assert ended.status == status
    assert found(ended)[check][0].startswith(code or "IW-4")


def test_a_terminal_without_our_letters_is_named(box: VirtualBox) -> None:
    assert found(doctor(box, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"))["terminal"]


def test_without_a_home_the_machine_alone_is_looked_at(tmp_path: Path) -> None:
    ended = iwato("doctor")
    assert "--home" in ended.out
    assert "policy" not in ended.out
    missing = iwato("doctor", "--home", str(tmp_path / "none"))
    assert missing.code == errors.HomeMissing.code


def test_a_home_may_lie_deeper_than_a_sockets_address_is_long(box: VirtualBox, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "home"
    deep.parent.mkdir()
    box.root.rename(deep)
    assert iwato("status", "--home", str(deep)).status == errors.EXIT_OK
