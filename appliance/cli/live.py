"""The running picture of a job: the banner by measured state, one progress line, a log above them.

On a terminal the picture is redrawn in place and the log scrolls above it; elsewhere (a file, a
pipe, TERM=dumb) every log line is printed once and progress at each tenth. Draws only; it cannot
touch the box. Everything the controller says is escaped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from appliance.cli.banner import banner
from appliance.cli.escape import escape
from appliance.cli.progress import Progress, line
from appliance.domain.phases import Reading
from appliance.errors import by_code
from appliance.words import N_, Catalogue

REFRESH_PER_S = 8  # redraws per second: smooth to the eye, light on a serial console
_HANGING = "  "  # how far a line's continuation stands in
_STAGES = {
    "intake": N_("pulling"),
    "seal": N_("sealing"),
    "verify": N_("reading back"),
    "scrub": N_("scrubbing"),
    "restore": N_("restoring"),
    "compare": N_("comparing"),
}


class LiveScreen:
    """A `ports.Watcher` for people. `expected` are the bytes that a stage will about amount to."""

    def __init__(self, catalogue: Catalogue, console: Console, *, quiet: bool = False) -> None:
        self._catalogue, self._console, self._quiet = catalogue, console, quiet
        self._reading: Reading | None = None
        self._progress: Progress | None = None
        self._tenth = -1
        self._live: Live | None = None
        self.expected: dict[str, int] = {}
        self.warnings: list[str] = []

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._picture, refresh_per_second=REFRESH_PER_S
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress = None
        if self._live is not None:
            self._live.stop()
            self._live = None

    # -- ports.Watcher -------------------------------------------------------------------------------

    def reading(self, reading: Reading) -> None:
        """A new measurement."""
        before, self._reading = self._reading, reading
        if self._live is None and (before is None or before.phase is not reading.phase):
            word = N_("!! NETWORK CONNECTED !!") if reading.measured.link else N_("ISOLATED")
            self.log(f"[{reading.phase.value}] {self._catalogue.text(word)}")

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        """Progress moves the bar; a warning or a note becomes a line of the log."""
        if event == "progress":
            self._move(str(fields.get("stage", "")), _count(fields.get("done")), _count(fields.get("total")))
        elif event == "warning":
            self.warn(self._warning(fields))
        elif event == "note":
            self.log(escape(str(fields.get("text", ""))))

    # -- for the commands ----------------------------------------------------------------------------

    def log(self, text: str, style: str = "") -> None:
        """One line above the picture; a longer one goes on below, a little further in."""
        if self._quiet:
            return
        body = text.lstrip(" ")
        indent = " " * (len(text) - len(body))
        lines = Text(body, style=style).wrap(self._console, self._console.width - len(indent) - len(_HANGING))
        for number, row in enumerate(lines or [Text("")]):
            self._console.print(Text(indent + _HANGING * bool(number)) + row, soft_wrap=True)

    def begin(self) -> None:
        """Something new begins: what the last work had come to is no longer shown."""
        self._progress = None

    def warn(self, text: str) -> None:
        """A line now, and again in the list at the end."""
        self.warnings.append(text)
        self.log("! " + text, style="bold")

    def _warning(self, fields: Mapping[str, object]) -> str:
        """A warning that the controller named by its code; its own words never reach the screen raw."""
        code, values = str(fields.get("code", "")), fields.get("values")
        kind = by_code().get(code)
        shown = {key: escape(str(value)) for key, value in values.items()} if isinstance(values, dict) else {}
        try:
            text = self._catalogue.text(kind.what, **shown) if kind else ""
        except (KeyError, IndexError):
            text = ""
        return f"{escape(code)} {text}".strip()

    def _move(self, stage: str, done: int, total: int) -> None:
        total = total or self.expected.get(stage, 0)
        now_s = time.monotonic()
        word = self._catalogue.text(_STAGES.get(stage, N_("working")))
        if self._progress is None or self._progress.stage != word:
            self._tenth = -1
            self._progress = Progress(stage=word, first=done, began_s=now_s)
        self._progress = replace(self._progress, done=done, total=total, now_s=now_s)
        share = self._progress.share
        if self._live is None and share is not None and int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self.log(line(self._progress, self._catalogue, 100, None).rstrip())

    def _picture(self) -> Group:
        width = self._console.width
        rows: list[Text] = []
        if self._reading is not None:
            rows.append(banner(self._reading, self._catalogue, width))
            rows.append(Text(_clock_row(self._reading)))
        if self._progress is not None:
            left_s = self._reading.phase_left_s if self._reading and self._reading.phase_left_s else None
            rows.append(Text(line(self._progress, self._catalogue, width, left_s), no_wrap=True))
        return Group(*rows)


def _clock_row(reading: Reading) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(reading.unix_s))
    return f" {at} UTC (emulated)   phase {reading.phase.value}"


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
