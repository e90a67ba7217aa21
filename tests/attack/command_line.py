"""`iwato` as a person types it: a real process, its words and its exit status, judged each time.

Every call is held against the same rules (`faults`): no traceback, no byte that steers a terminal, a known
status, and wherever something went wrong its IW code and what to do. The rules have planted violations in
test_cli_rules.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import errors

PROJECT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120  # s; the longest command here takes about 15 on a loaded machine
STATUSES = frozenset(
    {
        errors.EXIT_OK,
        errors.EXIT_FAILED,
        errors.EXIT_USAGE,
        errors.EXIT_WARNINGS,
        errors.EXIT_EMERGENCY,
        errors.EXIT_QUORUM,
        errors.EXIT_REFUSED,
        errors.EXIT_LATER,
        errors.EXIT_INTERRUPTED,
    }
)
_CODE = re.compile(r"IW-\d{4}")
_ADVICE = re.compile(r"^  -> \S", re.MULTILINE)
_HARMLESS = frozenset("\n")
_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # Unicode general categories
_WELL = frozenset({errors.EXIT_OK, errors.EXIT_INTERRUPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command left: its status, and what it wrote as text (undecodable bytes as surrogates)."""

    words: Sequence[str]
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def code(self) -> str:
        """The first code that was said."""
        found = _CODE.search(self.err + self.out)
        return found[0] if found else ""

    @property
    def codes(self) -> set[str]:
        return set(_CODE.findall(self.err + self.out))


def faults(ended: Ended) -> list[str]:
    """What breaks the rules that hold for every command."""
    everything = ended.out + ended.err
    found = []
    if "Traceback" in everything or '.py"' in everything:
        found.append("a traceback")
    if ended.status not in STATUSES:
        found.append(f"status {ended.status}")
    steering = {c for c in everything if c not in _HARMLESS and unicodedata.category(c) in _STEERING}
    if steering:
        found.append(f"bytes that steer a terminal: {sorted(map(ascii, steering))}")
    if ended.status not in _WELL and not _CODE.search(everything):
        found.append("no IW code")
    is_json = "--json" in ended.words
    if ended.status not in _WELL and not is_json and not _ADVICE.search(everything):
        found.append("nothing says what to do")
    if errors.IwatoError.code in everything:
        found.append("an internal error")
    if is_json and ended.out:
        found += _json_faults(ended)
    return found


def _json_faults(ended: Ended) -> list[str]:
    try:
        document = json.loads(ended.out)
    except ValueError:
        return ["stdout is not one JSON document"]
    told = document.get("exit", ended.status)
    return [] if told == ended.status else [f"the document says exit {told}, the process {ended.status}"]


def run(*words: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Ended:
    """Run `iwato WORDS`; `before` is a program to run it under. Judged by nobody yet."""
    ended = run_program("-m", "appliance", *words, env=env, before=before)
    return Ended(words=words, status=ended.status, out=ended.out, err=ended.err)


def run_program(*arguments: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Ended:
    """Run this Python with `arguments`, in the project."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("IWATO_")}
    done = subprocess.run(
        [*before, sys.executable, *arguments],
        cwd=PROJECT,
        env=environment | {"LC_ALL": "C.UTF-8"} | dict(env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    return Ended(words=arguments, status=done.returncode, out=out, err=err)


def iwato(*words: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()) -> Ended:
    """Run a command and hold it against the rules."""
    ended = run(*words, env=env, before=before)
    assert not faults(ended), f"{faults(ended)}\n{' '.join(words)}\n{ended.out}{ended.err}"
    return ended


def at_rest(home: Path) -> Any:
    """The status of a home: ISOLATED by measurement, whatever happened before."""
    document = iwato("status", "--json", "--home", str(home)).document
    assert document["isolated"], document
    assert not document["link"]["measured"]
    assert not any(drive["powered"] for drive in document["drives"])
    return document
