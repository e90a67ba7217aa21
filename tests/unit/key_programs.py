"""Programs for the key process that tests start; they have to be importable by a fresh interpreter."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
from pathlib import Path

from appliance.adapters.key_process import Say
from appliance.errors import PassphraseWrong

PR_GET_DUMPABLE = 3  # linux/prctl.h
FILES_LOOKED_AT = 1024  # descriptors; the usual soft limit


def is_open(number: int) -> bool:
    """Asked one by one: the folder of an undumpable process in /proc is root's, even for itself."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def describe(request: bytes, say: Say) -> bytes:
    """What the process can see of itself."""
    say("looking")
    facts = {
        "pid": os.getpid(),
        "dumpable": ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "locked_kb": int(Path("/proc/self/status").read_text().split("VmLck:")[1].split()[0]),
        "arguments": Path("/proc/self/cmdline").read_bytes().decode(),
        "environment": "".join(f"{name}={value}" for name, value in os.environ.items()),
        "files": [number for number in range(FILES_LOOKED_AT) if is_open(number)],
        "request": request.decode(),
        "umask": os.umask(0o077),
    }
    print("a library's chatter")  # must not be taken for the answer
    return json.dumps(facts).encode()


def refuse(_request: bytes, _say: Say) -> bytes:
    raise PassphraseWrong(holder=3)


def crash(request: bytes, _say: Say) -> bytes:
    raise RuntimeError(f"here is the secret: {request.decode()}")


def die(_request: bytes, _say: Say) -> bytes:
    os._exit(9)


def linger(_request: bytes, say: Say) -> bytes:
    say(str(os.getpid()))
    while True:
        signal.pause()
