"""A parser without a fuzz target fails here."""

import pytest

from tests.fuzz.targets import TARGETS
from tests.tidy import parsers, tree, verdict
from tests.tidy.tree import Source

COVERED = {name for target in TARGETS for name in target.covers}


@pytest.fixture(scope="module")
def product() -> list[Source]:
    return tree.python_sources(*parsers.FOLDERS)


@pytest.mark.clause("FORMAT 1.4")
def test_every_parser_has_a_fuzz_target(product: list[Source]) -> None:
    verdict.clean(parsers.uncovered(product, COVERED))


def test_every_target_and_every_exception_names_a_parser(product: list[Source]) -> None:
    verdict.clean(parsers.stale(product, COVERED))
    assert not COVERED & set(parsers.NOT_PARSERS)


@pytest.mark.planted
def test_a_new_parser_without_a_target_is_caught() -> None:
    method = "class Seal:\n    def from_text(cls, text: str): ...\n"
    text = f"{method}def decode_box(data: bytes | memoryview): ...\n"
    new = Source(path="appliance/format/box.py", text=text)
    assert len(parsers.uncovered([new], COVERED)) == 2


@pytest.mark.planted
def test_a_target_of_a_parser_that_went_away_is_caught(product: list[Source]) -> None:
    assert len(parsers.stale(product, {*COVERED, "appliance.format.gone:parse"})) == 1
