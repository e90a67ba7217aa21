"""A holder's veto against a pending policy, and the override of k others, as texts (PROTOCOL 12.5, 12.6).

Only written here: the interlock reads and judges them. Each names the policy that it is about, so it needs
no nonce and cannot serve another one. THREATS 3.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.custody import line_text
from appliance.domain.ids import VaultId
from appliance.errors import OrderInvalid

VETO_NAMESPACE = "iwato-policy-veto@v1"
OVERRIDE_NAMESPACE = "iwato-policy-override@v1"
WHY_CHARS_MAX = 256  # characters; the interlock's limit


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which pending policy of which vault: `policy` is the hash of the one in force."""

    vault_id: VaultId
    policy: bytes
    pending: bytes


def fits(why: str) -> bool:
    """Whether a reason can be written on its line."""
    return 1 <= len(_reason(why)) <= WHY_CHARS_MAX


def veto(about: About, why: str) -> bytes:
    """The text that one holder signs. OrderInvalid for a reason that does not fit on a line."""
    return _text("iwato-policy-veto 1", about, (), why)


def override(about: About, vetoed_by: Iterable[int], why: str) -> bytes:
    """The text that k holders sign who did not veto; it names just the holders whose vetoes stand."""
    named = ",".join(str(number) for number in sorted(set(vetoed_by)))
    return _text("iwato-policy-override 1", about, (f"vetoed-by {named}",), why)


def _text(title: str, about: About, lines: Iterable[str], why: str) -> bytes:
    if not fits(why):
        raise OrderInvalid(detail=f"the reason is not 1 to {WHY_CHARS_MAX} characters")
    written = (
        title,
        f"vault-id {about.vault_id.hex()}",
        f"policy {line_text.write_hash(about.policy)}",
        f"pending {line_text.write_hash(about.pending)}",
        *lines,
        f"why {_reason(why)}",
    )
    return ("\n".join(written) + "\n").encode()


def _reason(why: str) -> str:
    return line_text.write_words(why.encode("utf-8", "surrogateescape"))
