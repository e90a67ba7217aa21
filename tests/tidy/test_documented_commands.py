"""Every `iwato …` that a page tells somebody to type is a command that exists, with options that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from rich.cells import cell_len

from appliance.cli.app import iwato
from appliance.cli.help import PAGES, TOPICS
from appliance.words import LANGUAGES
from tests.tidy.tree import PROJECT

DOCUMENTS = [
    "README.md", "appliance/RUNBOOK.md", "appliance/THREATS.md", "hw/README.md",
    *(f"appliance/pages/{topic}.{language}.md" for topic in TOPICS for language in LANGUAGES),
]  # fmt: skip
CARD_LINES, CARD_CELLS = 60, 96  # one A4 page of a 10-point fixed font
# A command in code: after a backtick, or at the beginning of a line of a block.
_SAID = re.compile(r"(?:`|^(?: {4})?)iwato ((?:[^`\n\\]|\\\n)+)", re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    """The words after `iwato`, without comments."""
    for said in _SAID.findall(text):
        yield said.replace("\\\n", " ").partition("  #")[0].strip()


def fault(said: str) -> str:
    """What of it does not exist; "" for nothing."""
    if said.startswith(("IW-", "is ", "COMMAND", "…")):
        return ""
    here: click.Command = iwato
    context = click.Context(iwato)
    for word in shlex.split(said.replace("'", " "), comments=True):
        if isinstance(here, click.Group) and not word.startswith("-"):
            verb = here.get_command(context, word.rstrip(".,:;)"))
            if verb is None:
                return f"there is no `{word}` in `iwato {said}`"
            here = verb
        elif word.startswith("--"):
            known = {name for option in (*here.params, *iwato.params) for name in option.opts}
            if word.partition("=")[0].rstrip(".,:;)") not in known | {"--help"}:
                return f"no option {word} in `iwato {said}`"
    return ""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_written_down_exists(document: str) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    assert [wrong for said in commands(text) if (wrong := fault(said))] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_tells_the_same_commands_in_every_language(topic: str) -> None:
    texts = [(PAGES / f"{topic}.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES]
    told = [sorted(c.replace("コード", "CODE") for c in commands(text)) for text in texts]
    assert told[0] == told[1]
    heads = [re.findall(r"^#+ (\d*)", text, re.MULTILINE) for text in texts]
    assert heads[0] == heads[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_quick_card_is_one_page(language: str) -> None:
    lines = (PAGES / f"card.{language}.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= CARD_LINES
    assert max(map(cell_len, lines)) <= CARD_CELLS


@pytest.mark.planted
def test_a_command_that_does_not_exist_is_caught() -> None:
    assert fault("drive scrap --home BOX")
    assert fault("drive scrub --hom BOX")
    assert list(commands("type `iwato drive scrap`.")) == ["drive scrap"]
