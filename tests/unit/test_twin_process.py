"""The controller as real processes: nothing it starts survives its supply, nothing it says is believed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw.channel import Inputs, Packet, PinLevels, Uart
from hw.twin import confine, process, processes, python_program
from hw.twin.confine import Rules
from hw.twin.process import ProcessController, Program
from hw.twin.slot import Ended, Implant, Said

PATIENCE_S = 20  # s; only a broken machine takes that long
ROOT = Path(__file__).resolve().parents[2]
STAY = "import time; time.sleep(600)"


@pytest.fixture
def started() -> Iterator[list[ProcessController]]:
    controllers: list[ProcessController] = []
    yield controllers
    for controller in controllers:
        if controller._last_errors is None:
            controller.remove_supply()


def program(code: str, job: object = None, rules: Rules | None = None) -> Program:
    return Program(
        name="test",
        argv=(sys.executable, "-I", "-S", "-c", code),
        job=job,
        rules=rules or confine.interpreter(),
    )


def start(started: list[ProcessController], code: str, **more: object) -> ProcessController:
    controller = ProcessController(program(code, **more))  # type: ignore[arg-type]
    started.append(controller)
    return controller


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


def hear(controller: ProcessController, count: int = 1) -> list[Said]:
    said: list[Said] = []

    def enough() -> bool:
        said.extend(controller.said())
        return len(said) >= count

    try:
        until(enough)
    except AssertionError:
        pytest.fail(f"{said} {controller.errors()}")
    return said


def ends(controller: ProcessController) -> list[Ended]:
    """The programs that ended, as soon as one has."""
    found: list[Ended] = []

    def any_yet() -> bool:
        found.extend(controller.ended())
        return bool(found)

    until(any_yet)
    return found


def arrivals(controller: ProcessController, count: int) -> list[Packet]:
    """The first packets, at least `count`."""
    found: list[Packet] = []

    def enough() -> bool:
        found.extend(controller.arrived(100))
        return len(found) >= count

    until(enough)
    return found


def marked(mark: str) -> list[int]:
    """Processes with `mark` in their command line."""
    found = []
    for pid in processes.table():
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in text and pid != os.getpid():
            found.append(pid)
    return found


ESCAPE = """
import os, signal, sys, time
print('{"event": "begun"}', flush=True)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            print('{"event": "escaped"}', flush=True)
            time.sleep(600)
        os._exit(0)
"""


def test_double_forked_daemons_that_ignore_signals_die_with_the_supply(
    started: list[ProcessController],
) -> None:
    controller = start(started, ESCAPE)
    hear(controller, 4)
    daemons = processes.descendants(controller._guard.pid)
    assert len(daemons) >= 3
    removal = controller.remove_supply()
    assert removal.left == ()
    assert len(removal.killed) >= 3
    assert not any(processes.alive(daemon) for daemon in daemons)


def test_a_fork_storm_ends_with_the_supply(started: list[ProcessController]) -> None:
    storm = """
import os, time
print('{"event": "begun"}', flush=True)
end = time.monotonic() + 30
while time.monotonic() < end:
    if os.fork() == 0:
        time.sleep(0.02)
        if os.fork():
            os._exit(0)
        time.sleep(0.05)
        os._exit(0)
    time.sleep(0.002)
"""
    controller = start(started, storm)
    hear(controller)
    until(lambda: len(processes.descendants(controller._guard.pid)) > 3)
    assert controller.remove_supply().left == ()


def test_the_death_of_the_plant_takes_every_descendant_along() -> None:
    mark = f"iwato-test-{os.getpid()}"
    script = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from hw.twin import confine
from hw.twin.process import ProcessController, Program
code = {ESCAPE!r}
controller = ProcessController(Program(name="x", argv=(sys.executable, "-I", "-S", "-c", code, {mark!r}),
    job=None, rules=confine.interpreter()))
count = 0
while count < 4:
    count += len(controller.said())
    time.sleep(0.005)
print("ready", flush=True)
time.sleep(600)
"""
    plant = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert plant.stdout is not None
    assert plant.stdout.readline() == b"ready\n"
    assert len(marked(mark)) >= 3
    plant.kill()
    plant.wait()
    plant.stdout.close()
    until(lambda: not marked(mark))


@pytest.mark.planted
def test_planted_a_guard_that_was_killed_leaves_strays_and_the_plant_itself_ends_them(
    started: list[ProcessController],
) -> None:
    controller = start(started, ESCAPE)
    hear(controller, 4)
    daemons = processes.descendants(controller._guard.pid)
    controller._guard.send_signal(signal.SIGKILL)
    until(lambda: controller._guard.poll() is not None)
    assert any(processes.alive(daemon) for daemon in daemons)
    removal = controller.remove_supply()
    assert len(removal.killed) >= 3
    until(lambda: not any(processes.alive(daemon) for daemon in daemons))
    processes.reap()


