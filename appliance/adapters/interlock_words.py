"""The interlock's messages in the appliance's words. Pure; one function per value."""

from __future__ import annotations

from appliance.domain.phases import BootFacts, Cosignature, InterlockStatus, Lines, Medium, Phase
from firmware.wire import codes
from firmware.wire.codes import Cause
from firmware.wire.messages import Cosigned, Event, HelloAck, Status

_MEDIUM = {codes.Medium.INTAKE: Medium.INTAKE, codes.Medium.SEALING: Medium.SEALING}


def phase(code: codes.Phase) -> Phase:
    """The domain's word; both lists hold the same names (tests/contract)."""
    return Phase[code.name]


def wire_phase(name: Phase) -> codes.Phase:
    """The protocol's number."""
    return codes.Phase[name.name]


def cause(code: Cause) -> str:
    """A cause's name, "" for none."""
    return "" if code is Cause.NONE else code.name


def lines(*, link: bool, drives: int, bays: int) -> Lines:
    """`drives` has bit 0 for bay 1."""
    return Lines(link=link, drives=tuple(bool(drives >> place & 1) for place in range(bays)))


def boot_facts(answer: HelloAck) -> BootFacts:
    """What a fresh controller may trust."""
    return BootFacts(
        phase=phase(answer.phase),
        medium=_MEDIUM[answer.boot_medium],
        session_nonce=answer.session_nonce,
        policy_version=answer.policy_version,
        policy_hash=answer.policy_hash,
        log_size=answer.log_size,
        log_root=answer.log_root,
        last_leaf=answer.last_leaf_hash,
        unix_s=answer.time_s,
        window_number=answer.window_number,
    )


def status(said: Status, bays: int) -> InterlockStatus:
    """A latched fault is the cause that counts; the link conducts when both contacts do."""
    return InterlockStatus(
        phase=phase(said.phase),
        cause=cause(said.fault) or cause(said.cause),
        ordered=lines(
            link=said.ordered_link, drives=said.ordered_mask if said.ordered_drives else 0, bays=bays
        ),
        measured=lines(link=said.k1_conducting and said.k2_conducting, drives=said.drives_live, bays=bays),
        unix_s=said.time_s,
        window_number=said.window_number,
        next_window_s=said.window_begin_s,
        window_ends_s=said.window_end_s,
        link_left_s=said.link_left_s,
        drives_left_s=said.drives_left_s,
        gap_left_s=said.gap_left_s,
        exposure_used_s=said.exposure_used_s,
        refused=said.refused,
        policy_version=said.policy_version,
        log_size=said.log_size,
    )


def cosignature(answer: Cosigned) -> Cosignature:
    """The witness's answer."""
    return Cosignature(
        size=answer.size, root=answer.root, unix_s=answer.time_s, signature=answer.signature
    )


def event(said: Event) -> tuple[int, int, str, int]:
    """(sequence, unix seconds, "KIND PHASE CAUSE", count)."""
    name = " ".join(part for part in (said.kind.name, said.phase.name, cause(said.cause)) if part)
    return said.sequence, said.time_s, name, said.count
