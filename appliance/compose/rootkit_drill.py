"""The rootkit of the drills: planted by a scenario, judged by what the plant saw of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.compose import operational_keys
from appliance.compose.confinement import PACKAGES
from appliance.compose.emulated_board import EmulatedBoard
from appliance.compose.home import Home
from appliance.compose.job_log import JobLog
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import ScenarioUnreadable
from hw.twin import confine, rootkit_implant, scenario
from hw.twin.scenario import Scenario, ScenarioInvalid
from hw.twin.slot import Implant

PLANT = "plant_rootkit"
_PLACES = ("list ", "write in ", "read ")  # how the implant names what it reached for
_OWN_PLACES = "drop in "  # where the controller itself may write: allowed, and it does not help
_STAYS = "stay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What happens on the bench, and what is planted if anything is. `is_missing`: it should have been,
    and this machine cannot confine it."""

    scenario: Scenario | None = None
    implant: Implant | None = None
    is_missing: bool = False


def load(home: Home, texts: PolicyFiles, path: str | None) -> Drill:
    """The drill of a scenario file. ScenarioUnreadable."""
    if path is None:
        return Drill()
    try:
        text = Path(path).read_text(encoding="utf-8")
        parsed = scenario.parse(text, bays=texts.policy.geometry.drives)
    except (OSError, UnicodeDecodeError, ScenarioInvalid) as error:
        raise ScenarioUnreadable(path=path, detail=str(error)) from None
    if not any(deed.do == PLANT for deed in parsed.deeds):
        return Drill(scenario=parsed)
    if not confine.abi():  # it would run with all the rights of whoever started us
        rest = tuple(deed for deed in parsed.deeds if deed.do != PLANT)
        return Drill(scenario=replace(parsed, deeds=rest), is_missing=True)
    return Drill(scenario=parsed, implant=_implant(home))


def _implant(home: Home) -> Implant:
    return rootkit_implant.implant(
        forbidden=[home.bays, home.emulated, home.tokens, home.seal_state],
        writable=[home.staging, home.intake_state],
        packages=PACKAGES,
        pairing_key=operational_keys.read(home.seal_state, operational_keys.PAIRING),  # the same key
    )


def verdict(board: EmulatedBoard, log: JobLog) -> dict[str, Any]:
    """What it tried, what was refused, and that nothing of it is left."""
    tried = [(str(item.get("tried", "")), str(item.get("refused", ""))) for item in log.evidence]
    outward = [(what, refused) for what, refused in tried if not what.startswith((_OWN_PLACES, _STAYS))]
    killed = sum(len(removal.killed) for removal in board.removals)
    return {
        "attempts": len(outward),
        "kinds": sorted({refused for _, refused in outward if refused}),
        "reached": [what for what, refused in outward if not refused],
        "stayed": sum(what == _STAYS for what, _ in tried),
        "killed": killed,
        "alive": [name for removal in board.removals for _, name in removal.left],
        "flood_bytes": board.serial_dropped,
    }
