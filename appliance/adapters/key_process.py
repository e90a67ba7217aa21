"""A short-lived process for work with keys: what Python cannot wipe goes away with it (40-custody).

`run` starts a fresh interpreter, so that it inherits no memory and no open files; request and answer go
through pipes, never through arguments or the environment. `harden` can also be called by a program that
was started otherwise. Promises no wiping while it lives. THREATS 2.

A program is a module-level function (request, say) -> answer; `say` tells the parent a line of progress.
Errors of ours come back as themselves; any other only by its kind and place, since its message might
quote a secret.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, TypeAlias

from appliance import errors
from appliance.errors import IwatoError, KeyProcessFailed

Say: TypeAlias = Callable[[str], None]
Program: TypeAlias = Callable[[bytes, Say], bytes]

FRAME_BYTES_MAX = 1 << 20  # bytes; an answer is some 20 KiB
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4  # sys/mman.h
_HEAD = struct.Struct(">cI")  # kind and length of a frame
_SAID, _ANSWER, _ERROR, _HARDENED = b".", b"=", b"!", b"~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """What of the process's memory is kept from others. `locked` False means that the system did not
    allow it; `swap` True that a page could then reach a disk."""

    undumpable: bool
    no_core: bool
    locked: bool
    swap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A program's answer and how its process was protected."""

    body: bytes
    hardening: Hardening


def harden() -> Hardening:
    """Protect this process as far as the system allows, and say how far that was."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    undumpable = libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    forbid_core()
    locked = may_lock() and libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0
    return Hardening(undumpable=undumpable, no_core=True, locked=locked, swap=has_swap())


def forbid_core() -> None:
    """No core dump of this process, or of those that it starts, reaches a disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(program: Program, request: bytes, *, hear: Say | None = None, timeout_s: float = 300) -> Answer:
    """Run `program` in a process of its own, which is gone afterwards whatever happens. Raises the
    IwatoError that the program raised; KeyProcessFailed if it ended without an answer."""
    target = f"{program.__module__}:{program.__qualname__}"
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    environment = {"PYTHONPATH": paths, "PATH": os.defpath, "LANG": "C.UTF-8"}
    child = subprocess.Popen(
        [sys.executable, "-c", _START, target, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    deadline = threading.Timer(timeout_s, child.kill)
    deadline.daemon = True
    deadline.start()
    with child:
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(request)
            child.stdin.close()
            return _listen(child.stdout, hear)
        except BrokenPipeError:
            raise KeyProcessFailed(detail="it did not take its request") from None
        finally:
            deadline.cancel()
            child.kill()


def serve() -> None:
    """The child's side of `run`."""
    target, parent = sys.argv[1:]
    os.umask(0o077)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the line above
        os._exit(1)
    hardening = harden()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is not an answer
        _send(out, _HARDENED, json.dumps(asdict(hardening)).encode())
        try:
            body = _find(target)(sys.stdin.buffer.read(), lambda line: _send(out, _SAID, line.encode()))
        except IwatoError as error:
            _send(out, _ERROR, json.dumps([type(error).__name__, _plain(error.values)]).encode())
        except BaseException as error:  # noqa: BLE001 -- its message may quote a secret, so it ends here
            _send(out, _ERROR, json.dumps([KeyProcessFailed.__name__, {"detail": _place(error)}]).encode())
        else:
            _send(out, _ANSWER, body)


def _find(target: str) -> Program:
    module, name = target.split(":")
    program: Program = getattr(importlib.import_module(module), name)
    return program


def _listen(stream: IO[bytes], hear: Say | None) -> Answer:
    hardening = None
    while head := stream.read(_HEAD.size):
        if len(head) < _HEAD.size:
            break
        kind, length = _HEAD.unpack(head)
        body = stream.read(length) if length <= FRAME_BYTES_MAX else b""
        if len(body) != length:
            break
        if kind == _HARDENED:
            hardening = Hardening(**json.loads(body))
        elif kind == _SAID and hear is not None:
            hear(body.decode())
        elif kind == _ERROR:
            name, values = json.loads(body)
            raise getattr(errors, name)(**values)
        elif kind == _ANSWER and hardening is not None:
            return Answer(body=body, hardening=hardening)
    raise KeyProcessFailed(detail="it was killed, or ran for too long")


def _send(out: IO[bytes], kind: bytes, body: bytes) -> None:
    out.write(_HEAD.pack(kind, len(body)) + body)
    out.flush()


def _plain(values: dict[str, object]) -> dict[str, int | str]:
    return {name: value if isinstance(value, int) else str(value) for name, value in values.items()}


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}"


def may_lock() -> bool:
    """Below an unlimited allowance, a later allocation would fail instead of just being unlocked."""
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY


def has_swap() -> bool:
    """Whether memory can be written to a disk."""
    try:
        with open("/proc/swaps", encoding="ascii") as file:
            return len(file.readlines()) > 1
    except OSError:
        return True  # unknown counts as yes


_START = f"from {__name__} import {serve.__name__}; {serve.__name__}()"