def test_the_job_arrives_and_the_console_comes_back(started: list[ProcessController]) -> None:
    code = "import json,sys; print(json.dumps({'event': 'got', 'job': json.load(sys.stdin)}), flush=True)"
    (said,) = hear(start(started, code, job={"size": "x" * 30_000}))
    assert said.event == {"event": "got", "job": {"size": "x" * 30_000}}


def test_hostile_console_output_is_bounded_and_counted(started: list[ProcessController]) -> None:
    code = """
import os, sys
os.write(1, b'\\x1b[2J not json\\n[1]\\n' + b'[' * 60000 + b'\\n' + b'1' * 9000 + b'\\n\\n')
os.write(1, b'x' * 300000 + b'\\n')
print('{"event": "fine"}', flush=True)
"""
    controller = start(started, code)
    said: list[Said] = []

    def fine() -> bool:
        said.extend(controller.said())
        return bool(said) and said[-1].event == {"event": "fine"}

    until(fine)
    assert [line.event for line in said if line.event is not None] == [{"event": "fine"}]
    assert said[-1].garbage >= 4


def test_packets_cross_in_both_directions_and_garbage_is_dropped(started: list[ProcessController]) -> None:
    code = """
import socket
line = socket.socket(fileno=3)
assert line.recv(4096) == b'Uhello'
for raw in (b'Uworld', b'P' + (5).to_bytes(4, 'big'), b'?', b'P1', b'', b'U' * 5000, b'I' * 10):
    line.send(raw)
"""
    controller = start(started, code)
    controller.push(Uart(b"hello"))
    assert arrivals(controller, 2) == [Uart(b"world"), PinLevels(5)]
    assert ends(controller)
    assert not controller.arrived(100)
    assert controller.garbage >= 3


def test_the_end_of_a_program_is_told_and_the_supply_stays(started: list[ProcessController]) -> None:
    controller = start(started, "raise SystemExit(7)")
    ended = ends(controller)
    assert [(one.name, one.status) for one in ended] == [("test", 7)]
    assert controller._guard.poll() is None


def test_errors_are_kept_after_the_end(started: list[ProcessController]) -> None:
    controller = start(started, "raise RuntimeError('told')")
    until(lambda: bool(controller.ended()))
    controller.remove_supply()
    assert "told" in controller.errors()


def test_a_program_that_cannot_run_is_an_end_with_its_reason(started: list[ProcessController]) -> None:
    controller = ProcessController(
        Program(name="absent", argv=("/nonexistent/program",), job=None, rules=Rules())
    )
    started.append(controller)
    until(lambda: bool(controller.ended()))
    assert "guard:" in controller.errors()


def test_an_implant_shares_slot_channel_and_console(started: list[ProcessController]) -> None:
    controller = start(started, "print('{\"event\": \"host\"}', flush=True)\n" + STAY)
    hear(controller)
    code = """
import socket
print('{"event": "implant"}', flush=True)
socket.socket(fileno=3).send(b'Uevil')
"""
    controller.plant(Implant(name="evil", argv=(sys.executable, "-I", "-S", "-"), stdin=code))
    assert hear(controller)[0].event == {"event": "implant"}
    assert arrivals(controller, 1) == [Uart(b"evil")]


def test_hang_and_crash_are_what_they_say(started: list[ProcessController]) -> None:
    controller = start(started, "print('{\"event\": \"host\"}', flush=True)\n" + STAY)
    hear(controller)
    controller.hang()
    (child,) = processes.descendants(controller._guard.pid)
    until(lambda: (now := processes.look(child.pid)) is not None and now.state == "T")
    controller.crash()
    ended = ends(controller)
    assert [one.status for one in ended] == [-signal.SIGKILL]


def test_a_controller_that_reads_nothing_does_not_block_the_board(started: list[ProcessController]) -> None:
    controller = start(started, "print('{\"event\": \"host\"}', flush=True)\n" + STAY)
    hear(controller)
    for _ in range(5000):
        controller.push(Inputs(levels=1))


def test_our_modules_run_confined_by_name_without_a_look_around(started: list[ProcessController]) -> None:
    packages = [ROOT / "hw", ROOT / "firmware"]
    controller = ProcessController(
        Program(
            name="profile",
            argv=python_program.argv(packages, "hw.profile"),
            job=None,
            rules=confine.interpreter(*map(str, packages)),
        )
    )
    started.append(controller)
    ended = ends(controller)
    assert ended[0].status == 0, controller.errors()


# Confinement ------------------------------------------------------------------------------------------

