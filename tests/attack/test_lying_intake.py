"""Root in the link half lies on the console: it is believed for the link half only, and in form only."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.cli.sentence import of as sentence_of
from appliance.compose import confinement, operational_keys, testimony
from appliance.compose import job as jobs
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import RealEmulation
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.domain.phases import Medium, Reading
from appliance.errors import IwatoError, SourceMissing, by_code
from appliance.ports import Birth
from appliance.words import Catalogue
from hw.twin.plant import Plant
from hw.twin.process import ProcessController, Program
from hw.twin.slot import Controller

INTAKE = {
    "window": 1,
    "complete": True,
    "full": False,
    "bytes_read": 5,
    "bytes_new": 5,
    "bytes_staged": 7,
    "files": 1,
    "unreadable": 0,
    "changed": 0,
    "sources": [{"name": "docs", "complete": True, "files": 1, "bytes": 5}],
}
OF_DRIVE_PHASES = ("prepared", "sealed", "scrubbed", "verified", "restored")
DEEP: list[object] = []
for _ in range(900):
    DEEP = [DEEP]
SELF: dict[str, object] = {"self": 1, "detail": ""}
STRANGE: tuple[object, ...] = (
    None,
    [],
    {},
    DEEP,
    1.5,
    float("inf"),
    -1,
    10**4000,
    True,
    "\x1b[2J\ud800",
    "x" * 70_000,
)


@pytest.mark.clause("THREATS 4.5")
@pytest.mark.parametrize("name", OF_DRIVE_PHASES)
def test_the_link_half_reports_nothing_of_a_drive_phase(name: str) -> None:
    lie = {"snapshots": [{"complete": True}], "verdict": "verified"}
    assert testimony.report(Medium.INTAKE, name, lie) is None
    assert testimony.report(Medium.SEALING, name, lie) == lie


def test_an_honest_report_of_an_intake_is_believed_as_it_is() -> None:
    assert testimony.report(Medium.INTAKE, "intake", INTAKE) == INTAKE


@pytest.mark.parametrize("field", INTAKE)
@pytest.mark.parametrize(
    "value", STRANGE, ids=[repr(type(value)) + str(n) for n, value in enumerate(STRANGE)]
)
def test_a_field_of_a_strange_type_makes_no_report(field: str, value: object) -> None:
    believed = testimony.report(Medium.INTAKE, "intake", {**INTAKE, field: value})
    if believed is not None:
        assert type(believed[field]) is type(INTAKE[field])


@pytest.mark.parametrize("code", [*sorted(by_code()), "IW-9999", 7, None, DEEP, "\ud800"])
def test_an_error_with_strange_values_is_still_an_error_that_can_be_shown(code: object) -> None:
    for strange in STRANGE:
        names = ("self", "msgid", "detail", "count", "path", "reason", "source", "phase")
        for values in (strange, dict.fromkeys(names, strange)):
            error = testimony.rebuilt({"code": code, "values": values})
            shown = error.what.format(**error.values) + error.remedy.format(**error.values)
            assert len(shown) < 20_000
            line = sentence_of(Catalogue("ja"), testimony.notice({"code": code, "values": values}))
            assert line.isprintable()


def test_an_honest_error_keeps_its_values() -> None:
    values: Mapping[str, object] = {"source": "docs", "reason": "gone"}
    error = testimony.rebuilt({"code": SourceMissing.code, "values": values})
    assert type(error) is SourceMissing
    assert {name: error.values[name] for name in error.values} == {
        name: value for name, value in values.items() if "{" + name + "}" in error.what + error.remedy
    }


@pytest.mark.planted
def test_planted_trust_in_the_values_would_end_the_command() -> None:
    with pytest.raises(TypeError):
        IwatoError(**SELF)


def test_a_key_that_intake_replaced_by_a_fifo_or_a_link_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(bytes(operational_keys.KEY_BYTES))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "long").write_bytes(bytes(operational_keys.KEY_BYTES + 1))
    assert operational_keys.read(tmp_path, "whole") == bytes(operational_keys.KEY_BYTES)
    for name in ("fifo", "long", "none"):
        with pytest.raises(IwatoError):
            operational_keys.read(tmp_path, name)
    with pytest.raises(OSError, match="symbolic links"):
        operational_keys.read(tmp_path, "endless")


class Captured(RealEmulation):
    """Whatever boots from the intake medium says `lines` and ends, as if all were well."""

    def __init__(self, lines: list[object]) -> None:
        super().__init__()
        self.lines = lines

    def controller(
        self, plant: Plant, home: Home, medium: Medium, job: AnyJob, sources: tuple[str, ...]
    ) -> Controller:
        if medium is not Medium.INTAKE:
            return super().controller(plant, home, medium, job, sources)
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        source = f"import os, time; os.write(1, {text!r}.encode()); time.sleep(0.2)"
        argv = (sys.executable, "-I", "-S", "-c", source)
        rules = confinement.rules(medium, home, job, sources)
        return ProcessController(Program(name=medium.value, argv=argv, job=jobs.encode(job), rules=rules))


class Nobody:
    """Looks at nothing."""

    def reading(self, reading: Reading) -> None:
        pass

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("captured")
    (place / "source").mkdir()
    (place / "source/file").write_text("content")
    birth = Birth(
        drives=6,
        data_shards=4,
        holders=5,
        quorum=3,
        window="03:00-05:00 daily",
        sources=(("docs", str(place / "source")),),
    )
    EmulatedAppliance(place / "home").create(birth, Nobody())
    return place / "home"


@pytest.mark.clause("THREATS 4.5")
def test_a_captured_intake_that_claims_a_sealed_window_and_ends_is_a_lost_window(home: Path) -> None:
    lies: list[object] = [
        {"event": "intake", **INTAKE},
        {
            "event": "sealed",
            "snapshots": [{"snapshot": "x", "complete": True}],
            "bytes_stored": 9,
            "log_size": 9,
        },
        {"event": "warning", "code": "IW-6103", "values": {"self": 1, "msgid": 2}},
        {"event": ["sealed"]},
    ]
    document = EmulatedAppliance(home, Captured(lies)).run_window(Nobody())
    assert (document["snapshot"], document["complete"], document["exit"]) == (None, False, 1)
    assert document["bytes_stored"] == document["log_size"] == 0


def test_spoiled_intake_keys_keep_nobody_from_looking(home: Path) -> None:
    key = home / "intake-state/pairing.key"
    kept = key.read_bytes()
    key.unlink()
    os.mkfifo(key)
    try:
        assert EmulatedAppliance(home).status()["isolated"]
    finally:
        key.unlink()
        key.write_bytes(kept)
