"""`python -m tests.hil`: strikes running windows of the real image and prints the table of its reactions.

Times are the box's own, from the cause to the pump that feeds no coil any more, by the emulated board's
figures. `--golden` puts the golden model in the image's place. Words after that choose cases by what their
names contain.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hil import cases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hil", description=__doc__)
    parser.add_argument("--golden", action="store_true")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    names = [name for name in cases.CASES if not asked.words or any(word in name for word in asked.words)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        box = cases.born(Path(folder))
        for number, name in enumerate(names):
            place = Path(folder) / str(number)
            place.mkdir()
            found[name] = cases.struck(box, place, name, golden=asked.golden)
            print(f"{name}: {found[name].after_ms} ms", file=sys.stderr, flush=True)
    print(cases.table(found))
    wrong = [trouble for name in names if (trouble := cases.within(name, found[name]))]
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
