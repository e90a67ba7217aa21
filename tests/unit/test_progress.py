"""The progress line: exact width, honest about what is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from appliance.cli import progress
from appliance.cli.progress import Progress, bar, line, size_text
from appliance.words import LANGUAGES, Catalogue

ENGLISH = Catalogue("en")


def work(done: int, total: int = 1_000_000, *, passed_s: float = 10.0, stage: str = "pulling") -> Progress:
    return Progress(stage=stage, done=done, total=total, began_s=0.0, now_s=passed_s)


@given(
    done=st.integers(0, 1 << 60), total=st.integers(0, 1 << 60), passed_s=st.floats(0, 1e9),
    width=st.integers(20, 200), language=st.sampled_from(LANGUAGES),
    left_s=st.none() | st.integers(0, 1 << 30),
    stage=st.sampled_from(["pulling", "取り込み中", "復元しています"]),
)  # fmt: skip
def test_the_line_is_exactly_as_wide_as_the_screen(
    done: int, total: int, passed_s: float, width: int, language: str, left_s: int | None, stage: str
) -> None:
    shown = line(work(done, total, passed_s=passed_s, stage=stage), Catalogue(language), width, left_s)
    assert cell_len(shown) == width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", ["pulling", "読み戻し検証"])
@pytest.mark.parametrize(("left_s", "verdict"), [(3600, "FITS"), (1, "WILL GO ON IN THE NEXT WINDOW")])
def test_at_80_columns_the_verdict_is_never_cut_off(
    stage: str, language: str, left_s: int, verdict: str
) -> None:
    catalogue = Catalogue(language)
    shown = line(work(620_000, stage=stage), catalogue, 80, left_s)
    assert shown.rstrip().endswith(catalogue.text(verdict))
    assert "######...." in shown
    assert " 62%" in shown
    assert "620 KB/1.0 MB" in line(work(620_000, stage=stage), catalogue, 120, left_s)


def test_below_five_percent_there_is_no_estimate() -> None:
    assert "left" not in line(work(49_999), ENGLISH, 120, 60)
    assert "left" in line(work(50_000), ENGLISH, 120, 60)


def test_the_estimate_is_held_against_the_window() -> None:
    assert "FITS" in line(work(500_000), ENGLISH, 120, 10)
    assert "WILL GO ON IN THE NEXT WINDOW" in line(work(500_000), ENGLISH, 120, 9)
    assert "FITS" not in line(work(500_000), ENGLISH, 120, None)


@given(done=st.integers(0, 999_999))
def test_only_what_is_done_is_called_done(done: int) -> None:
    shown = line(work(done), ENGLISH, 120, None)
    assert "100%" not in shown
    assert "#" * 40 not in shown


def test_what_is_done_is_full() -> None:
    shown = line(work(1_000_000), ENGLISH, 120, None)
    assert "100%" in shown
    assert "#" * 40 in shown


def test_a_total_that_was_too_small_is_not_more_than_all() -> None:
    assert "100%" in line(work(3_000_000), ENGLISH, 120, None)


def test_without_a_total_there_is_no_share() -> None:
    shown = line(work(3_000_000, 0), ENGLISH, 80, None)
    assert "%" not in shown
    assert "3.0 MB" in shown


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (99_949, "99.9 KB"), (99_951, "100 KB"),
     (999_499, "999 KB"), (999_500, "1.0 MB"), (664e6, "664 MB"), (1.25e9, "1.2 GB"), (5e18, "5000 PB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(count: float, text: str) -> None:
    assert size_text(count) == text


@given(share=st.floats(0, 1), cells=st.integers(1, 100))
def test_the_bar_has_its_length(share: float, cells: int) -> None:
    assert len(bar(share, cells)) == cells


@pytest.mark.planted
def test_a_line_that_counts_characters_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "cell_len", len)
    japanese = Catalogue("ja")
    shown = line(work(620_000, stage="読み戻し検証" * 2), japanese, 80, 3600)
    assert not shown.rstrip().endswith(japanese.text("FITS"))
