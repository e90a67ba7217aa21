"""Both ways with an independent SLIP-39: npm slip39, which shares no code with the library we use."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.custody import shares

SCRIPT = Path(__file__).parent / "node" / "shares_interop.mjs"
PACKAGE, VERSION = "slip39", "0.1.9"
TIMEOUT_S = 120  # s; a hang, not a measurement

Other = Callable[[str, Any], str]
pytestmark = pytest.mark.needs("npm")


@pytest.fixture
def other(npm: Callable[[str, str], Path], node: Path, tmp_path: Path) -> Other:
    modules = npm(PACKAGE, VERSION)

    def run(verb: str, given: Any) -> str:
        (tmp_path / "in").write_text(json.dumps(given))
        subprocess.run(
            [node, SCRIPT, modules, verb, tmp_path], check=True, timeout=TIMEOUT_S, capture_output=True
        )
        return (tmp_path / "out").read_text()

    return run


@pytest.mark.clause("THREATS 2.3")
@pytest.mark.parametrize(("needed", "holders"), [(2, 3), (3, 5), (8, 16)])
def test_the_other_implementation_combines_our_shares(other: Other, needed: int, holders: int) -> None:
    secret = os.urandom(32)
    made = shares.split(secret, needed, holders, os.urandom)
    assert other("combine", made[-needed:]) == secret.hex()


@pytest.mark.parametrize(("needed", "holders"), [(2, 3), (3, 5), (8, 16)])
def test_we_combine_the_other_implementations_shares(other: Other, needed: int, holders: int) -> None:
    secret = os.urandom(32)
    made = json.loads(other("split", {"secret": secret.hex(), "needed": needed, "holders": holders}))
    for chosen in itertools.islice(itertools.combinations(made, needed), 20):
        assert shares.combine([shares.read(words) for words in chosen], needed) == secret


@pytest.mark.planted
def test_the_other_implementation_notices_shares_of_two_sets(other: Other) -> None:
    secret = os.urandom(32)
    mixed = [shares.split(secret, 2, 3, os.urandom)[0], shares.split(secret, 2, 3, os.urandom)[1]]
    with pytest.raises(subprocess.CalledProcessError):
        other("combine", mixed)
