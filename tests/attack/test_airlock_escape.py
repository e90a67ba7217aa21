"""A captured controller that hides from the process table, or asks somebody outside to act for it."""

import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw.twin import confine, process, processes, syscall_filter
from hw.twin.confine import Rules
from hw.twin.process import ProcessController, Program

HEADLESS = """
import ctypes, os, sys, threading, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    def live():
        while True:
            open(sys.argv[1] + "/beat", "w").write(str(time.monotonic()))
            time.sleep(0.01)
    threading.Thread(target=live).start()
    while not os.path.exists(sys.argv[1] + "/beat"):
        time.sleep(0.01)
    ctypes.CDLL(None).syscall(int(sys.argv[2]), 0)
time.sleep(60)
"""
ASKING = """
import json, os, socket, sys
def tried(what, act):
    try:
        act()
    except OSError as error:
        refused = error.errno
    else:
        refused = 0
    os.write(1, json.dumps({"tried": what, "refused": refused}).encode() + b"\\n")
place, folder = sys.argv[1:]
tried("named socket", lambda: socket.socket(socket.AF_UNIX).connect(place))
tried("datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)))
tried("mode", lambda: os.chmod(folder, 0o700))
tried("times", lambda: os.utime(folder))
tried("attribute", lambda: os.setxattr(folder, "user.iwato", b"1"))
tried("priority of the guard", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19))
tried("own priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0)))
os.write(1, b'{"tried": "end", "refused": 0}\\n')
"""
EXIT_OF_ONE_THREAD = {"x86_64": 60, "aarch64": 93}  # exit(2), which ends the calling thread alone

pytestmark = pytest.mark.skipif(
    not syscall_filter.known(), reason=f"needs system call numbers of {platform.machine()}"
)


def confined(folder: Path, source: str, *arguments: str, nodes: tuple[str, ...] = ()) -> ProcessController:
    rules = confine.join(confine.interpreter(), Rules(write=(str(folder),), nodes=nodes))
    argv = (sys.executable, "-I", "-S", "-c", source, *arguments)
    return ProcessController(Program(name="captured", argv=argv, job=None, rules=rules))


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + process.REMOVAL_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def headless(tmp_path: Path) -> tuple[ProcessController, Path, processes.Process]:
    """A boot in which a daemon's first thread has ended and another runs on."""
    number = EXIT_OF_ONE_THREAD[platform.machine()]
    controller = confined(tmp_path, HEADLESS, str(tmp_path), str(number))
    found: list[processes.Process] = []

    def is_headless() -> bool:
        mine = processes.table().values()
        found[:] = [one for one in mine if one.state == "Z" and one.threads > 1 and is_below(one)]
        return bool(found)

    def is_below(one: processes.Process | None) -> bool:
        while one is not None and one.pid > 1:
            if one.parent == os.getpid():
                return True
            one = processes.look(one.parent)
        return False

    until(is_headless)
    return controller, tmp_path / "beat", found[0]


Headless = tuple[ProcessController, Path, processes.Process]


def test_a_daemon_whose_first_thread_has_ended_dies_at_the_airlock(headless: Headless) -> None:
    controller, beat, daemon = headless
    removal = controller.remove_supply()
    assert removal.left == ()
    assert daemon.pid in {pid for pid, _ in removal.killed}
    last = beat.read_text()
    time.sleep(0.1)
    assert beat.read_text() == last


@pytest.mark.planted
def test_planted_belief_that_every_zombie_is_dead_lets_the_daemon_live(
    headless: Headless, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller, _, daemon = headless
    naive = property(lambda one: one.state not in {"Z", "X"})
    with monkeypatch.context() as planted:
        planted.setattr(processes.Process, "is_alive", naive)
        assert not processes.alive(daemon)
    assert processes.alive(daemon)
    controller.remove_supply()


def evidence(controller: ProcessController) -> dict[str, int]:
    said: dict[str, int] = {}

    def is_over() -> bool:
        for line in controller.said():
            assert line.event is not None
            said[str(line.event["tried"])] = int(str(line.event["refused"]))
        return "end" in said

    until(is_over)
    controller.remove_supply()
    return said


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """A service of the machine that anybody can ask, as a message bus is."""
    place = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        yield place


@pytest.mark.clause("THREATS 4.6")
def test_a_captured_controller_can_ask_no_service_of_the_machine_and_change_no_metadata(
    tmp_path: Path, service: str
) -> None:
    said = evidence(confined(tmp_path, ASKING, service, str(tmp_path)))
    own = [said.pop("own priority"), said.pop("end")]
    assert {name: os.strerror(number) for name, number in said.items()} == dict.fromkeys(
        ("named socket", "datagram", "mode", "times", "attribute", "priority of the guard"),
        "Permission denied",
    )
    assert own == [0, 0]


def test_a_restore_may_still_set_modes_and_times(tmp_path: Path, service: str) -> None:
    said = evidence(confined(tmp_path, ASKING, service, str(tmp_path), nodes=(str(tmp_path),)))
    assert (said["mode"], said["times"]) == (0, 0)
    assert said["named socket"] != 0


@pytest.mark.planted
def test_planted_confinement_without_the_filter_is_noticed(tmp_path: Path, service: str) -> None:
    rules = json.dumps(confine.join(confine.interpreter(), Rules(write=(str(tmp_path),))).as_json())
    bare = (
        "import json, sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from hw.twin import confine, syscall_filter\n"
        "syscall_filter.apply = lambda **_: None\n"
        "confine.apply(confine.Rules(**json.loads(sys.argv.pop(1))))\n" + ASKING
    )
    root = str(Path(confine.__file__).resolve().parents[2])
    argv = [sys.executable, "-I", "-c", bare, root, rules, service, str(tmp_path)]
    lines = subprocess.run(argv, capture_output=True, check=True).stdout.splitlines()
    said = {line["tried"]: line["refused"] for line in map(json.loads, lines)}
    assert (said["mode"], said["named socket"]) == (0, 0)
