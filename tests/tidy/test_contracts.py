"""The layers are law: the tree keeps every contract, and one bad import breaks exactly the one it should.

The bad import is planted in a copy of the real tree; import-linter reads the copy in a process of its
own, because this one has already loaded the real packages.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.tidy.tree import PRODUCT, PROJECT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One bad import: the contract it breaks, and what is appended to which files."""

    contract: str
    why: str
    lines: dict[str, str]


PLANTED = [
    Planted(
        contract="layers", why="a core looks sideways at another core",
        lines={"appliance/ledger/planted.py": "import appliance.window\n"},
    ),
    Planted(
        contract="stages", why="a stage calls another stage instead of leaving that to flow.py",
        lines={
            "appliance/pipeline/scatter.py": "from appliance.pipeline import compress as planted\n",
            "appliance/pipeline/compress.py": "",
        },
    ),
    Planted(
        contract="pure", why="a word of the domain reads the clock",
        lines={"appliance/domain/planted.py": "import time\n"},
    ),
    Planted(
        contract="firmware", why="the firmware leans on the controller",
        lines={"firmware/planted.py": "import appliance.words\n"},
    ),
    Planted(
        contract="wire", why="the phase table speaks to the interlock itself",
        lines={"appliance/window/planted.py": "import firmware.wire\n"},
    ),
    Planted(
        contract="twin", why="something shipped reaches the emulated hardware",
        lines={"hw/planted.py": "import hw.twin\n"},
    ),
    Planted(
        contract="acyclic", why="two files need each other",
        lines={
            "appliance/domain/planted.py": "import appliance.domain.planted_too\n",
            "appliance/domain/planted_too.py": "import appliance.domain.planted\n",
        },
    ),
    Planted(
        contract="composition", why="a face picks its own adapter",
        lines={"appliance/cli/planted.py": "import appliance.adapters\n"},
    ),
]


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def broken(root: Path) -> set[str]:
    """The ids of the contracts that the tree below `root` breaks; fails where it could not be read."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )
    names = {contract["name"]: contract["id"] for contract in contracts()}
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)", done.stdout, flags=re.MULTILINE))
    assert set(names) <= set(verdicts), done.stdout + done.stderr
    return {names[name] for name, verdict in verdicts.items() if verdict == "BROKEN"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in PRODUCT:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    assert not broken(PROJECT)


@pytest.mark.planted
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.contract)
def test_a_bad_import_breaks_exactly_its_contract(copy: Path, planted: Planted) -> None:
    for path, line in planted.lines.items():
        with (copy / path).open("a", encoding="utf-8") as file:
            file.write(line)
    assert broken(copy) == {planted.contract}, planted.why


def test_every_contract_has_its_planted_import() -> None:
    assert [contract["id"] for contract in contracts()] == [planted.contract for planted in PLANTED]


def test_every_core_that_exists_is_held_to_be_pure() -> None:
    pure = next(contract for contract in contracts() if contract["id"] == "pure")
    cores = ["domain", "format", "window", "custody", "ledger", "pipeline", "detect", "ports"]
    product = PROJECT / "appliance"
    existing = {f"appliance.{core}" for core in cores if (product / core).exists()}
    assert existing <= set(pure["source_modules"])
