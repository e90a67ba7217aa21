"""An edited copy becomes the one text, or every reason is named with its line and what to do."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from appliance.custody import policy as policy_text
from appliance.custody import policy_draft, policy_rules
from appliance.custody.policy import Policy
from appliance.custody.policy_draft import Finding
from firmware.model import policy_lines
from tests.depth import many
from tests.unit.test_policy import POLICY, TEXT

HASH = policy_text.digest(TEXT)


def canonical(text: str | bytes) -> tuple[Policy | None, tuple[Finding, ...]]:
    draft = text if isinstance(text, bytes) else text.encode()
    return policy_draft.canonical(draft, POLICY, HASH)


def edited(old: str, new: str) -> str:
    text = TEXT.decode()
    assert old in text
    return text.replace(old, new)


def said(text: str | bytes) -> list[tuple[int, str]]:
    policy, findings = canonical(text)
    assert policy is None
    assert all(found.fix.format(**found.values) for found in findings)
    return [(found.line, found.what.format(**found.values)) for found in findings]


def line_of(word: str, text: bytes = TEXT) -> int:
    return next(n for n, line in enumerate(text.decode().splitlines(), 1) if line.startswith(word))


def test_an_unchanged_copy_is_the_next_version_of_the_same_facts() -> None:
    policy, findings = canonical(TEXT)
    assert not findings
    assert policy == replace(POLICY, version=2, previous=HASH)


@pytest.mark.clause("THREATS 3.1")
def test_what_has_no_meaning_may_be_written_as_people_write_it() -> None:
    plain, _ = canonical(edited("delay 72h", "delay 24h"))
    messy = edited("delay 72h", "   delay\t24h   # a day is enough").replace("\n", "\r\n")
    lines = messy.split("\r\n")
    moved = "\r\n".join(["# ours", "", *lines[-2:], *lines[:-2]])
    assert plain is not None
    assert canonical(moved)[0] == plain
    assert canonical(b"\xef\xbb\xbf" + TEXT)[0] is None, "a mark that editors add is named, not swallowed"


def test_version_and_hash_are_filled_in_whatever_stands_there() -> None:
    policy, _ = canonical(edited("iwato-policy 1", "iwato-policy 77"))
    assert policy is not None
    assert (policy.version, policy.previous) == (2, HASH)


def test_every_broken_rule_is_named_at_once_with_its_line() -> None:
    text = edited("link=60m", "link=180m").replace("delay 72h", "delay 721h").replace("tier=1", "tier=7")
    found = said(text)
    assert (line_of("window"), "a window has no link half or no drive half") in found
    assert (line_of("window"), "a link half of more than 2 hours") in found
    assert (line_of("source"), "the tier of source docs is not 0 to 3") in found
    assert (line_of("delay"), "the delay is not 1 second to 30 days") in found
    assert [line for line, _ in found] == sorted(line for line, _ in found)


@pytest.mark.parametrize(
    ("old", "new", "word", "what"),
    [
        ("quorum 2 of 3", "quorum 3 of 3", "quorum", "a quorum of 3 of 3 holders is refused"),
        ("quorum 2 of 3", "quorum 2 of 4", "quorum", "3 holders are listed, not 4"),
        ("link=60m", "link=60min", "window", "this is not how a line `window` is written"),
        ("scrub 06:00:00", "scrub 26:00:00", "scrub", "this is not how a line `scrub` is written"),
        ("scrub ", "scrup ", "scrup", "`scrup` begins no line of a policy"),
        ("delay 72h", "delay 72h\ndelay 1h", "delay", "a second line `delay`"),
        ("path=/srv/docs", "path=srv/docs", "source", "the path of source docs is not an absolute path"),
        ("source nihon", "source docs", "source", "two sources have one name"),
        ("drives 4+2 write=5", "drives 4+2 write=5 sealed", "drives", "not exactly one drive group"),
        ("23:30:00-00:30:10 daily -03:30", "03:30:00-04:30:00 daily +09:00", "window", "two windows overlap"),
    ],
)
def test_a_mistake_is_named_on_the_line_where_it_stands(old: str, new: str, word: str, what: str) -> None:
    found = said(edited(old, new))
    lines = {n for n, line in enumerate(edited(old, new).splitlines(), 1) if line.startswith(word)}
    assert any(line in lines and text.startswith(what) for line, text in found), found


@pytest.mark.parametrize("word", sorted(policy_draft.EXAMPLES))
def test_a_line_that_is_missing_is_named(word: str) -> None:
    kept = [line for line in TEXT.decode().splitlines() if not line.startswith(word + " ")]
    assert (0, f"the line `{word}` is missing") in said("\n".join(kept))


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"x" * (policy_draft.DRAFT_BYTES_MAX + 1), b"\x1b[2J" * 50, b"quorum 2 of"]
)
def test_nonsense_is_refused_with_a_reason(text: bytes) -> None:
    assert said(text)


def test_lines_without_end_give_a_bounded_number_of_findings() -> None:
    assert len(said(b"nonsense\n" * 3000)) == policy_draft.FINDINGS_MAX
    assert said(TEXT + b"window 03:00:00-05:00:00 daily +09:00 link=60m\n" * 400)


@pytest.mark.planted
def test_a_rule_that_is_not_asked_lets_a_bad_draft_through_to_the_last_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = edited("delay 72h", "delay 721h")
    assert said(text)
    monkeypatch.setattr(policy_rules, "_RULES", policy_rules._RULES[:-1])
    assert canonical(text)[0] is not None, "nothing else knows that bound"


@pytest.mark.invariant("I13")
def test_whatever_an_editor_makes_of_a_copy_is_a_whole_policy_or_has_a_reason() -> None:
    chance, sound = random.Random(11), 0
    pieces = [b"\n", b" ", b"\t", b"\n# x\n", b"0", b"9" * 30, b"%", b"\xff", b"window ", b"link=", b"\0"]
    for _ in range(many(300, 5000)):
        draft = bytearray(TEXT)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(draft))
            draft[place : place + chance.choice((0, 0, 1, 5))] = chance.choice(pieces)
        policy, findings = canonical(bytes(draft))
        assert (policy is None) == bool(findings)
        for found in findings:
            assert found.what.format(**found.values)
            assert found.fix.format(**found.values)
        if policy is not None:
            sound += 1
            text = policy_text.render(policy)
            assert policy_text.parse(text) == policy
            policy_lines.read(text)  # the interlock reads it too
    assert sound > 2
