"""The stored seeds: for every target a few inputs that its parser takes, in `corpus/<target>/`.

`python -m tests.fuzz.corpus --write` makes the ones that are missing from `specimens.py`; what is there
stays, so that a format that changes under old bytes is seen by `test_parsers.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
SUFFIX = ".seed"


def seeds(target: str) -> list[bytes]:
    """The stored inputs of a target, by name."""
    return [path.read_bytes() for path in sorted((FOLDER / target).glob(f"*{SUFFIX}"))]


def write() -> None:
    """Store the specimens that are missing."""
    from tests.fuzz import daemon_specimens, specimens

    for target, contents in (specimens.made() | daemon_specimens.made()).items():
        for number, content in enumerate(contents):
            path = FOLDER / target / f"{number}{SUFFIX}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    write()
