"""`iwato bench trace`: a recorded window as a list and as a drawing; nothing is replaced."""

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.cli import app
from appliance.cli.trace import ms_of
from appliance.compose import attending, doctor
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.line_desk import LineDesk
from appliance.errors import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, UsageError
from hw import trace
from tests.unit import recorded_bench
from tests.unit.recorded_bench import deed


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trace") / "window.json"
    file.write_text(trace.encode(recorded_bench.window(deed("weld", 'target = "k1"'))), "ascii")
    return file


def call(words: Sequence[object]) -> int:
    given = ["bench", "trace", *map(str, words)]
    return app.run(
        EmulatedAppliance, LineDesk, TemporaryWorld(), doctor.examine, given, attend=attending.attend
    )


def test_the_list_numbers_the_events_and_says_what_changed_below_each(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([recorded]) == EXIT_OK
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "       0.000 s  [1] power on"
    assert "] scenario: weld k1\n" in said
    assert "     contact K1 = 1\n" in said
    assert "] phase FAULT LINK_WITHOUT_ORDER\n" in said


def test_the_list_speaks_japanese(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call([recorded, "--lang", "ja", "--event", "5"]) == EXIT_OK
    assert "接点 K1 = 1" in capsys.readouterr().out


def test_a_drawing_of_one_event_shows_what_was_just_before_it(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a.svg"
    assert call([recorded, "--svg", picture, "--event", "6", "--for", "80ms", "--json"]) == EXIT_OK
    document = json.loads(capsys.readouterr().out)
    at_ms = trace.parse(recorded.read_bytes()).events[5].at_ms
    assert document == {"svg": str(picture), "begin_ms": at_ms - 20, "end_ms": at_ms + 60}
    assert picture.read_text("utf-8").startswith("<svg ")


def test_the_changes_of_a_span_are_a_document(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call([recorded, "--from", "1s", "--for", "500ms", "--json"]) == EXIT_OK
    document = json.loads(capsys.readouterr().out)
    assert all(1000 <= at_ms <= 1500 for at_ms, _, _ in document["changes"])
    assert [1500, 1000] == [document["end_ms"], document["begin_ms"]]


def test_a_drawing_replaces_nothing(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a.svg"
    picture.write_text("mine", "utf-8")
    assert call([recorded, "--svg", picture]) == EXIT_REFUSED
    assert call([recorded, "--svg", tmp_path / "no" / "folder.svg"]) == EXIT_REFUSED
    assert picture.read_text("utf-8") == "mine"
    assert capsys.readouterr().err.count("IW-2141") == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff" * 100, b'{"iwato-trace": 9}', b"<svg></svg>"])
def test_what_is_no_trace_is_named(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x\x1b[31m.json"
    file.write_bytes(content)
    assert call([file]) == EXIT_USAGE
    said = capsys.readouterr()
    assert said.err.startswith("IW-2140: ")
    assert "\x1b" not in said.err
    assert not said.out


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert call([tmp_path / "pipe"]) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("IW-2140: ")


def test_words_of_a_trace_cannot_steer_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evil.json"
    evil = trace.Trace(
        bays=1, end_ms=9, rows={"k\x1b[2J": ((0, "\x1b]0;x\x07"),)},
        events=(trace.Event(at_ms=0, kind="\x1b[1m", detail="\u202e\x9b"),),
    )  # fmt: skip
    file.write_text(trace.encode(evil), "ascii")
    assert call([file]) == EXIT_OK
    said = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(said)
    assert call([file, "--svg", tmp_path / "e.svg"]) == EXIT_OK
    ET.parse(tmp_path / "e.svg")  # noqa: S314 - drawn a line above


@pytest.mark.parametrize(
    "words",
    [
        ["--from", "900s"],
        ["--from", "x"],
        ["--for", "-1s"],
        ["--for", "1h"],
        ["--event", "99"],
        ["--event", "1", "--from", "1s"],
        ["--event", "0"],
    ],
)
def test_a_span_that_the_trace_does_not_have_is_a_usage_error(
    recorded: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([recorded, *words]) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("IW-1001: ")


def test_times_are_read_to_the_millisecond() -> None:
    assert [ms_of(text) for text in ("80ms", "1.25s", "2m", "61.234s")] == [80, 1250, 120_000, 61_234]
    with pytest.raises(UsageError):
        ms_of("1.2345s")
