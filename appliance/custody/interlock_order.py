"""Orders by which a quorum loosens something at the interlock itself: release it, set its clock.

Canonical texts, only written here: the interlock reads and judges them (PROTOCOL 13.2, 13.4). Each names
what it forgives or sets, so that nobody signs more than was seen. THREATS 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.custody import line_text
from appliance.domain.ids import VaultId
from appliance.errors import OrderInvalid

RELEASE_NAMESPACE = "iwato-release-order@v1"
TIME_NAMESPACE = "iwato-time-order@v1"
NONCE_BYTES = 16  # bytes; of a time order it is the interlock's challenge
WHY_CHARS_MAX = 256  # characters; the interlock's limit
NO_FAULT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What binds an order: `policy` is the hash of the one in force, `expires_s` unix seconds of the
    interlock's clock, at most 7 days ahead."""

    vault_id: VaultId
    policy: bytes
    nonce: bytes
    expires_s: int


def fits(why: str) -> bool:
    """Whether a reason can be written on its line."""
    return 1 <= len(_reason(why)) <= WHY_CHARS_MAX


def release(bound: Bound, *, secured: bool, fault: str, why: str) -> bytes:
    """Clear exactly this: SECURED or not, and the fault of this name or NO_FAULT. OrderInvalid for a reason
    that does not fit on its line."""
    latched = (f"secured {'yes' if secured else 'no'}", f"fault {fault}")
    return _text("iwato-release-order 1", bound, latched, why)


def set_clock(bound: Bound, *, time_s: int, why: str) -> bytes:
    """It was `time_s` when the interlock made the challenge that is the nonce."""
    return _text("iwato-time-order 1", bound, (f"time {_moment(time_s)}",), why)


def _text(title: str, bound: Bound, lines: Iterable[str], why: str) -> bytes:
    if not fits(why):
        raise OrderInvalid(detail=f"the reason is not 1 to {WHY_CHARS_MAX} characters")
    written = (
        title,
        f"vault-id {bound.vault_id.hex()}",
        f"policy {line_text.write_hash(bound.policy)}",
        f"nonce {bound.nonce.hex()}",
        f"expires {_moment(bound.expires_s)}",
        *lines,
        f"why {_reason(why)}",
    )
    return ("\n".join(written) + "\n").encode()


def _reason(why: str) -> str:
    return line_text.write_words(why.encode("utf-8", "surrogateescape"))


def _moment(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
