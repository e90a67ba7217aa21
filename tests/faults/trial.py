"""One command of a box whose N-th call of a kind fails, and what is wrong with the box afterwards.

The command runs in a process of its own (worker.py); everything is judged here, without the fault.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance import errors
from appliance.errors import IwatoError
from appliance.ports import CopyRequest, RestoreRequest
from tests.attack import command_line
from tests.attack.command_line import Ended
from tests.faults import orders
from tests.faults.orders import Call, Order
from tests.faults.worker import HUNG
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Nobody, VirtualBox

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "window": ("bench", "run-window"),
    "scrub": ("drive", "scrub"),
    "repair": ("drive", "repair"),
    "restore": ("restore", "run", "--snapshot", "latest"),
    "verify": ("ledger", "verify"),
}
HOLDERS = (1, 2, 3)
BLANK = 5  # the bay that `repair` finds a blank disk in
SOME = (1, 3, 4, 6)  # a set of k drives
KILLED = -9
LIMIT_S = 30  # s; a command here takes about one


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the command did. `wrong` is what breaks a rule, empty when all is well."""

    order: Order
    ended: Ended
    calls: tuple[Call, ...]
    wrong: tuple[str, ...] = field(default=())

    @property
    def happened(self) -> bool:
        return any(call.end != "ok" for call in self.calls)


