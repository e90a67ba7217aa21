"""A policy that a person edited, made canonical, or every reason why it cannot be.

Forgives what carries no meaning: spaces, empty lines, comments from `#`, the order of lines, line ends of
other systems. Fills in what nobody should type: the version and the hash of the policy before. Guesses
nothing else. The exact text that holders sign is custody/policy.py's. THREATS 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.custody import line_text, policy_rules
from appliance.custody import policy as policy_text
from appliance.custody.broken_rule import Broken
from appliance.custody.policy import Policy
from appliance.custody.policy_facts import PolicyParts
from appliance.words import N_

DRAFT_BYTES_MAX = 4 * policy_text.TEXT_BYTES_MAX  # bytes; comments have room
FINDINGS_MAX = 40  # more help nobody

# keyword -> how such a line looks
EXAMPLES: Mapping[str, str] = {
    "iwato-policy": "iwato-policy 1",
    "prev": "prev -",
    "vault-id": "vault-id 00112233445566778899aabbccddeeff",
    "quorum": "quorum 3 of 5",
    "holder": "holder 1 ssh=ssh-ed25519:AAAA… unseal=sha256:… share=sha256:…",
    "generation": "generation 1 vault=sha256:…",
    "log": "log ed25519:AAAA…",
    "witness": "witness ed25519:AAAA…",
    "window": "window 03:00:00-05:00:00 daily +09:00 link=60m",
    "scrub": "scrub 06:00:00-22:00:00 daily +09:00",
    "drives": "drives 4+2 write=5",
    "source": "source docs tier=1 path=/srv/docs",
    "delay": "delay 72h",
}
REPEATED = frozenset({"holder", "generation", "window", "scrub", "drives", "source"})
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason, and what to do. `line` from 1, 0 for the text as a whole. Both sentences take `values`."""

    line: int
    what: str
    fix: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    word: str
    text: str


def canonical(draft: bytes, old: Policy, old_digest: bytes) -> tuple[Policy | None, tuple[Finding, ...]]:
    """The policy that follows `old`, as a value that `custody/policy.render` writes; None with at least one
    finding."""
    try:
        decoded = draft[: DRAFT_BYTES_MAX + 1].decode("utf-8")
    except UnicodeDecodeError:
        return None, (_whole(N_("it is not UTF-8 text"), N_("Save it as plain text, UTF-8.")),)
    if len(draft) > DRAFT_BYTES_MAX:
        return None, (_whole(N_("it is too long for a policy"), N_("Start from `policy show --text`.")),)
    lines = _lines(decoded)
    findings = [*_strange(lines), *_number_of_lines(lines), *_spelling(lines)] or _count(lines)
    parts = None if findings else _parts(lines, old, old_digest)
    if parts is not None:
        findings = [_located(rule, lines) for rule in policy_rules.broken(parts)]
    if parts is not None and not findings:
        return policy_text.checked(parts), ()
    return None, tuple(sorted(findings, key=lambda item: item.line)[:FINDINGS_MAX])


def _lines(text: str) -> list[_Line]:
    found = []
    for number, raw in enumerate(re.split("\r\n|\r|\n", text), start=1):
        words = _COMMENT.sub("", raw).split()
        if words:
            found.append(_Line(number, words[0], " ".join(words)))
    return found


def _whole(what: str, fix: str) -> Finding:
    return Finding(line=0, what=what, fix=fix, values={})


def _strange(lines: Sequence[_Line]) -> list[Finding]:
    return [
        Finding(
            line=line.number,
            what=N_("`{word}` begins no line of a policy"),
            fix=N_("Lines begin with one of: {words}. Put `#` before a comment."),
            values={"word": line.word[:40], "words": ", ".join(EXAMPLES)},
        )
        for line in lines
        if line.word not in EXAMPLES
    ]


def _number_of_lines(lines: Sequence[_Line]) -> list[Finding]:
    findings = []
    for word, example in EXAMPLES.items():
        found = [line for line in lines if line.word == word]
        if not found:
            findings.append(
                Finding(
                    line=0,
                    what=N_("the line `{word}` is missing"),
                    fix=N_("Write it like this: {example}"),
                    values={"word": word, "example": example},
                )
            )
        if word not in REPEATED:
            findings += [
                Finding(
                    line=line.number,
                    what=N_("a second line `{word}`"),
                    fix=N_("Remove it: there is one, on line {first}."),
                    values={"word": word, "first": found[0].number},
                )
                for line in found[1:]
            ]
    return findings


def _spelling(lines: Sequence[_Line]) -> list[Finding]:
    findings = []
    for line in lines:
        if line.word not in EXAMPLES:
            continue
        try:
            policy_text.try_line(line.word, line.text)
        except ValueError as error:
            findings.append(
                Finding(
                    line=line.number,
                    what=N_("this is not how a line `{word}` is written ({reason})"),
                    fix=N_("Write it like this: {example}"),
                    values={"word": line.word, "reason": str(error), "example": EXAMPLES[line.word]},
                )
            )
    return findings


def _count(lines: Sequence[_Line]) -> list[Finding]:
    """Whether as many holders are listed as the quorum's line says."""
    quorum = next(line for line in lines if line.word == "quorum")
    said, listed = int(quorum.text.rsplit(" ", 1)[1]), sum(line.word == "holder" for line in lines)
    if said == listed:
        return []
    return [
        Finding(
            line=quorum.number,
            what=N_("{listed} holders are listed, not {said}"),
            fix=N_("Write `of {listed}`, or list the others."),
            values={"listed": listed, "said": said},
        )
    ]


def _parts(lines: Sequence[_Line], old: Policy, old_digest: bytes) -> PolicyParts:
    """Every line is well spelled and there as often as it may be."""
    order = list(EXAMPLES)
    texts = [line.text for line in sorted(lines, key=lambda line: order.index(line.word))]
    texts[0] = f"iwato-policy {old.version + 1}"
    texts[1] = f"prev {line_text.write_hash(old_digest)}"
    return policy_text.parts_of(("\n".join(texts) + "\n").encode("ascii"), bounded=False)


def _located(rule: Broken, lines: Sequence[_Line]) -> Finding:
    places = [line.number for line in lines if line.word == rule.word]
    place = places[min(rule.place, len(places) - 1)] if places else 0
    return Finding(line=place, what=rule.what, fix=rule.fix, values=dict(rule.values))
