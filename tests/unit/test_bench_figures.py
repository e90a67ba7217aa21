"""The benchmark's arithmetic, its table, its chart and its place in the page."""

from xml.etree import ElementTree as ET

import pytest

from tests.bench import chart, table
from tests.bench.figures import NOT_MEASURED, Figure, Figures, Sample, ratio

SVG = "{http://www.w3.org/2000/svg}"
SETS = [("tree", "ten files"), ("image", "one image")]
FACTS = table.Circumstances(
    machine="a machine", versions=["Iwato 1", "restic 2"], date="2030-01-01", seed=7, repetitions=3, sets=SETS
)


def sample(tool: str, wall_s: float, link_s: float | None = None, drives_s: float | None = None) -> Sample:
    return Sample(
        data="tree",
        step="first",
        tool=tool,
        wall_s=wall_s,
        cpu_s=wall_s / 2,
        rss_mib=100,
        link_s=link_s,
        drives_s=drives_s,
    )


def measured() -> Figures:
    """Iwato twice as fast as restic, half as fast as borg."""
    ours = [sample("Iwato", wall, link_s=1.0, drives_s=2.0) for wall in (9.0, 4.0, 1.0)]
    return Figures([*ours, sample("restic", 8.0), sample("borg", 2.0)])


# Arithmetic -------------------------------------------------------------------------------------------


def test_a_figure_is_the_median_of_each_quantity_by_itself() -> None:
    runs = [
        Sample(data="d", step="first", tool="t", wall_s=3, cpu_s=1, rss_mib=10, link_s=1, drives_s=5),
        Sample(data="d", step="first", tool="t", wall_s=1, cpu_s=9, rss_mib=30, link_s=3, drives_s=4),
        Sample(data="d", step="first", tool="t", wall_s=2, cpu_s=5, rss_mib=20, link_s=2, drives_s=9),
    ]
    assert Figures(runs).of("d", "first", "t") == Figure(
        runs=3, wall_s=2, wall_low_s=1, wall_high_s=3, cpu_s=5, rss_mib=20, link_s=2, drives_s=5
    )


def test_an_even_number_of_runs_has_its_median_in_the_middle() -> None:
    assert Figures([sample("t", 1.0), sample("t", 4.0)]).of("tree", "first", "t").wall_s == 2.5


def test_one_failure_beats_any_number_of_fast_runs() -> None:
    failed = Sample(data="tree", step="first", tool="t", failure="it broke")
    figures = Figures([sample("t", 0.1), failed, sample("t", 0.1)])
    assert figures.of("tree", "first", "t") == Figure(failure="it broke")
    assert figures.failures() == ("t, tree, first: it broke",)


def test_what_was_not_run_is_not_measured_and_has_no_ratio() -> None:
    assert Figures([]).of("tree", "first", "t") == NOT_MEASURED
    assert ratio(NOT_MEASURED, 1.0) is None
    assert ratio(Figure(runs=1, wall_s=1.0), None) is None


def test_a_ratio_is_the_peers_time_by_ours() -> None:
    assert ratio(Figure(runs=1, wall_s=6.0), 2.0) == 3.0


# Table ------------------------------------------------------------------------------------------------


def test_the_table_shows_medians_halves_and_ratios_and_marks_where_iwato_loses() -> None:
    rows = table.markdown(measured(), FACTS).splitlines()
    first = next(row for row in rows if row.startswith("| first backup"))
    assert first == (
        "| first backup | 4.00 / 2.00 / 100 | 1.0 + 2.0 | 8.00 / 4.00 / 100 | 2.00 / 1.00 / 100 "
        "| 2.00x, intake 8.00x | **0.50x**, intake 2.00x |"
    )


def test_every_step_of_every_set_has_a_row_and_what_is_absent_says_so() -> None:
    rows = table.markdown(measured(), FACTS).splitlines()
    steps = [row for row in rows if row.startswith(tuple(f"| {title} |" for title in table.TITLES.values()))]
    assert len(steps) == len(SETS) * len(table.TITLES)
    assert sum("not measured" in row for row in steps) == len(steps) - 1
    assert {row.count("|") for row in steps} == {8}


def test_a_failure_stands_in_its_cell_and_below_the_table() -> None:
    failed = Sample(data="tree", step="first", tool="borg", failure="restored | wrongly")
    text = table.markdown(Figures([sample("Iwato", 1.0), failed]), FACTS)
    assert "| restored / wrongly |" in text
    assert "Failed: borg, tree, first: restored | wrongly." in text


# The page ---------------------------------------------------------------------------------------------

PAGE = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"


def test_only_what_is_between_the_markers_is_replaced() -> None:
    once = table.replaced(PAGE, "new\n")
    assert once == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    assert table.replaced(once, "new\n") == once


@pytest.mark.parametrize(
    "page",
    ["none", table.BEGIN, PAGE + PAGE, f"{table.END}\n{table.BEGIN}"],
    ids=["none", "one", "twice", "reversed"],
)
def test_a_page_without_its_two_markers_is_not_touched(page: str) -> None:
    with pytest.raises(ValueError, match="needs one"):
        table.replaced(page, "new")


def test_the_readme_has_its_markers_and_what_they_hold_is_the_last_measured_table() -> None:
    from tests.bench.__main__ import LAST
    from tests.bench.contestants import PROJECT

    page = (PROJECT / "README.md").read_text()
    assert table.replaced(page, (LAST / "table.md").read_text()) == page
    assert str((LAST / "chart.svg").relative_to(PROJECT)) in page


# Chart ------------------------------------------------------------------------------------------------


def bars(text: str, colour: str) -> list[float]:
    """Widths of the bars of this colour, without the key's."""
    marks = ET.fromstring(text).iter(f"{SVG}rect")  # noqa: S314 - our own file
    return [float(mark.attrib["width"]) for mark in marks if mark.attrib["fill"] == colour][1:]


def test_the_chart_is_well_formed_and_its_bars_are_as_long_as_the_times() -> None:
    text = chart.svg(measured(), SETS, "caption")
    restic, borg = bars(text, chart.RESTIC), bars(text, chart.BORG)
    assert restic == [chart.BAR_WIDTH_MAX]
    assert borg == [chart.BAR_WIDTH_MAX / 4]
    parts = [bars(text, colour)[0] for colour in (chart.INTAKE, chart.SEALING, chart.REST)]
    assert parts == [65.0, 130.0, 65.0]


def test_whatever_a_tool_says_stays_text_in_the_chart() -> None:
    hostile = Sample(data="tree", step="first", tool="borg", failure='</text><script x="&">')
    text = chart.svg(Figures([hostile]), [("tree", "<a & b>")], "<&>")
    root = ET.fromstring(text)  # noqa: S314 - our own file
    assert not list(root.iter(f"{SVG}script"))
    assert any('</text><script x="&">' in (mark.text or "") for mark in root.iter(f"{SVG}text"))
