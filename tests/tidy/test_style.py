"""Style as tests: every rule holds for every file, and catches the violation planted for it."""

from collections.abc import Callable

import pytest

from tests.tidy import shape, tree, verdict, wording
from tests.tidy.tree import Source

Rule = Callable[[Source], list[str]]
RULES: tuple[Rule, ...] = (*shape.RULES, *wording.RULES)

PLANTED: dict[Rule, Source] = {
    shape.file_length: Source(path="appliance/long.py", text="x = 1\n" * 301),
    shape.function_length: Source(path="hw/long.py", text="def f():\n" + "    x = 1\n" * 60),
    shape.noun_name: Source(path="appliance/service/helpers.py", text=""),
    shape.module_docstring: Source(path="firmware/wire/frame.py", text="LIMIT = 1\n"),
    wording.unfinished: Source(path="tests/x.py", text="# TO" "DO: later\n"),
    wording.machine_path: Source(path="appliance/x.py", text='HOME = "/ro' 'ot/.iwato"\n'),
    wording.registry_host: Source(path="lock.json", text="https://registry.npm" "js.org/x\n"),
}


@pytest.fixture(scope="module")
def project() -> list[Source]:
    return tree.sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds_for_every_file(rule: Rule, project: list[Source]) -> None:
    verdict.clean(finding for source in project for finding in rule(source))


@pytest.mark.planted
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_catches_the_violation_planted_for_it(rule: Rule) -> None:
    assert len(rule(PLANTED[rule])) == 1


def test_the_rules_see_the_whole_project(project: list[Source]) -> None:
    seen = {source.path for source in project}
    assert {"appliance/errors.py", "pyproject.toml", "tests/conftest.py", ".ci/run"} <= seen


def test_every_exception_to_a_limit_has_a_reason_and_a_file() -> None:
    for place, (_, reason) in {**shape.LONG_FILES, **shape.LONG_FUNCTIONS}.items():
        assert reason, place
        assert (tree.PROJECT / place.split(":")[0]).is_file(), place


def test_an_ordinary_path_that_only_resembles_a_machines_is_allowed() -> None:
    assert not wording.machine_path(Source(path="x.md", text="network/worker, a/root, /roots and /workers"))
