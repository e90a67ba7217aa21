"""`iwato line` as it is typed, on a small emulated appliance: documents, tables, exit statuses."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.spec import documents


def typed(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance", *words, "--home", str(home)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )


def document(home: Path, *words: str, status: int = 0) -> dict[str, Any]:
    done = typed(home, *words, "--json")
    assert done.returncode == status, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lines")
    (place / "source").mkdir()
    home = place / "home"
    assert typed(home, "init", "--source", f"docs={place / 'source'}").returncode == 0
    return home


def test_the_list_keeps_its_schema_and_every_line_is_cut(home: Path) -> None:
    found = document(home, "line", "list")
    assert not documents.fault("line-list", found)
    assert [line["line"] for line in found["lines"]] == ["link", *(f"drive {bay}" for bay in range(1, 7))]
    assert not any(line["ordered"] or line["interlock"] or line["controller"] for line in found["lines"])


def test_the_test_runs_against_the_twin_connects_the_link_in_its_window_and_passes(home: Path) -> None:
    found = document(home, "line", "test", "--connect")
    assert not documents.fault("line-test", found)
    assert {step["verdict"] for step in found["steps"]} == {"passed"}
    assert found["steps"][-1]["step"] == "connect"


@pytest.mark.parametrize(("language", "words"), [("en", "every line is cut"), ("ja", "全ラインが切断")])
def test_a_person_reads_each_step_in_his_language(home: Path, language: str, words: str) -> None:
    done = typed(home, "line", "test", "--plain", "--lang", language)
    assert done.returncode == 0
    assert words in done.stderr
    assert done.stdout == ""


def test_a_board_that_this_machine_is_not_is_an_error_with_a_code(home: Path) -> None:
    done = typed(home, "line", "list", "--board", "cm4")
    assert done.returncode == 1
    assert "IW-2120" in done.stderr
    done = typed(home, "line", "list", "--board", "../cm4")
    assert done.returncode == 2
    assert "IW-2123" in done.stderr


def test_a_contact_that_welds_fails_the_test_and_is_named_in_the_list_although_the_link_is_cut(
    home: Path, tmp_path: Path
) -> None:
    """The last test here: the box stays in FAULT."""
    scenario = tmp_path / "weld.toml"
    scenario.write_text('[[event]]\nat_s = 0\ndo = "weld"\ntarget = "k1"\n', encoding="ascii")
    typed(home, "bench", "run-window", "--scenario", str(scenario))
    found = document(home, "line", "test", "--connect", status=4)
    assert found["error"]["code"] == "IW-2007"
    listed = typed(home, "line", "list")
    assert listed.returncode == 4
    assert "K1" in listed.stdout
    assert "FAULT" in listed.stdout
