"""Clause numbers both ways: every MUST has a marked test, and every mark names a real clause."""

import pytest

from tests.tidy import clauses, verdict
from tests.tidy.tree import Source, python_sources, sources

SPECIFICATIONS = [source for source in sources() if clauses.is_specification(source)]

SMALL = Source(path="appliance/SMALL.md", text="""# Small

The words MUST and SHOULD are used as in BCP 14.

**1.1** A box MUST be cut:
- it MUST stay so.

**1.2** A box may be blue.

```
**1.3** MUST not be read
```
## Next
This MUST be numbered.
""")


def marked() -> dict[str, list[str]]:
    return clauses.marks(python_sources("tests"))


@pytest.mark.parametrize("source", SPECIFICATIONS, ids=clauses.document)
def test_every_clause_that_binds_has_a_test(source: Source) -> None:
    verdict.clean(clauses.unproven(clauses.read(source), marked()))


def test_every_mark_names_a_real_clause() -> None:
    real = [clause for source in SPECIFICATIONS for clause in clauses.read(source)]
    verdict.clean(clauses.unreal(real, marked()))


@pytest.mark.parametrize("source", SPECIFICATIONS, ids=clauses.document)
def test_every_duty_stands_in_a_clause_with_a_number_of_its_own(source: Source) -> None:
    verdict.clean(clauses.loose_duties(source))


def test_clauses_are_read_with_their_lists_and_without_code_blocks() -> None:
    found = clauses.read(SMALL)
    assert [(clause.id, clause.binds) for clause in found] == [("SMALL 1.1", True), ("SMALL 1.2", False)]
    assert "stay so" in found[0].text


def test_marks_are_found_on_functions_modules_and_parameters() -> None:
    text = """
pytestmark = pytest.mark.clause("A 1")
@pytest.mark.clause("A 2", "A 3")
def test_x(): pytest.param(1, marks=pytest.mark.clause("A 4"))
"""
    assert list(clauses.marks([Source(path="tests/x.py", text=text)])) == ["A 1", "A 2", "A 3", "A 4"]


@pytest.mark.planted
def test_a_must_without_a_test_is_caught() -> None:
    assert clauses.unproven(clauses.read(SMALL), ["SMALL 1.2"]) == [
        "SMALL 1.1 says MUST and no test is marked with it"
    ]


@pytest.mark.planted
def test_a_mark_that_names_no_clause_is_caught() -> None:
    assert len(clauses.unreal(clauses.read(SMALL), {"SMALL 9": ["tests/x.py:1"]})) == 1


@pytest.mark.planted
def test_a_duty_outside_every_clause_and_a_number_used_twice_are_caught() -> None:
    assert len(clauses.loose_duties(SMALL)) == 1
    twice = Source(path="appliance/TWICE.md", text="**1.1** a\n\n**1.1** b\n")
    assert clauses.loose_duties(twice) == ["TWICE 1.1 is numbered twice"]
