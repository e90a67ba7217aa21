"""Hostile clients: they are refused or hung up on, cost a bounded number of acts, and hold nobody up."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.adapters.daemon_line import DaemonLine
from appliance.daemon import server as servers
from appliance.daemon.budget import Budget
from appliance.daemon.line import Line, LineBroken
from appliance.daemon.server import Server
from appliance.domain.request import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    AskAcknowledge,
    AskCut,
    AskLedger,
    AskSkip,
    AskStatus,
)
from appliance.errors import AlarmUnknown, WindowNotNow
from tests.attack.command_line import PROJECT
from tests.simulation.conftest import Vault
from tests.simulation.daemon_days import DayBox, Days, before_a_window

WAIT_S = 30  # s at most for what takes milliseconds


@dataclass
class Served:
    """A served desk over an idle box."""

    path: Path
    server: Server
    days: Days

    def connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(WAIT_S)
        line.connect(str(self.path))
        return line

    def ask(self, text: bytes) -> dict[str, Any]:
        with self.connect() as line:
            line.sendall(text + b"\n")
            return answer(line)


def answer(line: socket.socket) -> dict[str, Any]:
    with line.makefile("rb") as file:
        found = json.loads(file.readline())
    assert isinstance(found, dict)
    return found


def half(line: Line) -> int | None:
    return line.half_since_ms


def hung_up(line: socket.socket) -> bool:
    """A time-out is raised."""
    try:
        return line.recv(1 << 16) == b""
    except ConnectionResetError:
        return True


def eventually(served: Served) -> dict[str, Any]:
    """The status, as soon as the server has noticed that others went."""
    for _ in range(500):
        try:
            return served.ask(b'{"ask":"status"}')
        except (ConnectionResetError, BrokenPipeError, ValueError):
            continue
    raise AssertionError("nobody is served any more")


@pytest.fixture
def served(vault: Vault, tmp_path: Path) -> Iterator[Served]:
    box = before_a_window(vault.box, tmp_path / "home")
    days = Days(DayBox(box.root, 1, {}))
    days.attendant.reading(days.box.look())
    server = Server(box.home.socket, days.desk, _monotonic_ms)
    server.start()
    yield Served(box.home.socket, server, days)
    server.stop()
    days.attendant.end()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@pytest.mark.clause("DAEMON 2.1")
def test_the_socket_and_its_folder_are_private(served: Served) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(served.path.parent.stat().st_mode) == 0o700


@pytest.mark.clause("DAEMON 2.1")
@pytest.mark.needs("root")
def test_another_user_is_refused_even_where_the_modes_let_him_in(served: Served) -> None:
    outermost = Path(tempfile.gettempdir())
    for place in (served.path, *served.path.parents):
        if place == outermost:
            break
        place.chmod(0o777)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(30)\n"
        "print(s.makefile().readline())"
    )
    words = [sys.executable, "-c", code, str(served.path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert json.loads(done.stdout)["code"] == errors.PeerForeign.code


@pytest.mark.clause("DAEMON 2.3")
@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b"\xff\xfe", b"null", b'{"ask":"open"}', b'{"ask":"cut","version":2}',
        b'{"ask":"cut","who":""}', b'{"ask":"cut","who":"\\u001b[2J"}', b'{"ask":"cut","more":1}',
        b'{"ask":"acknowledge","number":0,"who":"x"}', b'{"ask":"ledger","newest":100000}',
        b"[" * 4000,
    ],
)  # fmt: skip
def test_what_is_not_in_the_set_is_refused_and_does_nothing(served: Served, text: bytes) -> None:
    before = served.days.desk.cut_by
    found = served.ask(text)
    assert (found["say"], found["code"]) == ("refusal", errors.MessageRefused.code)
    assert served.days.desk.cut_by == before


def test_several_requests_in_one_line_are_answered_in_their_order(served: Served) -> None:
    with served.connect() as line:
        line.sendall(b'{"ask":"alarms"}\n{"ask":"ledger"}\n{"ask":"status"}\n')
        with line.makefile("rb") as file:
            found = [json.loads(file.readline())["document"] for _ in range(3)]
    assert [set(document) & {"alarms", "entries", "phase"} for document in found][1] == {"entries"}
    assert "phase" in found[2]


@pytest.mark.clause("DAEMON 2.4")
def test_a_line_without_end_is_hung_up_on_and_the_others_are_served(served: Served) -> None:
    with served.connect() as line:
        line.sendall(b"x" * (REQUEST_BYTES_MAX + 1))
        assert hung_up(line)
    assert served.ask(b'{"ask":"status"}')["document"]["isolated"]


@pytest.mark.clause("DAEMON 2.4")
def test_more_clients_than_there_is_room_for_are_hung_up_on(served: Served) -> None:
    held = [served.connect() for _ in range(servers.CLIENTS_MAX)]
    for line in held:
        line.sendall(b'{"ask":"alarms"}\n')
        answer(line)
    with served.connect() as one_more:
        assert hung_up(one_more)
    for line in held:
        line.close()
    assert eventually(served)["document"]["isolated"]


@pytest.mark.clause("DAEMON 2.4")
def test_unfinished_lines_end_and_unread_answers_do_not_pile_up() -> None:
    line = Line()
    line.take(b'{"ask":', 1000)
    assert half(line) == 1000
    line.take(b'"status"}\n', 2000)
    assert half(line) is None
    assert line.request() == b'{"ask":"status"}'
    line.answer(b"x" * (ANSWER_BYTES_MAX - 1))
    with pytest.raises(LineBroken):
        line.answer(b"xx")


@pytest.mark.clause("DAEMON 2.5")
def test_all_clients_together_get_so_many_acts_a_second() -> None:
    budget = Budget(servers.ACTS_PER_S, servers.BURST)
    granted = sum(budget.spend(now_ms) for now_ms in range(10_000) for _ in range(3))
    assert granted <= servers.BURST + 10 * servers.ACTS_PER_S
    assert granted >= 10 * servers.ACTS_PER_S, "and no fewer"


@pytest.mark.clause("DAEMON 2.5")
def test_a_flood_is_left_in_the_kernel_while_others_are_answered(served: Served) -> None:
    begun_ms, acts = _monotonic_ms(), served.server.acts
    floods = [served.connect() for _ in range(8)]
    for line in floods:
        line.setblocking(False)
    for _ in range(200):
        for line in floods:
            try:
                line.send(b'{"ask":"status"}\n' * 50)
            except OSError:
                continue
    assert DaemonLine(served.path).ask(AskStatus())["isolated"]
    passed_s = (_monotonic_ms() - begun_ms) / 1000 + 1
    assert served.server.acts - acts <= servers.BURST + servers.ACTS_PER_S * passed_s
    for line in floods:
        line.close()
    assert DaemonLine(served.path).ask(AskStatus())["isolated"]


def test_a_slow_reader_of_a_stream_gets_fewer_lines_and_holds_nobody_up(served: Served) -> None:
    with served.connect() as line:
        line.sendall(b'{"ask":"watch"}\n')
        for _ in range(5):
            assert served.ask(b'{"ask":"alarms"}')["say"] == "answer"
        assert answer(line)["document"]["phase"] == "ISOLATED"


@pytest.mark.clause("DAEMON 3.1")
def test_the_socket_can_make_the_box_safer_and_never_connects_it(served: Served) -> None:
    line = DaemonLine(served.path)
    assert line.ask(AskCut(who="Aoki"))["ordered"]
    assert line.ask(AskSkip(who="Aoki"))["next"][0]["skipped"]
    assert served.ask(b'{"ask":"request"}')["code"] == WindowNotNow.code
    with pytest.raises(AlarmUnknown):
        line.ask(AskAcknowledge(number=5, who="Aoki"))
    assert [entry["kind"] for entry in line.ask(AskLedger(newest=2))["entries"]]
    assert os.path.exists(served.path)
