"""The daemon as a real process: a window by itself, the end in the dark whatever ends it, no network."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from appliance import errors
from appliance.adapters.daemon_line import DaemonLine
from appliance.daemon import server as servers
from appliance.domain.request import AskAlarms, AskCut, AskStatus, AskWindows
from appliance.errors import DaemonSilent
from tests.attack.command_line import at_rest, iwato
from tests.daemon import network_sockets
from tests.daemon.running import LIMIT_S, running
from tests.depth import many
from tests.simulation.conftest import Vault
from tests.simulation.daemon_days import before_a_window
from tests.spec import documents

SLOW = 120_000  # bytes/s: the link half takes some seconds
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)


def watched(pids: Iterable[int]) -> list[int]:
    """A descriptor of each that becomes readable when it ends."""
    return [os.pidfd_open(pid) for pid in pids]


def ended(watches: Sequence[int]) -> bool:
    """All of them, within a bound: the guard needs some milliseconds after its leash has gone."""
    waiting = set(watches)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], LIMIT_S)
        if not ready:
            break
        waiting -= set(ready)
    for watch in watches:
        os.close(watch)
    return not waiting


@pytest.mark.clause("DAEMON 1.1", "DAEMON 1.7", "DAEMON 4.1")
def test_a_window_comes_and_commits_by_itself_without_any_network_socket(
    vault: Vault, tmp_path: Path
) -> None:
    box = before_a_window(vault.box, tmp_path / "home", rate=SLOW)
    with running(box) as daemon:
        daemon.wait_ready()
        before = daemon.line.ask(AskStatus())
        assert not documents.fault("status", before)
        assert before["isolated"]
        home = ("--home", str(box.root))
        assert iwato("drive", "scrub", *home).code == errors.DaemonHolds.code
        daemon.wait_link()
        tree = daemon.tree()
        assert len(tree) > 2, "the daemon, the controller's supply, the controller"
        assert not network_sockets.of(tree)
        assert "committed" in daemon.wait_line("committed")
        assert not network_sockets.of(daemon.tree())
        windows = json.loads(iwato("window", "list", "--json", *home).out)
        assert windows["past"][-1]["outcome"] == "committed"
        assert len(iwato("copies", "list", *home).out.splitlines()) == 2
        assert "WATCHDOG=1" in daemon.notes.recv(4096).decode()
        assert daemon.end() == 0
    assert at_rest(box.root)["log_size"]


def test_a_flood_of_requests_does_not_cost_the_window(vault: Vault, tmp_path: Path) -> None:
    box = before_a_window(vault.box, tmp_path / "home", rate=SLOW)
    with running(box) as daemon, ExitStack() as lines:
        daemon.wait_ready()
        daemon.wait_link()
        floods = [lines.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(servers.CLIENTS_MAX)]
        for line in floods:
            line.connect(str(box.home.socket))
            line.setblocking(False)
        for _ in range(500):
            for line in floods:
                with suppress(OSError):  # full, or hung up on
                    line.send(b'{"ask":"status"}\n{"ask":"ledger"}\nnonsense\n' * 20)
        assert "committed" in daemon.wait_line("committed")
        for line in floods:
            line.close()
        assert daemon.end() == 0
    at_rest(box.root)


@pytest.mark.planted
def test_a_process_that_listens_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert len(network_sockets.of([os.getpid()])) == 1


@pytest.mark.clause("DAEMON 1.2", "DAEMON 1.3")
@pytest.mark.parametrize("number", SIGNALS[: many(2, 3)], ids=lambda n: n.name)
def test_ended_in_the_middle_of_a_window_it_is_dark_and_the_next_run_says_why(
    vault: Vault, tmp_path: Path, number: signal.Signals
) -> None:
    box = before_a_window(vault.box, tmp_path / "home", rate=SLOW)
    with running(box) as daemon:
        daemon.wait_ready()
        daemon.wait_link()
        supply = watched(daemon.tree()[1:])
        status = daemon.end(number)
        assert status == (-number if number is signal.SIGKILL else 0)
        assert supply
        assert ended(supply)
    at_rest(box.root)
    listed = iwato("alarm", "list", "--json", "--home", str(box.root)).document
    codes = {alarm["code"] for alarm in listed["alarms"]}
    if number is not signal.SIGKILL:
        assert errors.CutOrdered.code in codes
        return
    with running(box) as daemon:
        daemon.wait_ready()
        found = daemon.line.ask(AskAlarms())["alarms"]
        assert [alarm["code"] for alarm in found] == [errors.UnorderlyEnd.code]
        assert found[0]["values"] == {"job": "window"}
        assert daemon.end() == 0


@pytest.mark.clause("DAEMON 3.2")
def test_a_cut_by_a_client_ends_the_window_in_the_dark_and_it_is_not_tried_again(
    vault: Vault, tmp_path: Path
) -> None:
    box = before_a_window(vault.box, tmp_path / "home", rate=SLOW)
    with running(box, speed=1000) as daemon:
        daemon.wait_ready()
        daemon.wait_link()
        cut = iwato("cut", "--who", "Aoki", "--home", str(box.root))
        assert cut.status == 0
        assert not daemon.line.ask(AskStatus())["link"]["measured"]
        daemon.wait_line("window")
        daemon.wait_line("cut")
        past = daemon.line.ask(AskWindows())["past"]
        assert [window["outcome"] for window in past] == ["cut"]
        alarm = daemon.line.ask(AskAlarms())["alarms"][0]
        assert "Aoki" in alarm["text"]
        assert daemon.line.ask(AskCut(who="Aoki"))["job"] == "", "nothing is live, nothing is cut"
        assert daemon.end() == 0
    at_rest(box.root)


def test_a_frozen_daemon_is_no_data_and_killing_it_is_dark(vault: Vault, tmp_path: Path) -> None:
    box = before_a_window(vault.box, tmp_path / "home", rate=SLOW)
    with running(box) as daemon:
        daemon.wait_ready()
        daemon.wait_link()
        os.kill(daemon.process.pid, signal.SIGSTOP)
        os.waitpid(daemon.process.pid, os.WUNTRACED)
        with pytest.raises(DaemonSilent):
            DaemonLine(box.home.socket, answer_s=0.5).ask(AskStatus())
        daemon.end(signal.SIGKILL)
    at_rest(box.root)


def test_a_home_that_is_used_is_not_attended_and_says_so(vault: Vault, tmp_path: Path) -> None:
    box = vault.box.copy(tmp_path / "home")
    with box.home.lock(), running(box) as daemon:
        daemon.wait_line(errors.HomeBusy.code)
        assert daemon.process.wait(LIMIT_S) == errors.EXIT_LATER
