"""Proving a bench: the pages quote the guided test word for word, in order, and name commands that exist."""

import re
from pathlib import Path

import pytest

from appliance import errors
from appliance.cli import line
from appliance.service.line_bench import Step
from appliance.words import Catalogue
from tests.tidy.test_documented_commands import commands, fault
from tests.tidy.tree import PROJECT

PAGES = {"en": PROJECT / "hw" / "COMMISSIONING.md", "ja": PROJECT / "hw" / "COMMISSIONING.ja.md"}


@pytest.mark.parametrize(("language", "page"), PAGES.items(), ids=PAGES)
def test_the_steps_of_the_guided_test_stand_there_in_its_words_and_order(language: str, page: Path) -> None:
    catalogue = Catalogue(language)
    said = page.read_text("utf-8")
    guided = said.split("\n## 10 ")[1].split("\n## 11 ")[0]
    quoted = [row.split("|")[1].strip() for row in guided.splitlines() if row.startswith("| ")][2:]
    assert quoted == [catalogue.text(line._STEPS[step]) for step in Step if step is not Step.CONNECT]
    connect = re.split(r"[.。](?= |\*|$|そ)", catalogue.text(line._STEPS[Step.CONNECT]))[0]
    assert connect in said.split("\n## 11 ")[1].split("\n## 12 ")[0]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_command_and_every_code_that_is_named_exists(page: Path) -> None:
    said = page.read_text("utf-8")
    assert [wrong for command in commands(said) if (wrong := fault(command))] == []
    assert set(re.findall(r"IW-\d{4}", said)) <= set(errors.by_code())
