"""`iwato line` on whichever board: opens its bench, has it looked at or tested, tells it as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.compose import config_file, documents, emulated_lines, wired_board
from appliance.compose.emulation import RealEmulation
from appliance.compose.home import Home
from appliance.compose.machine import BOARD
from appliance.compose.wired_board import Ends
from appliance.errors import HomeMissing
from appliance.service import line_survey
from appliance.service.line_bench import Bench, Eyes, StepResult
from appliance.service.line_survey import Survey
from appliance.service.line_test import LineTest


class LineDesk:
    """service.line_bench.Lines. `board` as it was typed; None: as the settings say."""

    def __init__(self, root: Path, board: str | None = None, ends: Ends | None = None) -> None:
        self._home, self._ends = Home(root), ends
        self._settings = config_file.read(self._home).board
        self._profile = wired_board.profile_of(board or self._settings.name)

    def listed(self) -> Mapping[str, Any]:
        """Every line as ordered and as measured by both sides."""
        with self._opened() as (bench, _):
            bench.interlock.hello()
            return _listed(self._profile.name, line_survey.look(bench))

    def tested(self, eyes: Eyes, *, connect: bool) -> Mapping[str, Any]:
        """Every step and how it ended."""
        with self._opened(for_test=True, in_window=connect) as (bench, lines):
            seeing = lines.eyes(eyes) if lines is not None else eyes
            results = LineTest(bench, seeing, connect=connect).run()
            return _tested(self._profile.name, results)

    @contextmanager
    def _opened(
        self, *, for_test: bool = False, in_window: bool = False
    ) -> Iterator[tuple[Bench, emulated_lines.EmulatedLines | None]]:
        if self._profile.name == BOARD:
            with emulated_lines.opened(
                self._home, RealEmulation(), for_test=for_test, in_window=in_window
            ) as lines:
                yield lines.bench, lines
        elif not self._home.root.is_dir():
            raise HomeMissing(path=self._home.root)  # the lock would make it
        else:
            with (
                self._home.lock(),
                wired_board.opened(self._home, self._settings, self._profile, self._ends) as bench,
            ):
                yield bench, None


def _listed(board: str, seen: Survey) -> dict[str, Any]:
    senses = seen.senses
    return {
        "schema": documents.SCHEMA,
        "board": board,
        "phase": seen.status.phase.value,
        "cause": seen.status.cause,
        "lines": [
            {
                "line": line.line,
                "ordered": line.ordered,
                "interlock": line.interlock,
                "controller": line.controller,
                "unexplained": line.unexplained,
                "disputed": line.disputed,
            }
            for line in seen.lines
        ],
        "senses": {
            "k1_conducting": senses.k1_conducting,
            "k2_conducting": senses.k2_conducting,
            "k3_on_link": senses.k3_on_link,
            "cut_pressed": senses.cut_pressed,
            "key_turned": senses.key_turned,
        },
        "carrier": seen.carrier,
        "other_networks": seen.others,
        "interlock_age_ms": seen.interlock_age_ms,
        "controller_age_ms": seen.controller_age_ms,
        "alarming": seen.alarming,
    }


def _tested(board: str, results: list[StepResult]) -> dict[str, Any]:
    return {
        "schema": documents.SCHEMA,
        "board": board,
        "steps": [
            {
                "step": result.step.value,
                "verdict": result.verdict.value,
                "cause": result.cause,
                "findings": [
                    {"line": found.line, "side": found.side, "live": found.live}
                    for found in result.findings
                ],
            }
            for result in results
        ],
    }
