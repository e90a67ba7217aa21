"""Clause numbers of the specifications against the tests that claim to prove them.

A clause is a paragraph that begins with its bold number, `**3.2** The box MUST …`; it reaches to the next
clause or heading, lists included. A test proves it by `@pytest.mark.clause("FORMAT 3.2")`.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.tidy.tree import PRODUCT, Source

NUMBER = re.compile(r"^\*\*(\d+(?:\.\d+)*[a-z]?)\*\*\s")
DUTY = re.compile(r"\b(MUST|SHALL|REQUIRED)\b")
ABOUT_WORDS = re.compile(r"BCP 14|RFC 2119|[\"“`](MUST|SHALL|REQUIRED)")  # speaks of the word itself


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One clause: `FORMAT 3.2`, and its text."""

    id: str
    text: str

    @property
    def binds(self) -> bool:
        """Whether it says MUST, so that a test has to prove it."""
        return DUTY.search(self.text) is not None


def is_specification(source: Source) -> bool:
    """A Markdown file of the product with at least one numbered clause."""
    in_product = source.path.split("/")[0] in PRODUCT and source.path.endswith(".md")
    return in_product and any(NUMBER.match(line) for line in source.text.splitlines())


def document(source: Source) -> str:
    """`appliance/FORMAT.md` → `FORMAT`."""
    return PurePosixPath(source.path).stem


def _prose(source: Source) -> list[tuple[int, str]]:
    """The numbered lines outside code blocks, which neither begin clauses nor impose duties."""
    lines = []
    inside_code = False
    for number, line in enumerate(source.text.splitlines(), start=1):
        fence = line.lstrip().startswith("```")
        if not (fence or inside_code):
            lines.append((number, line))
        inside_code ^= fence
    return lines


def read(source: Source) -> list[Clause]:
    """The clauses of one specification, in order."""
    clauses: list[tuple[str, list[str]]] = []
    within = False
    for _, line in _prose(source):
        number = NUMBER.match(line)
        if number:
            clauses.append((f"{document(source)} {number[1]}", []))
        within = number is not None or (within and not line.startswith("#"))
        if within:
            clauses[-1][1].append(line)
    return [Clause(id=name, text="\n".join(lines)) for name, lines in clauses]


def loose_duties(source: Source) -> list[str]:
    """Duties that stand outside every numbered clause, and numbers used twice."""
    numbered = read(source)
    inside = {line for clause in numbered for line in clause.text.splitlines()}
    loose = [
        f"{source.path}:{number}: a duty without a clause number: {line[:70]}"
        for number, line in _prose(source)
        if DUTY.search(line) and line not in inside and not line.startswith("#")
        and not ABOUT_WORDS.search(line)
    ]
    names = [clause.id for clause in numbered]
    return loose + [f"{name} is numbered twice" for name in sorted({n for n in names if names.count(n) > 1})]


def marks(sources: Iterable[Source]) -> dict[str, list[str]]:
    """Clause → the places whose `mark.clause(…)` names it. A name that is not a literal is kept as "?"."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("mark.clause"):
                continue
            for argument in node.args:
                name = argument.value if isinstance(argument, ast.Constant) else "?"
                found.setdefault(str(name), []).append(f"{source.path}:{node.lineno}")
    return found


def unproven(clauses: Iterable[Clause], marked: Iterable[str]) -> list[str]:
    """Binding clauses without a test."""
    proven = set(marked)
    return [f"{clause.id} says MUST and no test is marked with it" for clause in clauses
            if clause.binds and clause.id not in proven]


def unreal(clauses: Iterable[Clause], marked: dict[str, list[str]]) -> list[str]:
    """Marks that name no clause."""
    real = {clause.id for clause in clauses}
    return [f"{', '.join(places)}: there is no clause {name}"
            for name, places in sorted(marked.items()) if name not in real]
