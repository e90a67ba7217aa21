"""The box on a virtual clock: controller programs are functions in this thread, waiting costs nothing."""

from __future__ import annotations

from collections.abc import Callable

from hw.twin.loopback import Halted, LoopbackController, SupplyLost
from hw.twin.plant import IDLE_STEP_MS, Plant

Program = Callable[[LoopbackController], None]


def run(
    plant: Plant,
    *,
    programs: Callable[[LoopbackController], Program | None],
    until: Callable[[Plant], bool],
    limit_s: float,
) -> bool:
    """Live until `until` is true (True) or `limit_s` seconds of the box have passed (False).

    `programs` names what a freshly booted controller runs; None runs nothing. A program ends by
    returning, by the loss of its supply in the middle of whatever it does, or when this function is to
    return: then it is not gone on with, and the box stays as it is at that moment.
    """
    end_ms = plant.uptime_ms + round(limit_s * 1000)

    def over() -> bool:
        return plant.uptime_ms >= end_ms or until(plant)

    while not over():
        controller = plant.controller
        if isinstance(controller, LoopbackController) and not controller.begun:
            controller.begun = True
            program = programs(controller)
            if program is not None:
                _run(program, controller, over)
        else:
            plant.advance(IDLE_STEP_MS)
    return until(plant)


def _run(program: Program, controller: LoopbackController, over: Callable[[], bool]) -> None:
    controller.halt = over
    try:
        program(controller)
    except (SupplyLost, Halted):
        return
