"""A rootkit in the link half has the controller's rights and nothing more, and dies at the airlock."""

import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmware.wire import codes
from hw import profile
from hw.twin import commissioning, confine, process, python_program, rootkit, rootkit_implant, scenario
from hw.twin.confine import Rules
from hw.twin.memory import FileMemory
from hw.twin.plant import Plant
from hw.twin.process import ProcessController, Program
from hw.twin.real_time import RealTime
from hw.twin.slot import Implant, Removal, Said, Watchers
from tests.firmware import box
from tests.unit.twin_bench import WINDOW_S, Bench

# Never unconfined: it would run with all the rights of whoever runs the tests.
pytestmark = pytest.mark.needs("landlock")

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / name for name in ("appliance", "firmware", "hw", "tests")]
FORBIDDEN = ("bay", "emulated", "tokens")
WRITABLE = ("staging", "intake-state")
HARMLESS = ("drop in", "stay")
EVENTS = """
[[event]]
in_phase = "INTAKE"
after_s = 0.5
do = "plant_rootkit"
"""


@dataclass
class Drill:
    """A home, a born box, and everything that was seen."""

    home: Path
    said: list[dict[str, object]] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    phases: list[codes.Phase] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in (*WRITABLE, "bay/1/packs", "bay/2", "bay/3", "tokens/holder-1"):
            (self.home / name).mkdir(parents=True)
        (self.home / "bay/1/packs/old").write_bytes(b"an older generation")
        (self.home / "tokens/holder-1/passphrase.txt").write_text("not a secret")
        commissioning.commission(
            self.home / "emulated",
            pairing_key=box.PAIRING_KEY,
            witness_seed=box.WITNESS_SEED,
            start_unix_s=box.NOON_S,
        )
        self.memory = FileMemory(self.home / "emulated")
        birth = Bench(memory=self.memory)
        birth.birth()
        birth.plant.power_off()
        self.wish = True

    def rules(self, medium: str) -> Rules:
        rooms = WRITABLE if medium == "intake" else ("staging", "bay")
        return confine.join(
            confine.interpreter(*map(str, PACKAGES)),
            Rules(write=tuple(str(self.home / room) for room in rooms)),
        )

    def boot(self, medium: str) -> ProcessController:
        wish, self.wish = self.wish and medium == "intake", False
        job = {"pairing_key": box.PAIRING_KEY.hex(), "bays": box.DRIVES, "wish": wish}
        argv = python_program.argv(PACKAGES, "tests.attack.window_controller")
        return ProcessController(Program(name=medium, argv=argv, job=job, rules=self.rules(medium)))

    def implant(self) -> Implant:
        return rootkit_implant.implant(
            forbidden=[self.home / room for room in FORBIDDEN],
            writable=[self.home / room for room in WRITABLE],
            packages=[ROOT / "firmware"],
            pairing_key=box.PAIRING_KEY,
        )

    def run(self) -> Plant:
        plant = Plant(
            profile=profile.load("emulated"),
            bays=box.DRIVES,
            memory=self.memory,
            entropy=os.urandom,
            boot=self.boot,
            scenario=scenario.parse(EVENTS, bays=box.DRIVES),
            rootkit=self.implant(),
            watchers=Watchers(said=self.hear, removed=self.removals.append),
        )
        plant.jump(WINDOW_S)
        assert RealTime(plant).run(self.home_again, limit_s=60)
        plant.power_off()
        return plant

    def hear(self, said: Said) -> None:
        if said.event is not None:
            self.said.append(dict(said.event))

    def home_again(self, plant: Plant) -> bool:
        if self.phases[-1:] != [plant.phase]:
            self.phases.append(plant.phase)
        return plant.phase is codes.Phase.ISOLATED and codes.Phase.SEAL in self.phases

    def evidence(self) -> dict[str, str]:
        """What was tried, and the refusal's name ("" for a success)."""
        return {
            str(line["tried"]): str(line["refused"]) for line in self.said if line.get("event") == "rootkit"
        }


