"""The box on a virtual clock: controller programs are functions in this thread, waiting costs nothing."""

from __future__ import annotations

from collections.abc import Callable

from hw.twin.loopback import LoopbackController, SupplyLost
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
    returning, or by the loss of its supply in the middle of whatever it does.
    """
    end_ms = plant.uptime_ms + round(limit_s * 1000)
    while not until(plant):
        if plant.uptime_ms >= end_ms:
            return False
        controller = plant.controller
        if isinstance(controller, LoopbackController) and not controller.begun:
            controller.begun = True
            program = programs(controller)
            if program is not None:
                _run(program, controller)
        else:
            plant.advance(IDLE_STEP_MS)
    return True


def _run(program: Program, controller: LoopbackController) -> None:
    try:
        program(controller)
    except SupplyLost:
        return
