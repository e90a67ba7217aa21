"""The systemd unit as systemd itself judges it, and the table of alarms in DAEMON.md as the code has it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from appliance.daemon import journal
from appliance.daemon.alarm_table import TABLE
from tests.tidy.tree import PROJECT

UNIT = PROJECT / "appliance" / "daemon" / "iwatod.service"
PAGE = PROJECT / "appliance" / "DAEMON.md"
EXPOSURE_MAX = 2.0  # of 10, as DAEMON 4.2 says


def exposure(unit: Path) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


@pytest.mark.needs("systemd-analyze")
def test_the_unit_exposes_no_more_than_the_page_says() -> None:
    assert exposure(UNIT) <= EXPOSURE_MAX


@pytest.mark.planted
@pytest.mark.needs("systemd-analyze")
def test_a_unit_without_its_hardening_is_caught(tmp_path: Path) -> None:
    bare = tmp_path / "iwatod.service"
    bare.write_text(UNIT.read_text(encoding="ascii").split("# What the daemon")[0], encoding="ascii")
    assert exposure(bare) > EXPOSURE_MAX


def test_the_unit_watches_over_the_owner_and_starts_it_anew() -> None:
    lines = UNIT.read_text(encoding="ascii").splitlines()
    assert {"Type=notify", "WatchdogSec=30", "Restart=always"} <= set(lines)
    assert "RestrictAddressFamilies=AF_UNIX" in lines


def test_the_page_shows_the_alarms_that_there_are() -> None:
    rows = [
        f"| {name} | {kind.error.code} | {'lasts with its condition' if kind.lasting else 'event'} |"
        f" {'yes' if kind.emergency else 'no'} |"
        for name, kind in TABLE.items()
    ]
    assert "\n".join(rows) + "\n\n" in PAGE.read_text(encoding="utf-8")


def test_nothing_in_the_journal_steers_a_terminal() -> None:
    said = journal.line(journal.WARNING, "source \x1b[2J\n<0>forged \u202e" + "x" * 1000)
    assert said.startswith("<4>iwatod: source \\x1b[2J\\n<0>forged \\u202e")
    assert len(said) < 600
