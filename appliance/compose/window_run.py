"""One window on a board that stands in it: run it and say what it amounted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.compose import bench_file, config_file, documents, rootkit_drill
from appliance.compose.emulated_board import EmulatedBoard, latched, require_able
from appliance.compose.home import Home
from appliance.compose.job import WindowJob
from appliance.compose.job_log import JobLog
from appliance.errors import RootkitNotPlanted
from appliance.ports import Watcher


def job(home: Home) -> WindowJob:
    """The whole window of this home, as its administrator and its bench set it."""
    return WindowJob(
        home=str(home.root), link_rate=bench_file.link_rate(home), intake=config_file.read(home).intake
    )


def run(
    board: EmulatedBoard,
    watcher: Watcher,
    drill: rootkit_drill.Drill,
    earlier: Sequence[Mapping[str, object]],
) -> Mapping[str, Any]:
    """The window's document; raises the error that ended it. `earlier` warnings are its own too."""
    require_able(board)
    log = board.run(watcher)
    log.warnings[:0] = earlier
    if drill.is_missing:
        log.warnings.append({"code": RootkitNotPlanted.code, "values": {}})
    fault = latched(board)
    if fault is not None and log.error is not None:
        log.error = fault  # what was refused or cut short was so because of it
    document = documents.window(board, log, fault)
    board.power_off()
    if drill.implant is not None:
        document["rootkit"] = rootkit_drill.verdict(board, log)
    return ended(log, document)


def ended(log: JobLog, document: dict[str, Any]) -> Mapping[str, Any]:
    """The document, or the job's error."""
    if log.error is not None:
        raise log.error
    return document
