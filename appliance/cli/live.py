"""The running picture of a job: the banner by measured state, one progress line, a log above them.

On a terminal the picture is redrawn in place and the log scrolls above it; elsewhere (a file, a
pipe, TERM=dumb) every log line is printed once and progress at each tenth. Draws only; it cannot
touch the box. Everything the controller says is escaped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from appliance.cli import sentence
from appliance.cli.banner import banner, word_of
from appliance.cli.escape import escape
from appliance.cli.progress import Progress, line
from appliance.domain.phases import Phase, Reading
from appliance.words import N_, Catalogue

COUNT_MAX = 1 << 60  # bytes; what the controller says beyond it is nonsense and would not fit a float
UNIX_S_MAX = 253_402_300_799  # s; the last second of the year 9999
# s; a contact on its way is neither: the interlock itself calls a mismatch of 100 ms a fault (PROTOCOL 5.6),
# and what it latches is shown at once
MOVING_S = 0.1
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

    def __init__(
        self,
        catalogue: Catalogue,
        console: Console,
        *,
        quiet: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue, self._console, self._quiet, self._now_s = catalogue, console, quiet, now_s
        self._reading: Reading | None = None
        self._read_at_s = 0.0
        self._moving_since_s: float | None = None
        self._logged = ""
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

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The picture steps back, so that a person can be asked something."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        try:
            yield
        finally:
            if live is not None:
                live.start()
                self._live = live

    # -- ports.Watcher -------------------------------------------------------------------------------

    def reading(self, reading: Reading) -> None:
        """A new measurement. While a contact moves, the last state before stays on the screen."""
        now_s = self._now_s()
        if reading.confirmed or reading.fault:
            self._moving_since_s = None
        elif self._moving_since_s is None:
            self._moving_since_s = now_s
        if self._moving_since_s is not None and now_s - self._moving_since_s < MOVING_S:
            return
        if reading.phase is Phase.AIRLOCK:
            self._progress = None  # the program whose work it was is gone
        self._reading, self._read_at_s = reading, now_s
        state = f"[{reading.phase.value}] {word_of(reading, self._catalogue)}"
        if self._live is None and state != self._logged:
            self._logged = state
            self.log(state)

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        """Progress moves the bar; a warning or a note becomes a line of the log."""
        if event == "progress":
            self._move(str(fields.get("stage", "")), _count(fields.get("done")), _count(fields.get("total")))
        elif event == "warning":
            self.warn(sentence.of(self._catalogue, fields))
        elif event == "note":
            self.log(escape(str(fields.get("text", ""))))

    # -- for the commands ----------------------------------------------------------------------------

    def log(self, text: str, style: str = "") -> None:
        """One line above the picture; a longer one goes on below, a little further in."""
        if self._quiet:
            return
        try:
            self._print(text, style)
        except OSError:  # nobody reads any more: the job goes on without words
            self._quiet = True

    def _print(self, text: str, style: str) -> None:
        """Folded for a terminal; in a file or a pipe a line stays a line."""
        if not self._console.is_terminal:
            self._console.print(Text(text, style=style), soft_wrap=True)
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

    def _move(self, stage: str, done: int, total: int) -> None:
        total = total or self.expected.get(stage, 0)
        now_s = self._now_s()
        word = self._catalogue.text(_STAGES.get(stage, N_("working")))
        if self._progress is None or self._progress.stage != word:
            self._tenth = -1
            self._progress = Progress(stage=word, first=done, began_s=now_s)
        self._progress = replace(self._progress, done=done, total=total, now_s=now_s)
        share = self._progress.share
        if self._live is None and share is not None and int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self.log(
                line(self._progress, self._catalogue, self._console.width - len(_HANGING), None).rstrip()
            )

    def _picture(self) -> Group:
        """A measurement grows old on the screen, also when nobody brings a new one."""
        width = self._console.width
        rows: list[Text] = []
        reading = self._reading
        if reading is not None:
            waited_ms = int((self._now_s() - self._read_at_s) * 1000)
            reading = replace(reading, age_ms=reading.age_ms + waited_ms)
            rows.append(banner(reading, self._catalogue, width))
            rows.append(Text(_clock_row(reading, self._catalogue), no_wrap=True))
        if self._progress is not None:
            left_s = reading.phase_left_s if reading and reading.phase_left_s else None
            rows.append(Text(line(self._progress, self._catalogue, width, left_s), no_wrap=True))
        return Group(*rows)


def _clock_row(reading: Reading, catalogue: Catalogue) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(min(max(0, reading.unix_s), UNIX_S_MAX)))
    return " " + catalogue.text(N_("{at} UTC (emulated)   phase {phase}"), at=at, phase=reading.phase.value)


def _count(value: object) -> int:
    return min(value, COUNT_MAX) if isinstance(value, int) and value >= 0 else 0
