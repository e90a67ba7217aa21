"""The recovery order: what k holders sign before any drive is powered for reading back (PROTOCOL 7)."""

from __future__ import annotations

import hashlib
import re
from calendar import timegm
from dataclasses import dataclass
from datetime import datetime

from firmware.model import limits

NAMESPACE = b"iwato-recovery-order@v1"


class OrderMalformedError(ValueError):
    """The text is no recovery order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The facts that the interlock checks; what, why and destination are for people and the ledger.
    `digest`: SHA-256 of the whole text, 32 bytes."""

    digest: bytes
    vault_id: bytes
    policy: bytes
    nonce: bytes
    expires_s: int


_TEXT = rf"[^\x00-\x1f\x7f]{{1,{limits.ORDER_TEXT_BYTES_MAX}}}"
_PATTERN = re.compile(
    rf"iwato-recovery-order 1\n"
    rf"vault-id ([0-9a-f]{{32}})\n"
    rf"policy sha256:([0-9a-f]{{64}})\n"
    rf"nonce ([0-9a-f]{{32}})\n"
    rf"expires ([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z)\n"
    rf"what {_TEXT}\n"
    rf"why {_TEXT}\n"
    rf"destination {_TEXT}\n"
)


def read(text: bytes) -> Order:
    """Raises OrderMalformedError for any other spelling."""
    if len(text) > limits.ORDER_BYTES_MAX:
        raise OrderMalformedError("too long")
    try:
        found = _PATTERN.fullmatch(text.decode("utf-8"))
        if found is None:
            raise OrderMalformedError("not the eight lines of an order")
        expires = datetime.strptime(found[4], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007  the Z is literal
    except ValueError as error:
        raise OrderMalformedError("not UTF-8, not an order, or no such date") from error
    return Order(
        digest=hashlib.sha256(text).digest(),
        vault_id=bytes.fromhex(found[1]),
        policy=bytes.fromhex(found[2]),
        nonce=bytes.fromhex(found[3]),
        expires_s=timegm(expires.timetuple()),
    )
