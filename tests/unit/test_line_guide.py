"""The person at the terminal: asked only where somebody can answer, and never answered for."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cli.face import Face
from appliance.cli.line import Guide
from appliance.compose import attending, doctor
from appliance.compose.demo_world import TemporaryWorld
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.line_desk import LineDesk
from appliance.service.line_bench import Finding, Question, Step, StepResult, Verdict


def face(*, as_json: bool = False, language: str = "en") -> Face:
    return Face(
        open=EmulatedAppliance,
        open_lines=LineDesk,
        world=TemporaryWorld(),
        doctor=doctor.examine,
        attend=attending.attend,
        as_json=as_json,
        language=language,
    )


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What a person types; standard input is a terminal."""
    typing, near = pty.openpty()
    with os.fdopen(near, encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield typing
    os.close(typing)


@pytest.mark.parametrize(
    ("typed", "meant"), [(b"y\n", True), (b"n\n", False), (b"\n", False), (b"?\ny\n", True)]
)
def test_what_is_typed_is_the_answer_and_enter_alone_is_no(
    keyboard: int, typed: bytes, meant: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    os.write(keyboard, typed)
    assert Guide(face()).sees(Question.LAMP_DARK) is meant
    said = capsys.readouterr()
    assert "dark now?" in said.err
    assert said.out == ""


def test_the_end_of_input_is_an_interruption_and_not_an_answer(keyboard: int) -> None:
    os.write(keyboard, b"\x04")
    with pytest.raises(KeyboardInterrupt):
        Guide(face()).sees(Question.LAMP_DARK)


def test_under_json_and_without_a_terminal_nobody_looks_and_nobody_turns_a_key(
    keyboard: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.write(keyboard, b"y\ny\n")
    quiet = Guide(face(as_json=True))
    assert quiet.sees(Question.LAMP_LIT) is None
    assert not quiet.turns_key(turned=True)
    (tmp_path / "answers").write_text("y\ny\ny\n")
    with (tmp_path / "answers").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert Guide(face()).sees(Question.DRIVES_DARK) is None
        assert not Guide(face()).turns_key(turned=False)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("FAILED", "drive 3", "lamp CONNECTED dark")),
        ("ja", ("不合格", "ドライブ 3", "ランプは今消えて")),
    ],
)
def test_a_failure_names_line_side_and_state_in_the_persons_language(
    language: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = (
        Finding(line="drive 3", side="interlock", live=True),
        Finding(line="lamp-dark", side="eyes", live=True),
    )
    result = StepResult(step=Step.DARK, verdict=Verdict.FAILED, findings=found, cause="CONTACT_TEST_FAILED")
    Guide(face(language=language)).ended(result)
    said = capsys.readouterr().err
    for word in (*words, "CONTACT_TEST_FAILED"):
        assert word in said
