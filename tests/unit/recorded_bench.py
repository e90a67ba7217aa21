"""The bench of twin_bench with a recorder beside it: a window on a virtual clock, and its trace."""

from __future__ import annotations

from hw.profile import BoardProfile
from hw.trace import Trace
from hw.twin import scenario
from hw.twin.recorder import Recorder, TracedPlant
from tests.unit.twin_bench import BAYS, BOARD, Bench


class RecordedBench(Bench):
    """One box whose every line is written down from `recorder` on."""

    recorder: Recorder | None = None
    board: BoardProfile = BOARD

    def power_on(self) -> None:
        assert self.memory is not None
        plant = TracedPlant(
            profile=self.board,
            bays=BAYS,
            memory=self.memory,
            entropy=self.entropy,
            boot=self._boot,
            scenario=self.scenario,
            stop_at_both=self.stop_at_both,
        )
        plant.record(self.recorder, BAYS)
        self.plant = plant


def window(text: str = "", seed: int = 1, board: BoardProfile = BOARD) -> Trace:
    """The trace of a whole window in which this scenario happens, from its power-on to its power-off."""
    bench = RecordedBench(seed=seed)
    bench.board = board
    bench.birth()
    bench.recorder = Recorder()
    bench.scenario = scenario.parse(text, bays=BAYS)
    bench.window()
    bench.plant.power_off()
    return bench.recorder.trace()


def deed(do: str, *fields: str, phase: str = "INTAKE", after_s: float = 1) -> str:
    """One event of a scenario."""
    when = ["[[event]]", f'in_phase = "{phase}"', f"after_s = {after_s}"]
    return "\n".join([*when, f'do = "{do}"', *fields, ""])
