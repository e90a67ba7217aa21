"""What can be said of a ledger: standings, findings and the sentence of each finding.

Entries are counted from 0, as in file names and proofs. Finds nothing itself. FORMAT 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from appliance.errors import LedgerTampered
from appliance.words import N_

REASONS_SHOWN = 3  # findings in an error's one line; the list has all of them


class Standing(StrEnum):
    """How far a ledger can be believed."""

    VERIFIED = N_("verified against head")
    SELF_CONSISTENT = N_("self-consistent only")
    TAMPERED = N_("tampered")


class Kind(Enum):
    """What was found; the value is its sentence. Of the whole history first, then of one copy."""

    ROLLED_BACK = N_("rolled back: {other} entries were witnessed, the drives hold {index}")
    ENTRY_MISSING = N_("entry {index} is missing")
    MISSING_BETWEEN = N_("an entry between {index} and {other} is missing")
    ENTRY_ALTERED = N_("entry {index} was altered")
    ALTERED_BETWEEN = N_("an entry between {index} and {other} was altered")
    REORDERED = N_("entries {index} and {other} were exchanged")
    FORKED = N_("forked: the drives hold different histories from entry {index} on")
    WITNESS_FORKED = N_("forked: a signed checkpoint of {index} entries belongs to another history")
    HEAD_BEHIND = N_("the head of {index} entries is older than a signed checkpoint of {other}")

    COPY_DAMAGED = N_("{where}: {detail} is damaged or was altered")
    COPY_MISSING = N_("{where}: entry {index} is missing")
    COPY_ALTERED = N_("{where}: entry {index} was altered")
    COPY_FORKED = N_("{where}: another history from entry {index} on")
    CHECKPOINT_REFUSED = N_("{where}: {detail} is not signed by this box and its witness")

    BEHIND = N_("{where}: holds the first {index} of {other} entries")
    SUPERSEDED = N_("{where}: also holds an entry {index} that was never witnessed")
    DAMAGE_REPLACED = N_("{where}: {detail} is damaged; its entries are there a second time")
    UNWITNESSED = N_("entries {index} to {other} are not yet witnessed")
    GAP_EXPLAINED = N_("of entry {index} only the hash is known, as a later entry says")
    EMPTY = N_("no drive holds a ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `where` is the copy's label, empty for the history as a whole; `detail` is a file
    name from a drive and is shown only after escaping."""

    kind: Kind
    where: str = ""
    index: int = 0
    other: int = 0
    detail: str = ""

    @property
    def values(self) -> dict[str, object]:
        """What fills the sentence."""
        return {"where": self.where, "index": self.index, "other": self.other, "detail": self.detail}

    @property
    def text(self) -> str:
        """The English sentence."""
        return str(self.kind.value).format(**self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`tampering` is what no honest box leaves behind; `notices` are what crashes and absent drives do.

    `intact`: the history as a whole matches the head or checkpoint given, whatever single copies look
    like, so that work may go on and the copies be healed.
    """

    standing: Standing
    tampering: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    intact: bool

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Labels of the copies that were tampered with or are damaged."""
        return tuple(sorted({finding.where for finding in self.tampering if finding.where}))

    @property
    def reason(self) -> str:
        """The gravest findings in one line."""
        shown = [finding.text for finding in self.tampering[:REASONS_SHOWN]]
        more = len(self.tampering) - len(shown)
        return "; ".join(shown) + (f"; +{more}" if more else "")

    def require(self) -> None:
        """LedgerTampered if there is any tampering."""
        if self.tampering:
            raise LedgerTampered(reason=self.reason)
