"""The invariants I1-I16 against the tests that claim to hold them.

A test says `@pytest.mark.invariant("I3")`. An invariant is shown when a plain test and a `planted` one carry
it; one that is not reached yet stands in tests/README.md with the reason.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.tidy.tree import Source

ALL = [f"I{number}" for number in range(1, 17)]
NOT_YET = re.compile(r"^- \*\*(I\d+)\*\* (.+)$", re.MULTILINE)


@dataclass(kw_only=True)
class Shown:
    """Where one invariant is held, and where a bug planted against it is caught."""

    held: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)


def _decorators(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def shown(sources: Iterable[Source]) -> dict[str, Shown]:
    """Invariant → the tests that carry its mark."""
    found: dict[str, Shown] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            decorators = _decorators(node)
            planted = any(text.startswith("pytest.mark.planted") for text in decorators)
            for text in decorators:
                if not text.startswith("pytest.mark.invariant("):
                    continue
                for name in re.findall(r"'(\w+)'", text):
                    entry = found.setdefault(name, Shown())
                    (entry.planted if planted else entry.held).append(f"{source.path}:{node.name}")
    return found


def gaps(tests: dict[str, Shown], not_yet: dict[str, str]) -> list[str]:
    """Invariants that are neither shown whole nor named as not reached."""
    findings = [f"{name} is no invariant" for name in sorted({*tests, *not_yet} - set(ALL))]
    for name in ALL:
        entry = tests.get(name, Shown())
        if name in not_yet:
            if entry.held and entry.planted:
                findings.append(f"{name} is shown, but tests/README.md says that it is not reached")
            continue
        if not entry.held:
            findings.append(f"{name} has no test")
        if not entry.planted:
            findings.append(f"{name} has no planted bug")
    return findings


def not_reached(readme: str) -> dict[str, str]:
    """Invariant → reason, from the list in tests/README.md."""
    return dict(NOT_YET.findall(readme))
