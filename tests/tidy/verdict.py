"""How a tidy rule fails: every finding on a line of its own, nothing else."""

from collections.abc import Iterable

import pytest


def clean(findings: Iterable[str]) -> None:
    """Fail with the findings, if there are any."""
    found = list(findings)
    if found:
        pytest.fail(f"{len(found)} findings\n" + "\n".join(found), pytrace=False)
