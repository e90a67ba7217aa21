"""Nothing in the product is there for the tests only, and every error can really happen."""

from pathlib import Path

import pytest

from tests.tidy import dead_code, verdict


def test_the_product_uses_everything_that_it_defines() -> None:
    verdict.clean(dead_code.findings())


@pytest.mark.planted
def test_a_function_that_nothing_calls_is_caught(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("def used(): ...\ndef idle(): ...\nused()\n", encoding="utf-8")
    assert list(dead_code.unused([tmp_path])) == ["idle"]


def test_every_exception_to_the_rule_has_a_reason() -> None:
    assert all(dead_code.ALLOWED.values())
