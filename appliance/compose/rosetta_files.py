"""What every drive carries for a stranger (FORMAT 6.10): this program's own texts, as bytes.

The reader is never imported here: it is a document as much as a program.
"""

from __future__ import annotations

from pathlib import Path

import appliance

FOLDER = "ROSETTA"
# name on the drive -> file of this package
_SOURCES = {
    "FORMAT.md": "FORMAT.md",
    "HOWTO.en.md": "rosetta/HOWTO.en.md",
    "HOWTO.ja.md": "rosetta/HOWTO.ja.md",
    "iwato_ledger.py": "rosetta/iwato_ledger.py",
    "iwato_rosetta.py": "rosetta/iwato_rosetta.py",
    "vectors.json": "rosetta/vectors.json",
}


def files() -> dict[str, bytes]:
    """`ROSETTA/NAME` to content, to be put where it is missing."""
    package = Path(appliance.__file__).parent
    return {f"{FOLDER}/{name}": (package / source).read_bytes() for name, source in _SOURCES.items()}
