"""Every sentence a person can read is marked, translated, filled alike, and calls a line CONNECTED or cut."""

import pytest

from appliance.words import Catalogue
from tests.tidy import catalogue, verdict
from tests.tidy.tree import PRODUCT, Source, python_sources


def test_every_sentence_is_complete_in_japanese() -> None:
    verdict.clean(catalogue.findings())


def test_the_product_shows_what_the_translator_wrote() -> None:
    sentence = "{path} is not empty"
    shown = Catalogue("ja").text(sentence, path="/srv")
    assert shown == catalogue.translations()[sentence].format(path="/srv")
    assert Catalogue("en").text(sentence, path="/srv") == "/srv is not empty"


def test_a_sentence_inside_an_f_string_is_found() -> None:
    source = Source(path="appliance/x.py", text="""y = f"{show(N_('BOX'))} !" """)
    assert list(catalogue.marked([source])) == ["BOX"]


def test_an_ordinary_use_of_the_words_on_and_open_is_allowed() -> None:
    sentences = ["this key does not open the file", "what is on the drives stays", "an open source"]
    found = catalogue.disagreements(sentences, dict.fromkeys(sentences, "文"))
    assert not found


@pytest.mark.planted
def test_a_sentence_without_japanese_is_caught() -> None:
    assert catalogue.disagreements(["new"], {}) == ["no Japanese for 'new'"]


@pytest.mark.planted
def test_a_translation_that_lost_a_placeholder_is_caught() -> None:
    found = catalogue.disagreements(["{path} is busy"], {"{path} is busy": "使用中です"})
    assert len(found) == 1
    assert found[0].startswith("placeholders differ")


@pytest.mark.planted
def test_a_translation_of_a_sentence_that_is_gone_is_caught() -> None:
    assert catalogue.disagreements([], {"old": "古い"}) == ["no such sentence any more: 'old'"]


@pytest.mark.planted
@pytest.mark.parametrize("sentence", ["the link is open", "Close the link now.", "relay off", "network on"])
def test_a_line_that_is_open_closed_on_or_off_is_caught(sentence: str) -> None:
    assert len(catalogue.disagreements([sentence], {sentence: "文"})) == 1


@pytest.mark.planted
def test_a_line_that_is_open_in_japanese_is_caught() -> None:
    assert len(catalogue.disagreements(["cut"], {"cut": "リンクがオフ"})) == 1


@pytest.mark.planted
@pytest.mark.parametrize("line", ["N_(x)", 'N_(f"{x}")', 'face.text("x")', 'self._catalogue.text(f"{x}")'])
def test_a_sentence_that_extraction_would_miss_is_caught(line: str) -> None:
    assert len(catalogue.unmarked(Source(path="appliance/cli/x.py", text=line))) == 1


def test_the_extraction_reads_the_real_product() -> None:
    assert len(catalogue.marked(python_sources(*PRODUCT))) > 50
