"""What was damaged or altered in single copies of the ledger, as it is said to people and in the ledger.

A copy that merely lags is not damaged (FORMAT 7.5). However many findings a hostile drive causes, there
is one warning per copy and one entry for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.errors import LedgerCopyDamaged
from appliance.ledger.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDamage:
    """Of one copy: `count` findings, the sentence of the `first`, and how many are `left` after healing."""

    where: str
    count: int
    first: str
    left: int

    def warning(self) -> LedgerCopyDamaged:
        """The one warning of this copy."""
        return LedgerCopyDamaged(detail=self.first, count=self.count, left=self.left)


def of_copies(found: Iterable[Finding], left: Iterable[Finding]) -> tuple[CopyDamage, ...]:
    """Findings before and after healing, by copy; those of the history as a whole are left out."""
    before: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.where:
            before.setdefault(finding.where, []).append(finding)
    after = Counter(finding.where for finding in left)
    return tuple(
        CopyDamage(where=where, count=len(findings), first=findings[0].text, left=after[where])
        for where, findings in before.items()
    )


def entry_text(damages: Sequence[CopyDamage], found: Iterable[Finding]) -> str:
    """The text of the ledger's note: how much on which copy, and of what kinds. File names stay out of
    it: whoever held the drive chose them."""
    kinds = Counter(finding.kind.name.lower().replace("_", " ") for finding in found if finding.where)
    copies = ", ".join(f"{damage.where}: {damage.count}" for damage in damages)
    parts = ", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items()))
    return f"copies of the ledger were damaged or altered ({copies}; {parts})"
