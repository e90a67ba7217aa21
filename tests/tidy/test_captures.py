"""Each edge of the trust graph that names a test names one that exists."""

import ast
from collections.abc import Iterable

import pytest

from appliance.custody.trust_graph import EDGES, SHUT, Edge
from tests.tidy import verdict
from tests.tidy.tree import PROJECT


def astray(edges: Iterable[Edge]) -> list[str]:
    """Names that lead to no test."""
    found = []
    for edge in edges:
        if not edge.test:
            continue
        path, _, name = edge.test.partition("::")
        place = PROJECT / path
        tree = ast.parse(place.read_text(encoding="utf-8")) if place.is_file() else ast.parse("")
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if name not in names or not name.startswith("test_"):
            found.append(f"{edge.claim}: there is no test {edge.test}")
    return found


@pytest.mark.clause("THREATS 9.3")
def test_every_claim_of_the_trust_graph_names_a_test_that_exists() -> None:
    verdict.clean(astray([*EDGES, *SHUT]))


@pytest.mark.planted
@pytest.mark.parametrize(
    "test",
    [
        "tests/unit/test_gone.py::test_a",
        "tests/tidy/test_captures.py::test_gone",
        "tests/tidy/tree.py::sources",
    ],
)
def test_a_name_that_leads_nowhere_is_caught(test: str) -> None:
    assert len(astray([Edge(gives="READ", needs=(), claim="a claim", test=test)])) == 1
