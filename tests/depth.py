"""How often a random or exhaustive test repeats: few times under `make test`, fully under DEPTH=ci.

The suites are the same in both; only the counts differ.
"""

import os

FULL = os.environ.get("DEPTH") == "ci"


def many(quick: int, full: int) -> int:
    """`quick` under `make test`, `full` under DEPTH=ci."""
    return full if FULL else quick
