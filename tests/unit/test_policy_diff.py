"""What signers read: no change of a fact is left out, and the effect is said in minutes."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from appliance.custody import policy_diff
from appliance.custody.policy import DriveGroup, Generation, Policy, SourceLine
from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName
from appliance.domain.schedule import Duration, Slot, Window
from tests.unit.test_policy import HOLDERS, POLICY, key

OLD = POLICY


def window(hour: int, minutes: int) -> Window:
    slot = Slot(begin_s=hour * 3600, end_s=(hour + 2) * 3600, offset_s=0)
    return Window(slot=slot, link=Duration(amount=minutes, unit="m"))


def said(old: Policy, new: Policy) -> list[str]:
    return [line.text.format(**line.values) for line in policy_diff.changes(old, new)]


CHANGED: dict[str, Policy] = {
    "quorum": replace(OLD, quorum=2, holders=HOLDERS[:4]),
    "holders": replace(OLD, holders=(*OLD.holders[:2], replace(HOLDERS[5], number=HolderNumber(3)))),
    "generations": replace(OLD, generations=(Generation(number=2, vault=bytes(32)),)),
    "log_key": replace(OLD, log_key=key(77)),
    "witness_key": replace(OLD, witness_key=key(78)),
    "windows": replace(OLD, windows=OLD.windows[:1]),
    "scrubs": replace(OLD, scrubs=(window(1, 1).slot,)),
    "groups": replace(OLD, groups=(DriveGroup(geometry=Geometry(data=5, parity=1, write_quorum=6)),)),
    "sources": replace(OLD, sources=(SourceLine(name=SourceName("docs"), tier=1, path=b"/srv/other"),)),
    "delay": replace(OLD, delay=Duration(amount=1, unit="s")),
}
NOT_SHOWN = {"version", "previous", "vault_id"}  # a successor's are given


@pytest.mark.clause("THREATS 3.12")
@pytest.mark.parametrize("name", [field.name for field in fields(Policy) if field.name not in NOT_SHOWN])
def test_a_change_of_any_fact_is_said(name: str) -> None:
    assert said(OLD, CHANGED[name])
    assert said(CHANGED[name], OLD)
    assert not said(OLD, OLD)


@pytest.mark.parametrize("name", ["windows", "sources", "groups"])
def test_another_order_of_lines_is_said_too(name: str) -> None:
    turned = replace(OLD, **{name: tuple(reversed(getattr(OLD, name)))})  # type: ignore[arg-type]
    assert [line for line in said(OLD, turned) if line.endswith("in another order")]


def test_the_effect_is_said_in_windows_and_minutes_of_exposure_a_day() -> None:
    two = replace(OLD, windows=(window(0, 22), window(4, 22)))
    four = replace(OLD, windows=(window(0, 22), window(4, 22), window(8, 22), window(12, 22)))
    assert said(two, four)[0] == "windows per day 2 -> 4: exposure 44 -> 88 min"
    first = policy_diff.changes(two, four)[0]
    assert first.risk > 0 > policy_diff.changes(four, two)[0].risk


def test_what_weakens_is_marked_and_what_tightens_is_not() -> None:
    shorter = replace(OLD, delay=Duration(amount=1, unit="h"))
    assert [line.risk for line in policy_diff.changes(OLD, shorter)] == [1]
    assert [line.risk for line in policy_diff.changes(shorter, OLD)] == [-1]
    gone = replace(OLD, sources=OLD.sources[1:])
    assert [line.risk for line in policy_diff.changes(OLD, gone)] == [1]


def test_a_link_half_of_seconds_is_not_rounded_away() -> None:
    assert policy_diff.exposure_minutes(OLD) == 60.25
    second = replace(OLD.windows[1], link=Duration(amount=16, unit="s"))
    longer = replace(OLD, windows=(OLD.windows[0], second))
    assert said(OLD, longer)


@pytest.mark.planted
@pytest.mark.parametrize("part", ["_sources", "_delay", "_keys"])
def test_a_diff_that_keeps_something_to_itself_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_diff, part, lambda _old, _new: iter(()))
    silent = [name for name, new in CHANGED.items() if not said(OLD, new)]
    assert silent
