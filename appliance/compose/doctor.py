"""What `iwato doctor` looks at: the machine, then the home. Powers nothing up and changes nothing.

A finding is an error as a command would say it, so it has its code, its sentence and its remedy in both
languages. What is in order is named too: a check that was not made is never "in order".
"""

from __future__ import annotations

import locale
import platform
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from appliance.adapters import key_process, reed_solomon
from appliance.adapters.reed_solomon import PlainReedSolomon
from appliance.compose import config_file
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_WARNINGS,
    IwatoError,
    MachineExposed,
    ParitySlow,
    RoomShort,
    SwapInUse,
    TerminalPoor,
)
from appliance.format import age_selftest
from appliance.service import intake_given
from hw.twin import confine, syscall_filter

Check = Callable[[], Iterator[IwatoError]]
LANDLOCK_WHOLE = 3  # ABI; from here on the kernel confines truncation by itself (hw/README)


def examine(root: Path | None) -> Mapping[str, Any]:
    """{checks: [{name, findings: [{code, values}]}], exit}: every check with what it found. Without a root
    the machine alone."""
    home = None if root is None else Home(root)
    checks = [(name, list(check())) for name, check in _checks(home)]
    return {
        "checks": [{"name": name, "findings": [_told(f) for f in findings]} for name, findings in checks],
        "exit": _exit({finding.exit_status for _, findings in checks for finding in findings}),
    }


def _exit(found: set[int]) -> int:
    if not found:
        return EXIT_OK
    return EXIT_WARNINGS if found == {EXIT_WARNINGS} else EXIT_FAILED


def _told(finding: IwatoError) -> Mapping[str, Any]:
    return {"code": finding.code, "values": {key: str(value) for key, value in finding.values.items()}}


def _checks(home: Home | None) -> Iterator[tuple[str, Check]]:
    yield "encryption", _encryption
    yield "parity", _parity
    yield "confinement", _confinement
    yield "memory", _memory
    yield "terminal", _terminal
    if home is not None:
        yield "home", lambda: _failing(home.require, home.require_born)
        yield "privacy", lambda: _privacy(home)
        yield "settings", lambda: _failing(lambda: config_file.read(home))
        yield "policy", lambda: _failing(lambda: PolicyFiles(home.policy).policy)
        yield "room", lambda: _room(home)


def _failing(*acts: Callable[[], object]) -> Iterator[IwatoError]:
    """What the acts raise, as a finding."""
    try:
        for act in acts:
            act()
    except IwatoError as error:
        yield error


def _encryption() -> Iterator[IwatoError]:
    return _failing(age_selftest.self_test)


def _parity() -> Iterator[IwatoError]:
    if isinstance(reed_solomon.choose(), PlainReedSolomon):
        yield ParitySlow(machine=platform.machine())


def _confinement() -> Iterator[IwatoError]:
    """What stands in for the controller's hardware on the emulated board."""
    if not confine.abi():
        yield MachineExposed(detail="no Landlock")
    elif confine.abi() < LANDLOCK_WHOLE and not syscall_filter.known():
        yield MachineExposed(detail=f"Landlock {confine.abi()} and no system call filter")


def _memory() -> Iterator[IwatoError]:
    if key_process.has_swap() and not key_process.may_lock():
        yield SwapInUse()


def _terminal() -> Iterator[IwatoError]:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.upper().replace("-", "") != "UTF8":
        yield TerminalPoor(encoding=encoding)


def _privacy(home: Home) -> Iterator[IwatoError]:
    """Nobody else may read what lies in the home."""
    for place in (home.tokens, home.seal_state, home.intake_state, home.emulated):
        if place.is_dir() and stat.S_IMODE(place.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            yield MachineExposed(detail=f"others may enter {place}")


def _room(home: Home) -> Iterator[IwatoError]:
    for place in (home.staging, *sorted(path for path in _bays(home.bays) if path.is_dir())):
        if place.is_dir():
            free = shutil.disk_usage(place).free
            if free < intake_given.RESERVE_BYTES:
                yield RoomShort(path=place, free=free, needed=intake_given.RESERVE_BYTES)


def _bays(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())