def harmful(evidence: dict[str, str]) -> list[str]:
    """What the rootkit achieved beyond what a captured controller can always do."""
    achieved = [tried for tried, refused in evidence.items() if not refused]
    return sorted(tried for tried in achieved if not tried.startswith(HARMLESS))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drill, Plant, dict[str, str]]:
    drill = Drill(tmp_path_factory.mktemp("drill"))
    before = digest(drill.home / "bay") | digest(drill.home / "tokens")
    return drill, drill.run(), before


Ran = tuple[Drill, Plant, dict[str, str]]


@pytest.mark.clause("THREATS 4.6")
def test_every_way_out_of_the_controller_is_refused_by_name(drill: Ran) -> None:
    evidence = drill[0].evidence()
    assert harmful(evidence) == []
    for room in FORBIDDEN:
        assert evidence[f"list {drill[0].home / room}"] == "EACCES"
        assert evidence[f"write in {drill[0].home / room}"] == "EACCES"
    assert evidence["signal the board"] == "EACCES"
    assert evidence["trace the board"] in {"EPERM", "EACCES"}  # by Landlock, or before it by the filter
    assert evidence["connect by TCP"] == "EACCES"
    assert evidence["stay"] == ""


def test_the_interlock_refuses_it_although_it_speaks_with_the_controllers_own_key(drill: Ran) -> None:
    asked = {tried: refused for tried, refused in drill[0].evidence().items() if tried.startswith("ask for")}
    assert asked
    assert set(asked.values()) == {"NOT_NOW"}


@pytest.mark.clause("THREATS 4.6")
def test_it_dies_at_the_airlock_with_all_its_daemons(drill: Ran) -> None:
    first = drill[0].removals[0]
    assert first.left == ()
    assert [name for _, name in first.killed].count("rootkit") >= 2
    assert not [pid for pid, _ in first.killed if Path(f"/proc/{pid}").exists()]


def test_it_costs_the_link_and_nothing_else(drill: Ran) -> None:
    run, plant, before = drill
    assert plant.totals.never_both
    assert 0 < plant.totals.link_ms < 10_000
    assert plant.serial_dropped > 0
    assert digest(run.home / "bay") | digest(run.home / "tokens") == before


def test_the_drive_half_that_follows_is_clean_and_works(drill: Ran) -> None:
    run, plant, _ = drill
    assert run.phases[-3:] == [codes.Phase.SEAL, codes.Phase.AIRLOCK, codes.Phase.ISOLATED]
    assert plant.totals.drives_ms > 500
    assert {"event": "up", "phase": "SEAL", "medium": "sealing"} in run.said
    sealed = [line for line in run.said if line.get("event") == "worked" and line.get("phase") == "SEAL"]
    assert len(sealed) == 1


@pytest.mark.planted
def test_planted_confinement_with_a_hole_is_noticed_in_the_evidence(tmp_path: Path) -> None:
    (tmp_path / "bay").mkdir()
    plan = {"forbidden": [str(tmp_path / "bay")], "seconds": 0, "plant_pid": os.getpid()}
    controller = ProcessController(
        Program(
            name="leaky",
            argv=(sys.executable, "-I", "-S", "-c", rootkit_source(), json.dumps(plan)),
            job=None,
            rules=confine.join(confine.interpreter(), Rules(write=(str(tmp_path / "bay"),))),
        )
    )
    evidence: dict[str, str] = {}
    end = time.monotonic() + process.REMOVAL_S
    while "stay" not in evidence and time.monotonic() < end:
        for said in controller.said():
            assert said.event is not None
            evidence[str(said.event["tried"])] = str(said.event["refused"])
        time.sleep(0.01)
    assert controller.remove_supply().left == ()
    assert f"write in {tmp_path / 'bay'}" in harmful(evidence)


def rootkit_source() -> str:
    return Path(rootkit.__file__).read_text(encoding="utf-8")
