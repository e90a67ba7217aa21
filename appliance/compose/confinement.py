"""What each boot of the controller may reach: the two-medium contract (images/README.md) as paths."""

from __future__ import annotations

from pathlib import Path

from appliance.compose.home import Home
from appliance.compose.job import AnyJob, ProveJob, RecallPolicyJob, RestoreJob
from appliance.domain.phases import Medium
from appliance.errors import PathUnsafe
from hw.twin import confine, python_program
from hw.twin.confine import Rules

PACKAGES = tuple(Path(__file__).resolve().parents[2] / name for name in ("appliance", "firmware", "hw"))
_CONTROLLER = "appliance.compose.controller"


def argv(medium: Medium) -> tuple[str, ...]:
    """The command that boots `medium`."""
    return python_program.argv(PACKAGES, _CONTROLLER, medium.value)


def refuse_exposed(home: Path) -> None:
    """PathUnsafe for a home inside a place that every boot may read: its keys would be granted too."""
    python = confine.interpreter(*map(str, PACKAGES))
    for granted in (*python.read, *python.execute):
        outer = Path(granted).resolve()
        if home.resolve().is_relative_to(outer):
            raise PathUnsafe(inner=home, outer=outer)


def _apart(home: Path, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Where the sources lead now. One that was apart from the home at its birth may be a link into it by
    now, or to something around it: it would grant tokens and drives to intake, so it grants nothing."""
    inner = home.resolve()
    found = (Path(source).resolve() for source in sources)
    return tuple(
        str(place) for place in found if not (place.is_relative_to(inner) or inner.is_relative_to(place))
    )


def rules(medium: Medium, home: Home, job: AnyJob, sources: tuple[str, ...]) -> Rules:
    """Landlock's rules for one boot."""
    python = confine.interpreter(*map(str, PACKAGES))
    if medium is Medium.INTAKE:
        apart = _apart(home.root, sources)
        own = Rules(read=(str(home.policy), *apart), write=(str(home.staging), str(home.intake_state)))
    else:
        own = Rules(read=(str(home.policy),), write=(str(home.staging), str(home.seal_state), str(home.bays)))
    if isinstance(job, RestoreJob) and medium is Medium.SEALING:
        own = confine.join(own, Rules(read=tuple(job.tokens), nodes=(job.target,)))
    if isinstance(job, ProveJob) and medium is Medium.SEALING:
        own = confine.join(own, Rules(read=tuple(job.tokens)))
    if isinstance(job, RecallPolicyJob) and medium is Medium.SEALING:
        own = confine.join(own, Rules(write=(str(home.policy),)))
    return confine.join(python, own)
