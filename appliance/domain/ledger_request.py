"""What a person may ask of the ledger while the drives are dark. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class LedgerAct(StrEnum):
    """Which question."""

    EXPORT = "export"
    PROVE = "prove"
    CHECKPOINT = "checkpoint"
    COMPARE = "compare"
    SEEN = "seen"
    COUNTERSIGN = "countersign"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRequest:
    """`to` is the file that `export` makes, `snapshot` the one that `prove` proves, `papers` are (name,
    content) of what was kept outside, `code` what a person read from a scanned checkpoint, `tokens` those
    of the holders who `countersign`, `ask` who gives their passphrases (ports.Ask)."""

    act: LedgerAct
    to: str = ""
    snapshot: str = ""
    papers: tuple[tuple[str, bytes], ...] = ()
    code: str = ""
    tokens: tuple[str, ...] = ()
    ask: Callable[[str, int | None], str | None] | None = None
