"""Where the public test vectors lie: data that is read in place and never copied into the project.

Does not read them; every suite knows its own format. Use the fixture `vectors` inside a test, and
`vectors.files("age/*")` where vectors become parameters.
"""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def folder() -> Path | None:
    """IWATO_VECTORS, else `shared/vectors` beside the project; None where neither exists."""
    named = os.environ.get("IWATO_VECTORS")
    place = Path(named) if named else PROJECT.parent / "shared" / "vectors"
    return place if place.is_dir() else None


def files(pattern: str) -> list[Path]:
    """The vector files that match, sorted. Where the folder is absent one path that does not exist,
    so that the tests made from it are still counted, and skipped loudly by the fixture `vectors`."""
    place = folder()
    if place is None:
        return [Path("absent") / pattern.replace("*", "all")]
    return sorted(place.glob(pattern))
