"""The ledger's word for a policy that took effect: a `policy` entry with its hash (FORMAT 7.2, 11.3).

First the entry, then the text on the drives: a cut between the two leaves drives whose newest text is still
one that the ledger names. Only what the interlock enforces gets here (drive_phase.boot).
"""

from __future__ import annotations

from appliance.format.ledger_entry import PolicyAccepted
from appliance.service.drive_phase import DrivePhase


def follow(phase: DrivePhase) -> bool:
    """Append the entry where the newest one names another policy; whether that was so."""
    enforced = phase.shop.policy_hash.hex()
    named = [entry for _, entry in phase.ledger.history.entries() if isinstance(entry, PolicyAccepted)]
    if named and named[-1].hash == enforced:
        return False
    version = phase.facts.policy_version
    entry = PolicyAccepted(
        time=phase.facts.unix_s, phase=phase.facts.phase, version=version, hash=enforced
    )
    phase.ledger.append(entry)
    return True
