"""Every error a person can meet has one code in its family's range, a section in the runbook, and all the
values its sentences want."""

import pytest

from appliance.errors import OperatorError
from tests.tidy import catalogue, error_tree, runbook, verdict
from tests.tidy.tree import PRODUCT, Source, python_sources

KINDS = error_tree.concrete()
BY_NAME = {kind.__name__: kind for kind in KINDS}


def test_every_error_is_whole() -> None:
    verdict.clean(fault for kind in KINDS for fault in error_tree.faults(kind))


def test_no_two_errors_share_a_code() -> None:
    verdict.clean(error_tree.shared_codes(KINDS))


def test_every_code_is_an_anchor_in_the_runbook() -> None:
    text = runbook.current()
    verdict.clean(kind.code for kind in KINDS if f"\n## {kind.code}\n" not in text)


def test_the_runbook_says_what_the_errors_say_now() -> None:
    assert runbook.current() == runbook.renewed(runbook.current(), catalogue.translations())


def test_what_people_wrote_around_the_made_part_stays() -> None:
    once = runbook.renewed("# Mine\n", {})
    again = runbook.renewed(once + "\n## After\n", {"{path} is not empty": "空ではありません"})
    assert again.startswith("# Mine\n")
    assert again.endswith("\n## After\n")
    assert "空ではありません" in again


def test_every_error_is_made_with_all_the_values_its_sentences_want() -> None:
    sources = python_sources(*PRODUCT)
    verdict.clean(found for source in sources for found in error_tree.incomplete_calls(source, BY_NAME))


def test_every_error_is_defined_in_errors_py() -> None:
    sources = python_sources(*PRODUCT)
    verdict.clean(finding for source in sources for finding in error_tree.strays(source, BY_NAME))


@pytest.mark.planted
def test_an_error_outside_its_range_without_words_of_its_own_is_caught() -> None:
    class Planted(OperatorError):
        """Planted."""

        code = "IW-2999"

    assert len(error_tree.faults(Planted)) == 3  # no what, no remedy, wrong family


@pytest.mark.planted
def test_a_code_used_twice_is_caught() -> None:
    class Twin(OperatorError):
        code = KINDS[1].code

    assert error_tree.shared_codes([KINDS[1], Twin]) == [f"{Twin.code} is {KINDS[1].__name__} and Twin"]


@pytest.mark.planted
@pytest.mark.parametrize("call", ["HomeBusy()", "errors.HomeBusy(place=home)", "HomeBusy('/srv', path=1)"])
def test_an_error_made_without_its_values_is_caught(call: str) -> None:
    source = Source(path="appliance/x.py", text=f"raise {call}")
    assert len(error_tree.incomplete_calls(source, BY_NAME)) == 1


@pytest.mark.planted
def test_an_error_defined_elsewhere_is_caught() -> None:
    source = Source(path="appliance/x.py", text="class Mine(errors.VaultError): pass")
    assert len(error_tree.strays(source, ["VaultError"])) == 1


@pytest.mark.planted
def test_a_runbook_that_lags_behind_is_caught() -> None:
    stale = runbook.part({}).replace("is not empty", "is full")
    assert runbook.renewed(stale, {}) != stale
