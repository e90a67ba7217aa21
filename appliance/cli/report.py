"""`iwato report make`: one HTML file that a board can read and keep. The drives stay dark."""

from __future__ import annotations

import click

from appliance.cli import sentence
from appliance.cli.bench import ending_of, warning_lines
from appliance.cli.face import Face, command, place
from appliance.cli.report_page import Page
from appliance.errors import UsageError
from appliance.ports import ReportRequest
from appliance.service import evidence
from appliance.words import N_

DAYS_MAX = 366  # a year of bars is what a page can show
NAME = "iwato-report-{day}.html"


@click.group("report", help=N_("What the box did, for people who answer for it."))
def report() -> None:
    """What the box did."""


@report.command("make", help=N_("Write the report as one HTML file."))
@click.option("--out", type=click.Path(), default=None, help=N_("the new file"))
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=31, show_default=True,
              help=N_("days that it looks back"))  # fmt: skip
@click.option("--failures-per-year", type=click.FloatRange(0, 1), default=evidence.FAILURES_PER_YEAR,
              show_default=True, help=N_("assumed chance that one drive fails in a year"))  # fmt: skip
@click.option("--replaced-after", type=click.IntRange(1, 3650), default=evidence.REPLACED_AFTER_DAYS,
              show_default=True, help=N_("assumed days until a lost drive is replaced"))  # fmt: skip
@command
def make(
    face: Face, *, out: str | None, days: int, failures_per_year: float, replaced_after: int
) -> int:
    """Write the report as one HTML file."""
    request = ReportRequest(
        days=days, failures_per_year=failures_per_year, replaced_after_days=replaced_after
    )
    document = dict(face.appliance.report(request))
    path = place(out if out is not None else NAME.format(day=document["made"][:10]))
    warnings = list(sentence.listed(face.catalogue, document["warnings"]))
    page = Page(document, face.catalogue, warnings).html()
    try:
        file = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise UsageError(detail=f"{path} is there already; name a new file with --out") from None
    try:
        with file:
            file.write(page)
    except BaseException:
        path.unlink(missing_ok=True)  # half a report is none, and would stand in the next one's way
        raise
    lines = [face.text(N_("The report is in {path}"), path=path), *warning_lines(face, document)]
    face.put(document | {"path": str(path)}, lines)
    return ending_of(document)
