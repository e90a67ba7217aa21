"""`iwato help`, `--version` and `completion` as a person and a shell use them."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from rich.cells import cell_len

from appliance import errors
from appliance.cli import help as help_verb
from appliance.cli.help import WIDTH
from appliance.errors import by_code
from tests.attack.command_line import iwato, run


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_code_has_a_page_that_fits_the_screen(language: str) -> None:
    codes = run("help", "--json", "--lang", language).document["codes"]  # IW-0000 is named, not met
    assert {page["code"] for page in codes} == set(by_code())
    for page in codes:
        for text in (page["what"], page["remedy"]):
            assert "{" not in text
            lines = help_verb.filled(text)
            assert all(cell_len(line) <= WIDTH for line in lines)
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    shown = run("help", "--lang", language)
    assert all(cell_len(line) <= WIDTH for line in shown.out.splitlines())
    assert shown.codes >= set(by_code())


@pytest.mark.parametrize("typed", ["IW-3012", "iw-3012", "3012", "iw3012"])
def test_a_code_is_known_however_it_is_typed(typed: str) -> None:
    assert iwato("help", typed).out.splitlines()[0] == errors.DriveHangs.code


@pytest.mark.parametrize("typed", ["IW-9999", "", "\x1b[2J", "IW-30121", "rm -rf", "１２３４"])
def test_what_is_no_code_is_a_usage_error(typed: str) -> None:
    assert iwato("help", typed).status == errors.EXIT_USAGE


@pytest.mark.parametrize("topic", help_verb.TOPICS)
def test_the_pages_for_a_bad_day_are_in_the_box(topic: str) -> None:
    english, japanese = (iwato("help", topic, "--lang", language).out for language in ("en", "ja"))
    assert english.startswith("# ")
    assert english != japanese
    assert "CUT" in english + japanese or topic == "disaster"


def test_no_word_at_all_shows_the_verbs() -> None:
    ended = run()
    assert "Traceback" not in ended.err
    assert ended.status == errors.EXIT_USAGE
    assert "restore" in ended.out + ended.err


def test_the_version_is_the_packages() -> None:
    assert iwato("--version").out.strip() == f"iwato {metadata.version('iwato')}"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_their_own_script(shell: str) -> None:
    assert "_IWATO_COMPLETE" in iwato("completion", shell).out


def test_bash_completes_verbs_and_codes(tmp_path: Path) -> None:
    program = tmp_path / "iwato"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m appliance "$@"\n')
    program.chmod(0o755)
    script = (
        'source <(iwato completion bash)\n'
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _iwato_completion iwato;'
        ' echo "${COMPREPLY[@]}"; }\n'
        'try iwato led\ntry iwato help IW-301\n'
    )  # fmt: skip
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    verbs, codes = done.stdout.splitlines()
    assert verbs.split() == ["ledger"]
    assert errors.DriveHangs.code in codes.split()