PROBE = """
import fcntl, json, os, signal, socket, sys
job = json.load(sys.stdin)
def attempt(name, act):
    try:
        act()
        print(json.dumps({"event": name, "errno": 0}), flush=True)
    except OSError as error:
        print(json.dumps({"event": name, "errno": error.errno}), flush=True)
attempt("read denied", lambda: open(job["denied"] + "/file").read())
attempt("list denied", lambda: os.listdir(job["denied"]))
attempt("make denied", lambda: open(job["denied"] + "/new", "w"))
attempt("remove denied", lambda: os.unlink(job["denied"] + "/file"))
attempt("move out", lambda: os.rename(job["denied"] + "/file", job["allowed"] + "/stolen"))
attempt("read allowed", lambda: open(job["allowed"] + "/file").read())
attempt("make allowed", lambda: open(job["allowed"] + "/new", "w"))
attempt("read only", lambda: open(job["readable"] + "/file").read())
attempt("write read only", lambda: open(job["readable"] + "/file", "a"))
attempt("truncate read only", lambda: os.truncate(job["readable"] + "/file", 0))
attempt("cut off by opening", lambda: os.open(job["readable"] + "/file", os.O_RDONLY | os.O_TRUNC))
attempt("device", lambda: os.mknod(job["allowed"] + "/disk", 0o60600, os.makedev(7, 0)))
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", job["port"]), 1))
attempt("signal", lambda: os.kill(job["plant"], 0))
attempt("signal everybody", lambda: os.kill(-1, 0))
attempt("signal itself", lambda: os.kill(os.getpid(), 0))
attempt("signal through a descriptor", lambda: fcntl.fcntl(0, fcntl.F_SETOWN, job["plant"]))
attempt("memory", lambda: os.open("/proc/%d/mem" % job["plant"], os.O_RDONLY))
"""
PROBES = PROBE.count('attempt("')
ALLOWED = {"read allowed", "make allowed", "read only", "signal itself"}


@pytest.fixture
def rooms(tmp_path: Path) -> dict[str, str]:
    for name in ("denied", "allowed", "readable"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("old")
    return {name: str(tmp_path / name) for name in ("denied", "allowed", "readable")}


def probe(started: list[ProcessController], rooms: dict[str, str], rules: Rules) -> dict[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        job = {**rooms, "port": server.getsockname()[1], "plant": os.getpid()}
        said = hear(start(started, PROBE, job=job, rules=rules), PROBES)
    found = {}
    for line in said:
        assert line.event is not None
        found[str(line.event["event"])] = int(str(line.event["errno"]))
    return found


@pytest.mark.needs("landlock")
def test_a_confined_process_reaches_only_what_its_rules_name(
    started: list[ProcessController], rooms: dict[str, str]
) -> None:
    rules = confine.join(
        confine.interpreter(), Rules(read=(rooms["readable"],), write=(rooms["allowed"],))
    )
    found = probe(started, rooms, rules)
    for name, number in found.items():
        assert (number == 0) == (name in ALLOWED), name
    assert (Path(rooms["denied"]) / "file").read_text() == "old"
    assert (Path(rooms["readable"]) / "file").read_text() == "old"


@pytest.mark.needs("landlock")
def test_a_confined_process_runs_no_foreign_program(
    started: list[ProcessController], rooms: dict[str, str]
) -> None:
    program_copy = Path(rooms["allowed"]) / "tool"
    program_copy.write_bytes(Path("/bin/true").read_bytes())
    program_copy.chmod(0o755)
    code = f"""
import json, os
try:
    os.execv({str(program_copy)!r}, ["tool"])
except OSError as error:
    print(json.dumps({{"event": "refused", "errno": error.errno}}), flush=True)
"""
    rules = confine.join(confine.interpreter(), Rules(write=(rooms["allowed"],)))
    (said,) = hear(start(started, code, rules=rules))
    assert said.event == {"event": "refused", "errno": 13}


@pytest.mark.planted
def test_planted_rules_that_name_the_forbidden_room_are_noticed(
    started: list[ProcessController], rooms: dict[str, str]
) -> None:
    rules = confine.join(
        confine.interpreter(), Rules(read=(rooms["readable"],), write=(rooms["allowed"], rooms["denied"]))
    )
    found = probe(started, rooms, rules)
    assert found["read denied"] == 0
    assert found["make denied"] == 0


def test_the_kernel_says_its_landlock_version() -> None:
    assert confine.abi() >= 0


def test_processes_are_told_apart_by_their_start() -> None:
    me = processes.look(os.getpid())
    assert me is not None
    assert processes.alive(me)
    assert processes.look(2**22 + 5) is None
    assert process.REMOVAL_S > 0
