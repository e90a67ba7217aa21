"""One line that says how far the work is, how fast, and whether it fits the window."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from appliance.cli.banner import clock_text
from appliance.words import N_, Catalogue

ETA_FROM = 0.05  # share of the work; below 5 % an estimate is a guess (50-interface)
BAR_CELLS_MIN, BAR_CELLS_MAX = 10, 40  # cells; shorter says nothing, longer pushes the figures apart
_NEXT_UNIT_FROM = 999.5  # would print as 1000
_TENTHS_BELOW = 99.95  # above, three figures need no decimal
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Work of `stage`: `done` of about `total` bytes (0: not known), `now_s` now. Looked at since
    `began_s`, when `first` bytes were done already."""

    stage: str
    first: int = 0
    done: int = 0
    total: int = 0
    began_s: float = 0.0
    now_s: float = 0.0

    @property
    def rate(self) -> float:
        """Bytes per second since the beginning; 0 while no time has passed."""
        passed = self.now_s - self.began_s
        return (self.done - self.first) / passed if passed > 0 else 0.0

    @property
    def share(self) -> float | None:
        """0 to 1, or None where the total is not known. A total that was too small is not 101 %."""
        return min(1.0, self.done / self.total) if self.total else None


def bar(share: float, cells: int) -> str:
    """`####....` of `cells` cells; full only when everything is done."""
    full = int(share * cells)
    return "#" * full + "." * (cells - full)


def size_text(count: float) -> str:
    """Bytes in decimal units, with a tenth below a hundred: 664 MB, 1.2 GB."""
    unit = 0
    while count >= _NEXT_UNIT_FROM and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    figures = f"{count:.0f}" if unit == 0 or count >= _TENTHS_BELOW else f"{count:.1f}"
    return f"{figures} {_UNITS[unit]}"


def line(progress: Progress, catalogue: Catalogue, width: int, left_s: int | None) -> str:
    """Bar, share, bytes, rate and, from 5 % on, the time left beside what the window still gives."""
    share = progress.share
    head = f" {progress.stage} "
    rate = f"{size_text(progress.rate)}/s" if progress.rate > 0 else ""
    if share is None:
        return set_cell_size(f"{head} {size_text(progress.done)}  {rate}", width)
    figures = [f"{size_text(progress.done)}/{size_text(progress.total)}", rate]
    ending = _ending(progress, share, catalogue, left_s)
    room = width - cell_len(head) - 2
    tail = _tail(share, figures, ending)
    while figures and cell_len(tail) > room - BAR_CELLS_MIN:
        figures.pop()  # what is left to do is said before how fast and how much
        tail = _tail(share, figures, ending)
    cells = max(0, min(BAR_CELLS_MAX, room - cell_len(tail)))
    return set_cell_size(f"{head}{bar(share, cells)} {tail}", width)


def _tail(share: float, figures: list[str], ending: list[str]) -> str:
    return "  ".join(part for part in (f"{int(share * 100):3d}%", *figures, *ending) if part)


def _ending(progress: Progress, share: float, catalogue: Catalogue, left_s: int | None) -> list[str]:
    """The time left, and whether the window gives as much."""
    if share < ETA_FROM or progress.rate <= 0:
        return []
    eta_s = round((progress.total - progress.done) / progress.rate) if share < 1 else 0
    left = catalogue.text(N_("{eta} left"), eta=clock_text(eta_s))
    if left_s is None:
        return [left]
    fits = N_("FITS") if eta_s <= left_s else N_("WILL GO ON IN THE NEXT WINDOW")
    return [left, catalogue.text(fits)]
