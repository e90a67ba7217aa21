"""`iwato` with its real, confined processes, one of which is loaded with failing_calls.c.

    python -m tests.faults.real_command MEDIUM ORDER TRACE WORD...

The twin gives a controller a clean environment and shuts it in; this program adds the library to both, for
the controller that boots MEDIUM (intake or sealing), and changes nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.cli import app
from appliance.compose import attending, confinement, doctor
from appliance.compose import job as jobs
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import RealEmulation
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.compose.line_desk import LineDesk
from appliance.domain.phases import Medium
from hw.twin import confine
from hw.twin.confine import Rules
from hw.twin.plant import Plant
from hw.twin.process import ProcessController, Program
from hw.twin.slot import Controller
from tests.faults import orders
from tests.faults.orders import Order


class FailingEmulation(RealEmulation):
    """See the module."""

    def __init__(self, medium: Medium, order: Order, trace: Path) -> None:
        super().__init__()
        self._medium, self._order, self._trace = medium, order, trace

    def controller(
        self, plant: Plant, home: Home, medium: Medium, job: AnyJob, sources: tuple[str, ...]
    ) -> Controller:
        if medium is not self._medium:
            return super().controller(plant, home, medium, job, sources)
        library = str(orders.library())
        rules = confinement.rules(medium, home, job, sources)
        more = Rules(execute=(library,), write=(str(self._trace),))
        environment = {
            "LD_PRELOAD": library,
            "FAILING_CALLS_ROOTS": "\n".join(map(str, (home.root, *sources))),
            "FAILING_CALLS_KIND": self._order.kind,
            "FAILING_CALLS_NUMBER": str(self._order.number),
            "FAILING_CALLS_ERROR": str(self._order.way),
            "FAILING_CALLS_LASTING": str(self._order.lasting),
            "FAILING_CALLS_TRACE": str(self._trace),
        }
        return ProcessController(
            Program(
                name=medium.value,
                argv=confinement.argv(medium),
                job=jobs.encode(job),
                rules=confine.join(rules, more),
                env=environment,
            )
        )


def main() -> int:
    medium, order, trace = Medium(sys.argv[1]), orders.typed(sys.argv[2]), Path(sys.argv[3])
    trace.touch()
    return app.run(
        lambda home: EmulatedAppliance(home, FailingEmulation(medium, order, trace)),
        LineDesk,
        TemporaryWorld(),
        doctor.examine,
        sys.argv[4:],
        attend=attending.attend,
    )


if __name__ == "__main__":
    sys.exit(main())