class Worker:
    """The preloaded process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.limit_s = LIMIT_S

    def run(self, task: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({**task, "limit_s": self.limit_s}), file=self._process.stdin, flush=True)
        return int(json.loads(self._process.stdout.readline())["status"])


@contextmanager
def worker() -> Iterator[Worker]:
    """Started once for many trials."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("IWATO_")}
    environment |= {"LD_PRELOAD": str(orders.library()), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "tests.faults.worker"]
    with subprocess.Popen(
        command,
        env=environment,
        cwd=command_line.PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()


def attempt(worker: Worker, vault: Vault, name: str, order: Order, place: Path, bug: str = "") -> Outcome:
    """Run the command `name` on a copy of the vault under `order`. Judges nothing about the box."""
    box = vault.box.copy(place / "home")
    words = ["--json", "--home", str(box.root), *COMMANDS[name]]
    target = place / "out"
    if name == "repair":
        shutil.rmtree(box.home.bay(BLANK))
        box.home.bay(BLANK).mkdir()
    if name == "restore":
        words += ["--target", str(target)]
        words += [word for holder in HOLDERS for word in ("--token", str(box.home.token(holder)))]
    out, err, trace = (place / leaf for leaf in ("stdout", "stderr", "trace"))
    roots = "\n".join(map(str, (box.root, vault.source, target)))
    status = worker.run(
        {
            "words": words,
            "out": str(out),
            "err": str(err),
            "planted": bug,
            "order": [roots, order.kind, order.number, order.way, order.lasting, str(trace)],
        }
    )
    ended = Ended(words=words, status=status, out=_text(out), err=_text(err))
    seen = tuple(orders.calls(trace.read_bytes() if trace.exists() else b""))
    return Outcome(order=order, ended=ended, calls=seen)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""


def judged(worker: Worker, vault: Vault, name: str, order: Order, place: Path, bug: str = "") -> Outcome:
    """`attempt`, and what does not hold when the fault has gone."""
    outcome = attempt(worker, vault, name, order, place, bug)
    return replace(outcome, wrong=tuple(judge(vault, VirtualBox(place / "home"), name, outcome, place)))


def judge(vault: Vault, box: VirtualBox, name: str, outcome: Outcome, place: Path) -> list[str]:
    """What does not hold after this outcome, without the fault; empty when all is well."""
    wrong = _wrong_words(outcome)
    wrong += [f"named after a fault: {path}" for path in orders.named_after_a_fault(outcome.calls)]
    try:
        wrong += _wrong_box(vault, box, outcome.ended, place, goes_on=name == "repair")
        if name == "restore":
            wrong += _wrong_restore(vault, box, outcome.ended, place)
    except IwatoError as error:
        wrong.append(f"{error.code} {error!r}")
    return wrong


def _wrong_words(outcome: Outcome) -> list[str]:
    """Rules for every command, whatever failed."""
    ended = outcome.ended
    if ended.status == HUNG:
        return ["it hangs"]
    if ended.status == KILLED and outcome.order.way == orders.KILL:
        return []
    return command_line.faults(ended)


def _wrong_box(vault: Vault, box: VirtualBox, ended: Ended, place: Path, *, goes_on: bool) -> list[str]:
    """I6, I7, I9, I15: isolated, nothing lost, and the box works on. `goes_on`: a repair is given again."""
    wrong = []
    if not box.appliance().status()["isolated"]:
        wrong.append("not isolated")
    if goes_on and box.appliance().scrub(Nobody(), replace=True)["outcome"] == "unrepaired":
        wrong.append("a second repair did not repair")
    window = _whole_window(box)
    if not window["complete"]:
        wrong.append(f"the second window did not complete: {window['warnings']}")
    status = box.appliance().status()
    if not status["isolated"] or status["alarms"]:
        wrong.append(f"status {status['alarms']}")
    scrub = box.appliance().scrub(Nobody())
    was_quiet = ended.status == errors.EXIT_OK
    if scrub["outcome"] != "clean" and (was_quiet or scrub["outcome"] != "repaired"):
        wrong.append(f"scrub {scrub['outcome']} after exit {ended.status}")
    elif scrub["outcome"] != "clean" and box.appliance().scrub(Nobody())["outcome"] != "clean":
        wrong.append("a repaired box is not clean")
    verdict = box.appliance().verify_ledger(None, Nobody())
    if verdict["verdict"] != "verified":
        wrong.append(f"ledger {verdict['verdict']} {verdict['reason']}")
    return wrong + _unrestored(vault, box, ended, place)


def _whole_window(box: VirtualBox) -> Mapping[str, Any]:
    """I15 gives it two windows."""
    window = box.run_window()
    return window if window["complete"] else box.run_window()


def _unrestored(vault: Vault, box: VirtualBox, ended: Ended, place: Path) -> list[str]:
    """Snapshots that do not come back byte-equal from four of the six drives, or were promised and are not
    there."""
    wrong = []
    snapshots = box.snapshots()
    promised, unread = _promised(ended)
    for number, snapshot in enumerate(snapshots):
        if snapshot.complete:
            target = place / f"restored-{number}"
            failed = box.restore(snapshot, vault.identity, target, SOME)
            lacks = failed or virtual_box.same(vault.source if number else vault.first, target)
            if number and snapshot.snapshot == promised and unread:
                lacks = []  # its window has said that the source gave not everything, and what
            wrong += [f"snapshot {number}: {lacks}"] if lacks else []
    if promised and promised not in {snapshot.snapshot for snapshot in snapshots if snapshot.complete}:
        wrong.append(f"{promised} was called complete")
    if not snapshots[0].complete or not snapshots[-1].complete:
        wrong.append("a complete snapshot is missing")
    return wrong


def _promised(ended: Ended) -> tuple[str, int]:
    """The snapshot that a window called complete, and how many files it said it could not read."""
    try:
        document = json.loads(ended.out)
    except ValueError:
        return "", 0
    return (str(document["snapshot"]), document["unreadable"]) if document.get("complete") else ("", 0)


def _wrong_restore(vault: Vault, box: VirtualBox, ended: Ended, place: Path) -> list[str]:
    """What was called restored is there; what was not can be had by going on, or else in another folder."""
    target = place / "out"
    if ended.status == errors.EXIT_OK:
        return ["called restored, and is not"] if virtual_box.same(vault.first, target) else []
    tokens = tuple(str(box.home.token(holder)) for holder in HOLDERS)
    first = box.snapshots()[0].snapshot
    copy = CopyRequest(snapshot=first, tokens=tokens)
    request = RestoreRequest(copy=copy, target=str(target), resume=True)
    try:
        again = box.appliance().restore(request, Nobody())
    except IwatoError:
        target = place / "elsewhere"
        again = box.appliance().restore(replace(request, target=str(target), resume=False), Nobody())
    if again["exit"] != errors.EXIT_OK or virtual_box.same(vault.first, target):
        return [f"a second restore ended with {again['exit']} and {virtual_box.same(vault.first, target)}"]
    return []
