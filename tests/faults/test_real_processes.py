"""The same in the real, confined controller processes: a few orders, because each takes a real window."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import errors
from tests.attack import command_line
from tests.depth import many
from tests.faults import orders, trial
from tests.faults.trial import Outcome
from tests.simulation.conftest import Vault

pytestmark = pytest.mark.needs("cc", "landlock")

TYPED = [
    ("sealing", "write:20+:EIO"),
    ("intake", "sync:2:ENOSPC"),
    ("sealing", "sync:9:EIO"),
    ("sealing", "rename:7:SIGKILL"),
    ("intake", "write:4:short"),
    ("intake", "create:3++:ENOSPC"),
    ("sealing", "create:4++:ENOSPC"),
    ("sealing", "read:30:EIO"),
    ("intake", "read:5:SIGKILL"),
    ("sealing", "truncate:9+:EIO"),
]


@pytest.mark.invariant("I6", "I7", "I9", "I15")
@pytest.mark.parametrize(("medium", "typed"), TYPED[: many(1, len(TYPED))])
def test_a_call_that_fails_in_a_confined_process_loses_nothing_committed(
    vault: Vault, tmp_path: Path, medium: str, typed: str
) -> None:
    box, trace, order = vault.box.copy(tmp_path / "home"), tmp_path / "trace", orders.typed(typed)
    words = (medium, typed, str(trace), "--json", "--home", str(box.root), *trial.COMMANDS["window"])
    ended = command_line.run_program("-m", "tests.faults.real_command", *words)
    outcome = Outcome(order=order, ended=ended, calls=tuple(orders.calls(trace.read_bytes())))
    assert outcome.happened, ended
    assert not trial.judge(vault, box, "window", outcome, tmp_path)


@pytest.mark.invariant("I15")
def test_a_write_that_never_comes_back_costs_one_window_of_the_real_processes(
    vault: Vault, tmp_path: Path
) -> None:
    box, trace = vault.box.copy(tmp_path / "home"), tmp_path / "trace"
    window = ("--json", "--home", str(box.root), *trial.COMMANDS["window"])
    cut = command_line.run_program(
        "-m", "tests.faults.real_command", "sealing", "write:20:hang", str(trace), *window
    )
    (hung,) = (call for call in orders.calls(trace.read_bytes()) if call.end == "hang")
    bay = Path(hung.path).relative_to(box.home.bays).parts[0]
    named = [item["values"] for item in cut.document["warnings"] if item["code"] == errors.DriveHangs.code]
    assert named == [{"bay": bay}]
    whole = command_line.iwato(*window)
    assert {item["code"] for item in whole.document["warnings"]} >= {errors.DriveRests.code}
    assert [seal.complete for seal in box.snapshots()] == [True, True, True]
