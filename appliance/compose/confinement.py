"""What each boot of the controller may reach: the two-medium contract (images/README.md) as paths.

A boot is a fresh process that imports `appliance`, `firmware` and `hw` folder by folder, so that it never
needs to look at what lies around them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.compose.home import Home
from appliance.compose.job import AnyJob, RestoreJob
from appliance.domain.phases import Medium
from appliance.errors import PathUnsafe
from hw.twin import confine
from hw.twin.confine import Rules

PACKAGES = tuple(Path(__file__).resolve().parents[2] / name for name in ("appliance", "firmware", "hw"))
_BOOT = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
for folder in sys.argv[2:]:
    name = folder.rpartition("/")[2]
    spec = spec_from_file_location(name, folder + "/__init__.py", submodule_search_locations=[folder])
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
from appliance.compose import controller
sys.exit(controller.main(sys.argv[1]))
"""


def argv(medium: Medium) -> tuple[str, ...]:
    """The command that boots `medium`."""
    return (sys.executable, "-I", "-c", _BOOT, medium.value, *map(str, PACKAGES))


def refuse_exposed(home: Path) -> None:
    """PathUnsafe for a home inside a place that every boot may read: its keys would be granted too."""
    python = confine.interpreter(*map(str, PACKAGES))
    for granted in (*python.read, *python.execute):
        outer = Path(granted).resolve()
        if home.resolve().is_relative_to(outer):
            raise PathUnsafe(inner=home, outer=outer)


def rules(medium: Medium, home: Home, job: AnyJob, sources: tuple[str, ...]) -> Rules:
    """Landlock's rules for one boot."""
    python = confine.interpreter(*map(str, PACKAGES))
    if medium is Medium.INTAKE:
        own = Rules(read=(str(home.policy), *sources), write=(str(home.staging), str(home.intake_state)))
    else:
        own = Rules(read=(str(home.policy),), write=(str(home.staging), str(home.seal_state), str(home.bays)))
    if isinstance(job, RestoreJob) and medium is Medium.SEALING:
        own = confine.join(own, Rules(read=tuple(job.tokens), nodes=(job.target,)))
    return confine.join(python, own)
