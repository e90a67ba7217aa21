"""The attacker of the drills: root on the controller during INTAKE, played by a real process.

Started by the guard beside the controller, with exactly its rights, confinement, channel and console; it
comes as source text on standard input and imports ours only where the controller may. Tries every way
out, says each result, then floods and stays until it is ended. A fuse ends it, should the drill
itself die. Harmless where it succeeds: it opens, asks and drops marked files; it overwrites nothing.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location

CHANNEL_FD = 3
MARK = "rootkit-was-here"
TOGGLE_S = 0.0005  # s; a full period of 1 kHz is two of these
TAKE_OVER_S = 1.2  # s; the honest controller's heartbeat is lost 1.5 s after its session
PTRACE_SEIZE = 0x4206  # attaches without stopping the tracee, so a success harms nobody
PR_SET_NAME = 15
ALL_PINS = (1 << 28) - 1

Plan = dict[str, object]


def say(**fields: object) -> None:
    """Evidence on the controller's console; one short line, so that lines do not mix."""
    os.write(1, json.dumps({"event": "rootkit", **fields}).encode() + b"\n")


def attempt(what: str, act: Callable[[], object]) -> None:
    """Do it and say how it ended: the error's name, or "" when it worked."""
    try:
        act()
    except OSError as error:
        say(tried=what, refused=errno.errorcode.get(error.errno or 0, str(error)))
    else:
        say(tried=what, refused="")


def texts(plan: Plan, key: str) -> list[str]:
    """A list of texts of the plan."""
    value = plan.get(key, [])
    assert isinstance(value, list)
    return [str(item) for item in value]


def number(plan: Plan, key: str, otherwise: int) -> int:
    """A number of the plan."""
    value = plan.get(key, otherwise)
    assert isinstance(value, int)
    return value


def read(path: str) -> bytes:
    """The begin of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    begin = os.read(descriptor, 16)
    os.close(descriptor)
    return begin


def leave_mark(path: str) -> None:
    """A new file; nothing that is there is touched."""
    descriptor = os.open(f"{path}/.{MARK}-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(descriptor, MARK.encode())
    os.close(descriptor)


def trace(pid: int) -> None:
    """Take hold of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_SEIZE, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def call_home(address: str, port: int) -> None:
    """A TCP connection; to a port where nobody listens, ECONNREFUSED means that it was allowed."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as line:
        line.settimeout(1)
        line.connect((address, port))


def set_clock() -> None:
    """Set the machine's date, to what it is."""
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME))


def try_everything(plan: Plan) -> None:
    """Every way out that needs no waiting."""
    for path in texts(plan, "forbidden"):
        attempt(f"list {path}", partial(os.listdir, path))
        attempt(f"write in {path}", partial(leave_mark, path))
    for path in texts(plan, "secrets"):
        attempt(f"read {path}", partial(read, path))
    for path in texts(plan, "writable"):
        attempt(f"drop in {path}", partial(leave_mark, path))
    plant = number(plan, "plant_pid", os.getppid())
    attempt("signal the board", lambda: os.kill(plant, signal.SIGCONT))
    attempt("trace the board", lambda: trace(plant))
    attempt("read the board's memory", lambda: os.open(f"/proc/{plant}/mem", os.O_RDONLY))
    attempt("connect by TCP", lambda: call_home("127.0.0.1", 1))
    attempt("set the machine's clock", set_clock)


def hide() -> bool:
    """Double fork and a session of its own. True in the daemon, False in the one that returns."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    for number_ in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number_, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"rootkit", 0, 0, 0)
    return True


def send(raw: bytes) -> bool:
    """One packet to the board, waiting while its queue is full; False when the board is gone."""
    with socket.socket(fileno=os.dup(CHANNEL_FD)) as channel:
        try:
            channel.send(raw)
        except BlockingIOError:
            time.sleep(TOGGLE_S)
        except OSError:
            return False
    return True


def flood_serial(end: float) -> None:
    """Garbage, half frames and zeros at full speed."""
    while time.monotonic() < end and send(b"U" + os.urandom(700) + bytes(3)):
        pass


def toggle_pins(end: float) -> None:
    """Every pin of the controller, 1 kHz."""
    high = True
    while time.monotonic() < end and send(b"P" + (ALL_PINS if high else 0).to_bytes(4, "big")):
        high = not high
        time.sleep(TOGGLE_S)


def adopt(folder: str) -> None:
    """Make one package importable without a look at what lies around it."""
    name = folder.rpartition("/")[2]
    spec = spec_from_file_location(name, f"{folder}/__init__.py", submodule_search_locations=[folder])
    assert spec is not None
    sys.modules[name] = module_from_spec(spec)


def take_over(plan: Plan, end: float) -> None:
    """Speak the protocol with the controller's own key and ask for everything that is not due."""
    for folder in texts(plan, "packages"):
        adopt(folder)
    from firmware.wire.codes import Phase  # noqa: PLC0415 - only where the controller may read it
    from firmware.wire.messages import Granted, Refused, RequestPhase  # noqa: PLC0415
    from firmware.wire.session import Role, Session  # noqa: PLC0415

    session = Session(Role.CONTROLLER, bytes.fromhex(str(plan["pairing_key"])), os.urandom(8))
    wishes = [Phase.SEAL, Phase.SCRUB, Phase.RECOVERY, Phase.INTAKE]
    channel = socket.socket(fileno=os.dup(CHANNEL_FD))
    channel.settimeout(0.05)  # the honest controller may have taken the answer; then ask again
    while wishes and time.monotonic() < end:
        opening = not session.established
        channel.send(b"U" + (session.hello() if opening else session.send(RequestPhase(phase=wishes[0]))))
        try:
            raw = channel.recv(4096)
        except TimeoutError:
            continue
        for heard in session.receive(raw[1:]) if raw[:1] == b"U" else ():
            if isinstance(heard, Refused | Granted) and wishes:
                refused = heard.cause.name if isinstance(heard, Refused) else ""
                say(tried=f"ask for {wishes.pop(0).name}", refused=refused)


def main() -> None:
    """The plan is the only argument, as JSON."""
    plan: Plan = json.loads(sys.argv[1])
    end = time.monotonic() + number(plan, "seconds", 60)
    try_everything(plan)
    if plan.get("pairing_key"):
        take_over(plan, time.monotonic() + TAKE_OVER_S)
    jobs: list[Callable[[], None]] = [lambda: flood_serial(end), lambda: toggle_pins(end)]
    for job in jobs:
        if hide():
            say(tried="stay", refused="")
            job()
            while time.monotonic() < end:
                time.sleep(0.1)
            os._exit(0)


if __name__ == "__main__":
    main()
