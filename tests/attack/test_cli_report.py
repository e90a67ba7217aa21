"""`iwato report make` as people get it: one file, no script, no address, true and readable."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from appliance import errors
from appliance.cli.report_page import Page
from appliance.words import Catalogue
from tests.attack.command_line import Ended, iwato
from tests.simulation.conftest import Vault

LOADING = frozenset({"script", "link", "iframe", "object", "embed", "img", "a", "form", "base"})
HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e&\"'"


@pytest.fixture(scope="module")
def made(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Ended, Path]]:
    """The same report in both languages."""
    place = tmp_path_factory.mktemp("report")
    box = vault.box.copy(place / "home")
    found = {}
    for language in ("en", "ja"):
        out = place / f"{language}.html"
        words = ("report", "make", "--home", str(box.root), "--out", str(out), "--lang", language, "--json")
        found[language] = iwato(*words), out
    return found


class Parts(HTMLParser):
    """Tags that are open, everything that could load or run something, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag != "meta" else []
        named = dict(attrs)
        self.wrong += [tag] if tag in LOADING else []
        self.wrong += [name for name in named if name.startswith("on") or name in {"href", "src", "action"}]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Parts:
    parts = Parts()
    parts.feed(page)
    parts.close()
    return parts


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_is_whole_runs_nothing_and_names_no_address(
    made: dict[str, tuple[Ended, Path]], language: str
) -> None:
    ended, path = made[language]
    page = path.read_text(encoding="utf-8")
    parts = parsed(page)
    assert (parts.wrong, parts.open) == ([], [])
    assert "default-src 'none'" in page
    assert "://" not in page
    assert not re.search(r"\{\w+\}", parts.text)
    assert ended.document["snapshots"]["newest"] in parts.text


def test_the_document_tells_what_the_ledger_does(vault: Vault, made: dict[str, tuple[Ended, Path]]) -> None:
    document = made["en"][0].document
    (seal,) = vault.box.snapshots()
    assert document["snapshots"]["newest"] == seal.snapshot
    assert [window["link_s"] for window in document["windows"]] == [seal.link_s]
    assert sum(day["link_s"] or 0 for day in document["exposure"]["days"]) == seal.link_s
    assert document["exposure"]["limit_s"] == 3600
    assert document["scrubs"] == []
    assert "not measured" in made["en"][1].read_text()


def test_an_existing_file_is_kept(vault: Vault, tmp_path: Path) -> None:
    box, out = vault.box.copy(tmp_path / "home"), tmp_path / "mine.html"
    out.write_text("mine")
    ended = iwato("report", "make", "--home", str(box.root), "--out", str(out))
    assert ended.status == errors.EXIT_USAGE
    assert out.read_text() == "mine"


def hostile(value: Any) -> Any:
    """The document with every text from outside exchanged for one that wants to run."""
    if isinstance(value, dict):
        kept = ("time", "begin", "day", "made")
        return {k: v if k in kept else hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_text_of_a_hostile_box_stays_text(made: dict[str, tuple[Ended, Path]]) -> None:
    document = made["en"][0].document
    rows = {
        "refusals": {HOSTILE: 1},
        "faults": [{"time": document["made"], "cause": HOSTILE}],
        "recoveries": [{"time": document["made"], "snapshot": "s", "why": HOSTILE, "proof": False}],
        "scrubs": [{"time": document["made"], "blocks": 1, "bad": 1, "repaired": 1, "unrepaired": 0}],
        "gaps": 1,
    }
    page = Page(hostile(document) | hostile(rows) | {"refusals": {HOSTILE: 1}}, Catalogue("ja"), [HOSTILE])
    parts = parsed(page.html())
    assert (parts.wrong, parts.open) == ([], [])
    assert parts.text.count("<script>alert(1)</script>") >= 4


@pytest.mark.planted
def test_a_page_that_does_not_escape_is_caught(made: dict[str, tuple[Ended, Path]]) -> None:
    document = made["en"][0].document
    page = Page(document, Catalogue("en"), []).html().replace("</h1>", f"</h1>{HOSTILE}")
    assert parsed(page).wrong


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_browser_shows_it_without_a_complaint(
    made: dict[str, tuple[Ended, Path]], language: str, tmp_path: Path
) -> None:
    _, page = made[language]
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path}", f"--print-to-pdf={tmp_path / 'page.pdf'}", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr, "a refused style or a broken drawing"
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
