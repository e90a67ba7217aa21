"""I8 as a test of the source: nothing that works on drives can remove, replace or shorten a file."""

import ast
from pathlib import Path

import pytest

SERVICE = Path(__file__).resolve().parents[2] / "appliance" / "service"
DRIVE_SIDE = (
    "drive_set", "gather", "ledger_copies", "pack_catalogue", "pack_placing", "pack_shards", "scrub",
    "seal_entry", "shard_healing", "shard_repair", "shard_writer", "staged_window", "stripe_buffer",
    "stripe_workers",
)
MIXED = ("sealing",)  # works on staging too, which is scratch: there, and only there, it may recycle
FORBIDDEN = frozenset(
    {"recycle", "replace", "sweep", "unlink", "truncate", "remove", "rename", "rmdir", "rmtree"}
)
IMPORTS = frozenset({"os", "shutil", "pathlib", "subprocess", "tempfile"})


def offences(source: str, allowed_owner: str = "") -> list[str]:
    """Calls of a forbidden method, and imports by which one could do without it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN:
            owner = ast.unparse(node.value)
            if not allowed_owner or owner != allowed_owner:
                found.append(f"{owner}.{node.attr}")
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in IMPORTS]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in IMPORTS:
            found.append(str(node.module))
    return found


@pytest.mark.invariant("I8")
@pytest.mark.clause("FORMAT 6.4")
@pytest.mark.parametrize("name", DRIVE_SIDE)
def test_no_drive_side_module_can_remove_or_replace_a_file(name: str) -> None:
    assert offences((SERVICE / f"{name}.py").read_text(encoding="utf-8")) == []


@pytest.mark.clause("FORMAT 6.4")
@pytest.mark.parametrize("name", MIXED)
def test_sealing_recycles_in_staging_alone(name: str) -> None:
    assert offences((SERVICE / f"{name}.py").read_text(encoding="utf-8"), "self._staging") == []


@pytest.mark.invariant("I8")
@pytest.mark.planted
@pytest.mark.parametrize(
    "source",
    ["drive.files.recycle(name)", "import os\nos.unlink(p)", "from shutil import rmtree", "files.replace"],
)
def test_the_rule_catches_a_way_to_remove(source: str) -> None:
    assert offences(source)
    assert offences(source, "self._staging")
