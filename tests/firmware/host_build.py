"""The firmware's logic as a program on this machine: third-party C fetched once, compiled with sanitizers.

`program()` is made once per set of sources and kept in build/; `planted` replaces text in sources
before they are compiled, for negative controls.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from firmware.interlock import foreign

PROJECT = Path(__file__).parents[2]
INTERLOCK = PROJECT / "firmware" / "interlock"
LOGIC = INTERLOCK / "logic"
BUILD = PROJECT / "build" / "interlock-host"
WARNINGS = (
    *(
        "-std=c11",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Wconversion",
        "-Wshadow",
        "-Wundef",
        "-Wvla",
    ),
    *("-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror"),
)
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
def lacking() -> str:
    """Why there is no host build here; "" where there is one."""
    return "gcc is not installed" if shutil.which("gcc") is None else foreign.lacking()


def _compile(arguments: list[str], compiler: str = "gcc") -> None:
    done = subprocess.run([compiler, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@cache
def _third_party() -> list[str]:
    """Object files of the foreign C, which our warnings are not for."""
    place = BUILD / "third-party"
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for source in foreign.sources():
        target = place / f"{source.stem}.o"
        if not target.is_file():
            _compile(["-O2", *foreign.INNER_INCLUDES, "-c", str(source), "-o", str(target)])
        made.append(str(target))
    return made


Change = tuple[str, str, str]  # file, text in it, and what stands there instead


def program(*, planted: Sequence[Change] = ()) -> Path:
    """The sanitized program, with the changes of `planted`."""
    return _made("host.c", [*WARNINGS, *SANITIZERS], planted)


def fuzzer(define: str, *, planted: Sequence[Change] = ()) -> Path:
    """libFuzzer's program; `define` chooses the target, FUZZ_FRAME or FUZZ_STEP."""
    options = ["-std=c11", "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
    return _made("fuzz.c", [*options, f"-D{define}"], planted, "clang")


def _made(main: str, options: list[str], planted: Sequence[Change], compiler: str = "gcc") -> Path:
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(LOGIC.iterdir())}
    texts[main] = (INTERLOCK / "host" / main).read_text(encoding="utf-8")
    for name, before, after in planted:
        assert texts[name].count(before) == 1, f"{before!r} is not in {name} exactly once"
        texts[name] = texts[name].replace(before, after)
    digest = hashlib.sha256(repr((sorted(texts.items()), options, compiler)).encode()).hexdigest()[:16]
    place = BUILD / digest
    target = place / "program"
    if target.is_file():
        return target
    place.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")
    sources = [str(place / name) for name in texts if name.endswith(".c")]
    made = place / f"made-{os.getpid()}"  # two test processes may build the same
    _compile([*options, *foreign.INCLUDES, *sources, *_third_party(), "-o", str(made)], compiler)
    made.rename(target)
    return target
