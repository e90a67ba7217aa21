"""What is sealed to a token: one share and where it belongs. Canonical text, both directions.

The sealed record lies on the holder's token, never on the box or on a vault drive. THREATS 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.custody import line_text, shares
from appliance.custody.line_text import Fields, Lines
from appliance.custody.shares import Words
from appliance.domain.ids import HolderNumber, VaultId

_GRAMMAR = {
    "iwato-share": "(1)",
    "vault-id": r"([0-9a-f]{32})",
    "generation": line_text.NUMBER,
    "holder": line_text.NUMBER,
    "words": r"([a-z]+(?: [a-z]+)*)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRecord:
    """A share of generation `generation` of a vault. Its repr hides the words."""

    vault_id: VaultId
    generation: int
    holder: HolderNumber
    words: Words = field(repr=False)


def render(record: ShareRecord) -> bytes:
    """The text. A secret."""
    lines = (
        "iwato-share 1",
        f"vault-id {record.vault_id.hex()}",
        f"generation {record.generation}",
        f"holder {record.holder}",
        f"words {record.words}",
    )
    return ("\n".join(lines) + "\n").encode("ascii")


def parse(text: bytes) -> ShareRecord:
    """Inverse of `render`. ValueError, quoting nothing of it, for any other text."""
    lines = Lines(text, _GRAMMAR)
    lines.one("iwato-share", _first)
    record = ShareRecord(
        vault_id=VaultId(bytes.fromhex(lines.one("vault-id", _first))),
        generation=int(lines.one("generation", _first)),
        holder=HolderNumber(int(lines.one("holder", _first))),
        words=shares.read(lines.one("words", _first)),
    )
    lines.end()
    if render(record) != text:
        raise ValueError("not written in the one canonical way")
    return record


def _first(fields: Fields) -> str:
    return fields[0]
