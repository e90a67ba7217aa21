"""What the policy commands answer: the JSON documents, from policies and from what the interlock says.

A sentence is its template, its values and, in `text`, the English one; faces translate by the template.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.compose import capture_document, documents
from appliance.compose.policy_files import PolicyFiles
from appliance.compose.policy_follow import Waiting
from appliance.compose.policy_rooms import Ballot
from appliance.custody import policy as policy_text
from appliance.custody import policy_diff, policy_files, policy_succession, votes
from appliance.custody.policy import Policy
from appliance.custody.policy_diff import Line
from appliance.custody.policy_draft import Finding
from appliance.custody.policy_files import SignedPolicy
from appliance.custody.policy_succession import ENTERING
from appliance.domain.ids import HolderNumber
from appliance.errors import EXIT_OK, EXIT_REFUSED, EXIT_WARNINGS, IwatoError

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Papers:
    """Signature files of the next policy: who enters has another number than in the policy in force."""

    old: Policy
    new: Policy
    text: bytes

    def armored(self, given: Iterable[tuple[int, bytes]]) -> dict[str, str]:
        """`policy-2.3.sig`, or `policy-2.new-3.sig` of who enters, to the `.sig` text."""
        return dict(self._one(signer, raw) for signer, raw in given)

    def _one(self, signer: int, raw: bytes) -> tuple[str, str]:
        side = self.new if signer & ENTERING else self.old
        number = HolderNumber(signer & ~ENTERING)
        vote = votes.Vote(holder=number, raw=raw)
        armored = votes.armor(side, votes.POLICY_NAMESPACE, self.text, [vote])[number]
        mark = "new-" if signer & ENTERING else ""
        return f"policy-{self.new.version}.{mark}{number}.sig", armored


def sentence(template: str, values: Mapping[str, object], **more: object) -> Document:
    """One sentence for people and programs."""
    return {"text": template.format(**values), "template": template, "values": dict(values), **more}


def lines(found: Iterable[Line]) -> list[Document]:
    """Sentences with their risk."""
    return [sentence(line.text, line.values, risk=line.risk) for line in found]


def pending(waiting: Waiting | None, policy: Policy) -> Document | None:
    """The policy that waits: who signed, when it takes effect, who may veto, whose vetoes stand."""
    if waiting is None:
        return None
    return {
        "version": waiting.version,
        "hash": waiting.hash.hex(),
        "due": documents.clock_text(waiting.due_s, policy),
        "signed_by": list(waiting.signers),
        "vetoes": list(waiting.vetoes),
        "overridden": waiting.overridden,
        "stopped": waiting.is_stopped,
        "may_veto": list(waiting.may_veto),
        "text_known": waiting.text is not None,
    }


def in_force(texts: PolicyFiles, waiting: Waiting | None) -> Document:
    """`policy show`."""
    policy = texts.policy
    return {
        "schema": documents.SCHEMA,
        "version": policy.version,
        "hash": texts.hash.hex(),
        "signed_by": [int(vote.holder) for vote in texts.signed.votes],
        "needed": policy.quorum,
        "text": texts.text.decode("ascii"),
        "lines": lines(policy_diff.described(policy)),
        "pending": pending(waiting, policy),
        "changes": lines(policy_diff.changes(policy, policy_text.parse(waiting.text)))
        if waiting is not None and waiting.text is not None
        else [],
    }


def compared(texts: PolicyFiles, new: Policy | None, findings: Sequence[Finding]) -> Document:
    """`policy diff` and `policy propose`."""
    found: Document = {
        "schema": documents.SCHEMA,
        "version": texts.policy.version + 1,
        "findings": [
            {
                "line": item.line,
                "what": sentence(item.what, item.values),
                "fix": sentence(item.fix, item.values),
            }
            for item in findings
        ],
        "exit": EXIT_REFUSED if new is None else EXIT_OK,
    }
    if new is None:
        return found
    text = policy_text.render(new)
    return found | {
        "text": text.decode("ascii"),
        "hash": policy_text.digest(text).hex(),
        "changes": lines(policy_diff.changes(texts.policy, new)),
        "beyond": policy_succession.beyond_a_text(texts.policy, new),
        "needed": texts.policy.quorum,
        "delay": texts.policy.delay.seconds,
        "captures": capture_document.before_and_after(texts.policy, new),
    }


def signed(old: Policy, new: Policy, text: bytes, ballot: Ballot) -> Document:
    """`policy sign`."""
    return {
        "schema": documents.SCHEMA,
        "version": new.version,
        "hash": policy_text.digest(text).hex(),
        "changes": lines(policy_diff.changes(old, new)),
        "signatures": Papers(old, new, text).armored(ballot.votes),
        "needed": old.quorum,
        **_noted(ballot.wrong),
    }


def submitted(texts: PolicyFiles, waiting: Waiting | None, refused: Sequence[tuple[str, str]]) -> Document:
    """`policy submit`."""
    return {
        **in_force(texts, waiting),
        "refused": [{"name": name, "reason": reason} for name, reason in refused],
        "exit": EXIT_WARNINGS if refused else EXIT_OK,
    }


def objected(texts: PolicyFiles, waiting: Waiting | None, ballot: Ballot) -> Document:
    """`policy veto` and `policy override`."""
    return {**in_force(texts, waiting), **_noted(ballot.wrong)}


def verified(texts: PolicyFiles) -> Document:
    """`policy verify`: each policy from the first on, as the files prove it."""
    rows, before, exit_status = [], None, EXIT_OK
    for version in range(1, texts.version + 1):
        try:
            found = texts.load(version)
            row = _row(texts.folder, found)
            if before is not None:
                _require_next(before, found)
            before = found
        except IwatoError as error:
            row = {"version": version, "error": documents.warning_of(error)}
            before, exit_status = None, error.exit_status
        rows.append(row)
    return {"schema": documents.SCHEMA, "policies": rows, "refused": [], "exit": exit_status}


def examined(
    texts: PolicyFiles,
    papers: Papers,
    given: Sequence[tuple[int, bytes]],
    refused: Sequence[tuple[str, str]],
    place: str,
    files: Mapping[str, str],
) -> Document:
    """`policy verify FILE`: who has signed so far. `files` are the signatures beside it, by path."""
    old, new, text = papers.old, papers.new, papers.text
    counted = [number for number, _ in given if number < ENTERING]
    lacking = [int(one.number) for one in policy_succession.entering(old, new)]
    lacking = [number for number in lacking if number | ENTERING not in {signer for signer, _ in given}]
    allowed, commands = texts.folder / policy_files.ALLOWED_SIGNERS, []
    for path, armored in sorted(files.items()):
        signers, _ = policy_succession.numbered(old, new, text, {path: armored})
        known = [number for number, _ in signers if number < ENTERING]
        commands += [stock_command(allowed, number, Path(path), Path(place)) for number in known]
    row = {
        "version": new.version,
        "hash": policy_text.digest(text).hex(),
        "signed_by": counted,
        "needed": old.quorum,
        "entering_missing": lacking,
        "commands": commands,
    }
    whole = len(counted) >= old.quorum and not lacking
    return {
        "schema": documents.SCHEMA,
        "policies": [row],
        "refused": [{"name": name, "reason": reason} for name, reason in refused],
        "exit": EXIT_OK if whole and not refused else EXIT_WARNINGS,
    }


def stock_command(allowed: Path, holder: int, signature: Path, text: Path) -> str:
    """What anybody can type, where OpenSSH is, to check one signature without this product."""
    words = ["ssh-keygen", "-Y", "verify", "-f", os.fspath(allowed), "-I", f"holder-{holder}"]
    words += ["-n", votes.POLICY_NAMESPACE, "-s", os.fspath(signature)]
    return f"{shlex.join(words)} < {shlex.quote(os.fspath(text))}"


def _row(folder: Path, found: SignedPolicy) -> Document:
    version, numbers = found.policy.version, [vote.holder for vote in found.votes]
    text, allowed = folder / policy_files.policy_name(version), folder / policy_files.ALLOWED_SIGNERS
    return {
        "version": version,
        "hash": found.digest.hex(),
        "signed_by": [int(number) for number in numbers],
        "needed": found.policy.quorum,
        "commands": [
            stock_command(allowed, number, folder / policy_files.signature_name(version, number), text)
            for number in numbers
        ],
    }


def _require_next(before: SignedPolicy, found: SignedPolicy) -> None:
    """By the holders of the policy before. SuccessorRefused."""
    keys = {holder.ssh_key: int(holder.number) for holder in before.policy.holders}
    given = []
    for vote in found.votes:
        holder = found.policy.holder(vote.holder)
        assert holder is not None  # its vote was counted
        number = keys.get(holder.ssh_key)
        given.append((number if number is not None else ENTERING | holder.number, vote.raw))
    policy_succession.require(before.policy, before.digest, found.text, given)


def _noted(wrong: Sequence[tuple[str, Mapping[str, str]]]) -> Document:
    warnings = [{"code": code, "values": dict(values)} for code, values in wrong]
    return {"warnings": warnings, "exit": EXIT_WARNINGS if warnings else EXIT_OK}
