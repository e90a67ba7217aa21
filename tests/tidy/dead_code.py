"""Product code that nothing in the product uses: what only a test calls is dead, however well tested.

Vulture looks by name, so a name that is used anywhere in the product counts as used. Fields and
variables are left to the type checker. Does not look at the tests themselves.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from vulture import Vulture

from tests.tidy.tree import PRODUCT, PROJECT

KINDS = {"function", "class", "method", "property"}
# Registered by their decorator and never named again.
REGISTERED = ["@*.command", "@*.group", "@*.callback"]
# name → why it is there although the product does not name it
ALLOWED: Mapping[str, str] = {
    "__exit__": "called by `with`",
    "__call__": "of a Protocol: called as a function",
    "diagram": "the documents hold what it draws; a test compares",
    "InlinePulse": "the pulse of a box on a virtual clock, which is how simulation runs the product",
    "SeededEntropy": "replays a voyage on the virtual clock",
    "VirtualClock": "waits in no time, in simulation",
    "press_cut": "a hand on the bench; scenarios press it through faults",
    "root_of": "RFC 6962's definition, which the frontier is held against",
    "in_ram": "the interlock's memory of a voyage on the virtual clock",
    "consistency": "RFC 6962's other proof: whoever kept an older checkpoint asks for it",
    "verify_consistency": "RFC 6962's other proof: whoever kept an older checkpoint asks for it",
    "from_p256": "hardware tokens sign with P-256; format and interlock verify it already",
}


def unused(folders: Iterable[Path]) -> dict[str, str]:
    """name → `path:line: kind` of everything that no product file names."""
    vulture = Vulture(ignore_decorators=REGISTERED)
    vulture.scavenge([str(folder) for folder in folders])
    return {
        item.name: f"{_place(Path(item.filename))}:{item.first_lineno}: {item.typ} {item.name}"
        for item in vulture.get_unused_code(min_confidence=60)
        if item.typ in KINDS
    }


def _place(path: Path) -> str:
    return (path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path).as_posix()


def findings() -> list[str]:
    """What is dead in the product now."""
    found = unused(PROJECT / folder for folder in PRODUCT)
    return [place for name, place in sorted(found.items(), key=lambda pair: pair[1]) if name not in ALLOWED]


if __name__ == "__main__":
    print("\n".join(findings()))
