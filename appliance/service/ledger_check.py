"""`ledger verify`: the copies on the drives judged as they are, before any phase heals them.

Writes nothing to a drive. FORMAT 7.5.
"""

from __future__ import annotations

from appliance.errors import CheckpointRefused, DrivesTooFew, SignatureMalformed
from appliance.ledger import history, outside
from appliance.ledger.history import Head
from appliance.ledger.verdict import Standing, Verdict
from appliance.service import drive_phase
from appliance.service.drive_phase import Workshop
from appliance.service.ledger_folder import read_copy

# A file name from a drive has 255 bytes, 6 each as JSON: 20 findings and the reason stay below 40,000 bytes
# whatever a drive holds, and a console's line may have 60,000.
FINDINGS_SAID = 20
FINDING_CHARS_MAX = 300  # the longest sentence with such a name in it


def verify_ledger(shop: Workshop, seen: bytes | None, *, alone: bool) -> None:
    """Judge the copies as they are, before anything is healed. `seen` is a checkpoint that was kept
    outside; `alone` leaves the interlock's head out. DrivesTooFew where no drive can be read."""
    facts = drive_phase.boot(shop)
    with shop.pulse:
        try:
            found = drive_phase.attached_set(shop)
            drive_phase.say_findings(shop.console, found)
            if not found.readable:
                raise DrivesTooFew(present=0, needed=1, total=found.geometry.drives)
            copies = [
                read_copy(drive.files, f"drive {drive.index + 1}", shop.pulse.moved)
                for drive in found.readable
            ]
            head = Head(size=facts.log_size, root=facts.log_root, last_leaf=facts.last_leaf)
            kept = outside.read(seen, shop.keys) if seen is not None else None
            use_head = None if alone else head
            verdict = history.assemble(copies, shop.keys, head=use_head, outside=kept)
        except (CheckpointRefused, SignatureMalformed) as error:
            reason = str(error.values["detail"])
            shop.console.say("verified", verdict="refused", reason=reason, size=0, findings=[])
            return
        finally:
            shop.keeper.work_done()
        words = {Standing.VERIFIED: "verified", Standing.SELF_CONSISTENT: "self-consistent"}
        shop.console.say(
            "verified",
            verdict=words.get(verdict.verdict.standing, "tampered"),
            reason=verdict.verdict.reason,
            disagreeing=list(verdict.verdict.disagreeing),
            size=verdict.history.size,
            findings=_told(verdict.verdict),
        )


def _told(verdict: Verdict) -> list[str]:
    """The gravest findings, and how many more there are."""
    every = (*verdict.tampering, *verdict.notices)
    told = [finding.text[:FINDING_CHARS_MAX] for finding in every[:FINDINGS_SAID]]
    more = len(every) - len(told)
    return [*told, f"+{more}"] if more else told
