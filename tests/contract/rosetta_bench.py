"""Running the stand-alone reader: as a stranger would, and in this process where a test needs many runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.rosetta import iwato_rosetta

READER = Path(iwato_rosetta.__file__)
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "v1"
TIMEOUT_S = 300  # s; a run takes a second or two on a loaded machine
# Runs a file as a program while nothing of the product can be imported, wherever it is installed.
_ALONE = """
import runpy, sys
for name in ("appliance", "firmware", "hw", "tests"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run left."""

    status: int
    out: str
    err: str


def words(drives: Sequence[Path], tokens: Sequence[Path], target: Path, *more: str) -> list[str]:
    """The command line of a restore."""
    return [*map(str, drives), "--token", *map(str, tokens), "--target", str(target), *more]


def alone(reader: Path, *arguments: str) -> Ran:
    """The reader in a process of its own: isolated, away from the project, without any module of it."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ALONE, str(reader), *arguments],
        cwd="/", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    return Ran(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


Here = Callable[[Sequence[str]], Ran]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The reader in this process."""

    def run(arguments: Sequence[str]) -> Ran:
        monkeypatch.setattr(sys, "argv", ["iwato-rosetta", *arguments])
        monkeypatch.setattr(iwato_rosetta, "FINDINGS", [])
        status = iwato_rosetta.main()
        said = capsys.readouterr()
        return Ran(status=status, out=said.out, err=said.err)

    return run
