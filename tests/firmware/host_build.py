"""The firmware's logic as a program on this machine: third-party C fetched once, compiled with sanitizers.

`program()` is made once per set of sources and kept in build/; `planted` replaces text in sources
before they are compiled, for negative controls.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
INTERLOCK = PROJECT / "firmware" / "interlock"
LOGIC = INTERLOCK / "logic"
BUILD = PROJECT / "build" / "interlock-host"
THIRD_PARTY = PROJECT / "build" / "third-party"
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
# What P-256 verification and SHA-2 need of BearSSL.
BEARSSL = (
    *("ec/ec_p256_m15", "ec/ec_secp256r1", "ec/ec_secp384r1", "ec/ec_secp521r1", "ec/ecdsa_i15_bits"),
    *(
        "ec/ecdsa_i15_vrfy_raw",
        "hash/sha2big",
        "hash/sha2small",
        "codec/ccopy",
        "codec/dec32be",
        "codec/dec32le",
    ),
    *("codec/enc32be", "codec/dec64be", "codec/enc64be", "codec/enc32le", "int/i15_add", "int/i15_bitlen"),
    *(
        "int/i15_decmod",
        "int/i15_decode",
        "int/i15_decred",
        "int/i15_encode",
        "int/i15_fmont",
        "int/i15_iszero",
    ),
    *(
        "int/i15_modpow",
        "int/i15_montmul",
        "int/i15_muladd",
        "int/i15_ninv15",
        "int/i15_rshift",
        "int/i15_sub",
    ),
    *("int/i15_tmont", "int/i32_div32"),
)


@cache
def lacking() -> str:
    """Why there is no host build here; "" where there is one."""
    if shutil.which("gcc") is None:
        return "gcc is not installed"
    if shutil.which("curl") is None and not (THIRD_PARTY / "complete").is_file():
        return "curl is not installed"
    fetched = subprocess.run(
        ["sh", str(INTERLOCK / "fetch.sh"), str(THIRD_PARTY)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        "" if fetched.returncode == 0 else f"BearSSL or Monocypher cannot be fetched: {fetched.stderr[-120:]}"
    )


def _compile(arguments: list[str], compiler: str = "gcc") -> None:
    done = subprocess.run([compiler, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@cache
def _third_party() -> list[str]:
    """Object files of the foreign C, which our warnings are not for."""
    place = BUILD / "third-party"
    place.mkdir(parents=True, exist_ok=True)
    bearssl, monocypher = THIRD_PARTY / "bearssl", THIRD_PARTY / "monocypher"
    made = []
    for source in (*(bearssl / "src" / f"{name}.c" for name in BEARSSL), monocypher / "monocypher.c"):
        target = place / f"{source.stem}.o"
        if not target.is_file():
            _compile(
                ["-O2", f"-I{bearssl / 'inc'}", f"-I{bearssl / 'src'}", "-c", str(source), "-o", str(target)]
            )
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
    includes = ["-isystem", str(THIRD_PARTY / "bearssl" / "inc"), "-isystem", str(THIRD_PARTY / "monocypher")]
    sources = [str(place / name) for name in texts if name.endswith(".c")]
    made = place / f"made-{os.getpid()}"  # two test processes may build the same
    _compile([*options, *includes, *sources, *_third_party(), "-o", str(made)], compiler)
    made.rename(target)
    return target
