"""The firmware's own C as text: tables, size, style, what it may not use, and what analysers say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from firmware.interlock import build, foreign
from tests import depth
from tests.firmware import c_tables, host_build

MADE = {"tables.c", "tables.h"}
LINES_MAX = 2400  # own lines of code; 1,500 were planned before policies could follow each other (README.md)
FORBIDDEN = re.compile(
    r"\b(malloc|calloc|realloc|free|alloca|printf|strlen|strcpy|memmove|memchr|float|double|goto)\b"
)
CHECKS = (
    "-*,bugprone-*,clang-analyzer-*,cert-*,misc-*,-bugprone-easily-swappable-parameters,"
    # memcpy is the only way to copy here, and its bounds are what the walks under the sanitizer are for.
    "-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
)
# The vector table is read by the core.
SUPPRESSED = ("--suppress=missingIncludeSystem", "--suppress=unusedStructMember:*/start.c")
PLATFORM = build.HERE / "rp2040"
ANALYSED_AS = ("-std=c11", "-ffreestanding", f"-I{host_build.LOGIC}", *foreign.INCLUDES)


def own() -> list[Path]:
    files = sorted(host_build.LOGIC.iterdir())
    return [path for path in files if path.suffix in {".c", ".h"} and path.name not in MADE]


SOURCES = [*(path for path in own() if path.suffix == ".c"), *sorted(PLATFORM.glob("*.c"))]
ANALYSED = SOURCES[: depth.many(1, len(SOURCES))]  # some seconds for each


def code(text: str) -> str:
    """Without comments."""
    return re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


def functions(text: str) -> list[tuple[str, int]]:
    """First line and length of each function."""
    found, begin = [], None
    for number, line in enumerate(text.splitlines()):
        if begin is None and line.endswith(") {") and not line.startswith("     " * 2 + "if"):
            begin = (line, number)
        if line == "}" and begin is not None:
            found.append((begin[0], number - begin[1] + 1))
            begin = None
    return found


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_tables_are_those_of_the_model(name: str) -> None:
    made = c_tables.FILES[name]()
    assert (host_build.LOGIC / name).read_text(encoding="utf-8") == made, "python -m tests.firmware.c_tables"


@pytest.mark.planted
def test_a_changed_limit_would_leave_the_tables_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.model.limits.GAP_S", 61)
    assert c_tables.header() != (host_build.LOGIC / "tables.h").read_text(encoding="utf-8")


def test_the_own_code_stays_small() -> None:
    lines = [
        line for path in own() for line in code(path.read_text(encoding="utf-8")).splitlines() if line.strip()
    ]
    assert 1000 < len(lines) <= LINES_MAX


@pytest.mark.parametrize("path", own(), ids=lambda path: path.name)
def test_a_file_is_short_and_uses_no_heap_no_float_and_no_library(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert max(len(line) for line in text.splitlines()) <= 120
    assert not FORBIDDEN.findall(code(text))
    assert not [one for one in functions(text) if one[1] > 60]


@pytest.mark.needs("interlock_host", "cppcheck")
def test_cppcheck_has_nothing_to_say() -> None:
    options = ["--enable=warning,style,performance,portability", "--std=c11", "--error-exitcode=1", "--quiet"]
    done = subprocess.run(
        ["cppcheck", *options, *SUPPRESSED, f"-I{host_build.LOGIC}", str(host_build.LOGIC), str(PLATFORM)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.needs("interlock_host", "clang-tidy")
@pytest.mark.parametrize("path", ANALYSED, ids=lambda one: f"{one.parent.name}-{one.name}")
def test_clang_tidy_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(
        ["clang-tidy", f"-checks={CHECKS}", "--warnings-as-errors=*", str(path), "--", *ANALYSED_AS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
