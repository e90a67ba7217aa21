"""The project's own files, as the tidy rules see them. Does not judge them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PRODUCT = ("appliance", "firmware", "hw")
MADE_BY_TOOLS = {
    ".git", ".venv", ".tools", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
    ".import_linter_cache", ".coverage.d", "build", "dist", "node_modules",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One text file: its path relative to the project and its text."""

    path: str
    text: str

    @property
    def is_product(self) -> bool:
        return self.path.split("/")[0] in PRODUCT

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)


def _paths(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in MADE_BY_TOOLS or path.name.endswith(".egg-info") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _paths(path)
        else:
            yield path


def sources(project: Path = PROJECT) -> list[Source]:
    """Every file of the project that is text (UTF-8 without NUL)."""
    found = []
    for path in _paths(project):
        content = path.read_bytes()
        if b"\0" in content:
            continue
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        found.append(Source(path=path.relative_to(project).as_posix(), text=text))
    return found


def python_sources(*folders: str, project: Path = PROJECT) -> list[Source]:
    """The Python files below these top-level folders."""
    return [s for s in sources(project) if s.is_python and s.path.split("/")[0] in folders]
