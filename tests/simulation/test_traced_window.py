"""A window that is recorded: its trace lies in a new file, also when it ends badly; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.errors import HomeMissing, PowerLost, TraceUnwritten
from hw import trace
from hw.trace import Trace
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import Nobody, VirtualBox

WELD = '[[event]]\nin_phase = "INTAKE"\nafter_s = 0\ndo = "weld"\ntarget = "k1"\n'


def run(box: VirtualBox, file: Path, scenario: str | None = None) -> None:
    box.appliance().run_window(Nobody(), scenario, str(file))


def read(file: Path) -> Trace:
    return trace.parse(file.read_bytes())


def test_a_recorded_window_is_the_window_that_would_have_been(vault: Vault, tmp_path: Path) -> None:
    one, two = vault.box.copy(tmp_path / "one"), vault.box.copy(tmp_path / "two")
    file = tmp_path / "t.json"
    recorded = dict(one.appliance().run_window(Nobody(), None, str(file)))
    plain = dict(two.appliance().run_window(Nobody()))
    for name in ("snapshot", "checkpoint"):  # both follow from ciphertext, which is new every time
        assert recorded.pop(name)
        assert plain.pop(name)
    assert recorded == plain
    told = read(file)
    assert told.bays == 6
    assert "SEAL" in [value for _, value in told.rows["phase"]]
    assert told.at("d6", told.end_ms) == 0


def test_the_same_seed_writes_the_same_bytes(vault: Vault, tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        files.append(tmp_path / f"{name}.json")
        run(vault.box.copy(tmp_path / name), files[-1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_window_that_ends_in_a_fault_leaves_its_trace(vault: Vault, tmp_path: Path) -> None:
    box, scenario, file = vault.box.copy(tmp_path / "box"), tmp_path / "weld.toml", tmp_path / "t.json"
    scenario.write_text(WELD, "utf-8")
    run(box, file, str(scenario))
    told = read(file)
    assert "weld k1" in [event.detail for event in told.events]
    assert told.at("k1", told.end_ms) == 1
    assert told.at("phase", told.end_ms) == "FAULT"


def test_a_window_whose_box_loses_its_power_leaves_its_trace_too(vault: Vault, tmp_path: Path) -> None:
    box, scenario, file = vault.box.copy(tmp_path / "box"), tmp_path / "cut.toml", tmp_path / "t.json"
    scenario.write_text('[[event]]\nin_phase = "SEAL"\ndo = "cut_power"\n', "utf-8")
    with pytest.raises(PowerLost):
        run(box, file, str(scenario))
    told = read(file)
    assert told.events[-1].detail == "cut_power" or told.at("phase", told.end_ms) == "SEAL"
    assert told.at("controller", told.end_ms) == 0


@pytest.mark.parametrize("place", ["t.json", "no/folder.json", "loop.json"])
def test_a_trace_without_a_place_is_refused_before_anything_is_connected(
    vault: Vault, tmp_path: Path, place: str
) -> None:
    box, file = vault.box.copy(tmp_path / "box"), tmp_path / place
    (tmp_path / "t.json").write_text("mine", "utf-8")
    (tmp_path / "loop.json").symlink_to("loop.json")
    nobody = Nobody()
    with pytest.raises(TraceUnwritten):
        box.appliance().run_window(nobody, None, str(file))
    assert not nobody.readings
    assert (tmp_path / "t.json").read_text("utf-8") == "mine"


def test_a_trace_that_does_not_fit_is_said_and_the_window_is_kept(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = vault.box.copy(tmp_path / "box")
    monkeypatch.setattr(trace, "encode", full)
    with pytest.raises(TraceUnwritten):
        run(box, tmp_path / "t.json")
    assert len(box.snapshots()) == len(vault.box.snapshots()) + 1


def full(_: Trace) -> str:
    raise OSError(28, "No space left on device")


def test_the_error_of_the_window_is_the_news_not_the_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "encode", full)
    with pytest.raises(HomeMissing):
        EmulatedAppliance(tmp_path / "none").run_window(Nobody(), None, str(tmp_path / "t.json"))
