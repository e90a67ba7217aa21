"""What `policy capture-sets` answers: the analyser's sets for this board, by goal (custody/capture.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.compose.machine import BOARD
from appliance.custody import capture
from appliance.custody.capture import Board, Capture, Proof
from appliance.custody.policy import Policy
from appliance.custody.trust_graph import MEANINGS, Atom, Goal, Kind
from appliance.errors import EXIT_OK, EXIT_WARNINGS, CaptureWeak, UsageError
from appliance.words import N_
from hw import profile
from hw.profile import BoardProfile, ProfileInvalid

SCHEMA = 1
Document = dict[str, Any]
COPIED = N_("copies of {copied} file tokens and their passphrases")
HELD = N_("the tokens of these holders")
ENTERED = N_("their passphrases or PINs")


def board_of(found: BoardProfile) -> Board:
    """What the analyser has to know of a profile."""
    return Board(name=found.name, emulated=found.emulated, radio=found.radio)


def shown(policy: Policy, new: Policy | None, name: str = "") -> Document:
    """`policy capture-sets`: now, and under a draft; on this board, or the one called `name`. UsageError."""
    try:
        board = board_of(profile.load(name or BOARD))
    except ProfileInvalid as error:
        raise UsageError(detail=str(error)) from None
    captures = capture.sets(policy, board)
    after = capture.sets(new, board) if new is not None else []
    judged = [(policy, captures), *([(new, after)] if new is not None else [])]
    warnings = [_warning(one, by) for by, found in judged for one in capture.weak(found, by)]
    return {
        "schema": SCHEMA,
        "board": board.name,
        **goals(policy, captures),
        "after": goals(new, after) if new is not None else None,
        "shut": [
            {
                "goal": goal.value,
                "parts": [_part(atom, policy) for atom in atoms],
                "edges": [_edge(proof)],
            }
            for goal, atoms, proof in capture.shut_ways(board)
        ],
        "warnings": warnings,
        "exit": EXIT_WARNINGS if warnings else EXIT_OK,
    }


def before_and_after(old: Policy, new: Policy) -> Document:
    """For who signs a policy: the sets now and then, and whether anything is another."""
    board = board_of(profile.load(BOARD))
    before, after = goals(old, capture.sets(old, board)), goals(new, capture.sets(new, board))
    return {"before": before, "after": after, "same": before == after}


def goals(policy: Policy, captures: Sequence[Capture]) -> Document:
    """Goal to its minimal sets."""
    feeble = capture.weak(captures, policy)
    found: Document = {goal.value: [] for goal in Goal}
    for one in captures:
        found[one.goal.value].append(_set(one, policy, is_weak=one in feeble))
    return found


def _set(one: Capture, policy: Policy, *, is_weak: bool) -> Document:
    tokens = one.people > 0 and any(MEANINGS[atom].kind is Kind.PEOPLE for atom in one.atoms)
    takes_tokens = Atom.QUORUM in one.atoms
    extra = [COPIED] if one.copied else []
    parts = [_part(atom, policy) for atom in Atom if atom in one.atoms]
    parts += [_sentence(text, {"copied": one.copied}) for text in extra]
    return {
        "people": one.people,
        "devices": [*_texts(one, policy, Kind.DEVICE), *([HELD] if tokens and takes_tokens else [])],
        "keys": [*_texts(one, policy, Kind.KEY), *([ENTERED] if tokens and takes_tokens else [])],
        "delay_s": one.delay_s,
        "physical": _texts(one, policy, Kind.PHYSICAL),
        "software": _texts(one, policy, Kind.SOFTWARE),
        "copied_tokens": one.copied,
        "software_only": one.software_only,
        "force": one.force,
        "scope": one.scope,
        "weak": is_weak,
        "parts": parts,
        "edges": [_edge(proof) for proof in one.proofs],
    }


def _texts(one: Capture, policy: Policy, kind: Kind) -> list[str]:
    return [str(_part(atom, policy)["text"]) for atom in one.of_kind(kind)]


def _part(atom: Atom, policy: Policy) -> Document:
    return _sentence(MEANINGS[atom].text, capture.values(policy))


def _sentence(template: str, values: dict[str, object]) -> Document:
    return {"text": template.format(**values), "template": template, "values": values}


def _edge(proof: Proof) -> Document:
    return {"claim": proof.claim, "test": proof.test or None}


def _warning(one: Capture, policy: Policy) -> Document:
    means = ", ".join(str(_part(atom, policy)["text"]) for atom in Atom if atom in one.atoms)
    values = {"goal": one.goal.value, "people": one.people, "needed": policy.quorum, "means": means}
    return {"code": CaptureWeak.code, "text": CaptureWeak.what.format(**values), "values": values}
