"""Rules on the shape of code: lengths, names, docstrings. Each rule maps one file to its findings.

A limit may be exceeded only by an entry here that says why. Does not read what the code does.
"""

import ast
from collections.abc import Mapping
from pathlib import PurePosixPath

from tests.tidy.tree import Source

FILE_LINES_MAX = 300  # lines; the best typed Python projects have a median of 68-153
FUNCTION_LINES_MAX = 60  # lines; their median function has 5-13

# path → (limit in lines, reason)
LONG_FILES: Mapping[str, tuple[int, str]] = {
    "appliance/errors.py": (1500, "every error in one tree, so that a code is found in one place"),
    "appliance/ports.py": (600, "every port in one file, so that all a service may ask for is seen"),
    "appliance/rosetta/iwato_rosetta.py": (
        660, "a stranger gets one file; tests/contract/test_rosetta.py holds its lines of code to 500"
    ),
    "appliance/rosetta/iwato_ledger.py": (
        620, "as the reader above; a quarter of it are sentences in two languages"
    ),
    "firmware/interlock/logic/tables.c": (
        700, "made from the model's literals by tests/firmware/c_tables.py"
    ),
}
# "path:function" → (limit in lines, reason)
LONG_FUNCTIONS: Mapping[str, tuple[int, str]] = {}

# Names that say nothing, so everything ends up behind them.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "misc"}


def file_length(source: Source) -> list[str]:
    """Product code has files that can be read in one sitting."""
    limit, _ = LONG_FILES.get(source.path, (FILE_LINES_MAX, ""))
    if not source.is_product or PurePosixPath(source.path).suffix not in {".py", ".c", ".h"}:
        return []
    if source.line_count <= limit:
        return []
    return [f"{source.path}: {source.line_count} lines, at most {limit}"]


def function_length(source: Source) -> list[str]:
    """A function fits on a screen."""
    if not source.is_python:
        return []
    findings = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        limit, _ = LONG_FUNCTIONS.get(f"{source.path}:{node.name}", (FUNCTION_LINES_MAX, ""))
        if length > limit:
            findings.append(f"{source.path}:{node.lineno}: {node.name} has {length} lines, at most {limit}")
    return findings


def noun_name(source: Source) -> list[str]:
    """Files and folders are named for one noun."""
    parts = PurePosixPath(source.path).with_suffix("").parts
    return [f"{source.path}: {part!r} names nothing" for part in parts if part.lower() in EMPTY_NAMES]


def module_docstring(source: Source) -> list[str]:
    """A product module says what it is for; an `__init__` without code needs no words."""
    if not (source.is_product and source.is_python) or not source.tree.body:
        return []
    return [] if ast.get_docstring(source.tree) else [f"{source.path}: no module docstring"]


RULES = (file_length, function_length, noun_name, module_docstring)
