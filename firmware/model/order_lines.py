"""What holders sign besides policies: orders, vetoes, overrides; fixed lines for each (PROTOCOL 7, 12, 13).

`LINES` and `NAMESPACES` are literal tables. Every fact has one spelling. It checks no signatures.
"""

from __future__ import annotations

import hashlib
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from firmware.model import limits
from firmware.wire.codes import Cause, UploadKind

# One namespace per meaning: a signature can never be replayed as another (40-custody).
NAMESPACES: Final[Mapping[UploadKind, bytes]] = MappingProxyType(
    {
        UploadKind.POLICY: b"iwato-policy@v1",
        UploadKind.RECOVERY_ORDER: b"iwato-recovery-order@v1",
        UploadKind.VETO: b"iwato-policy-veto@v1",
        UploadKind.OVERRIDE: b"iwato-policy-override@v1",
        UploadKind.RELEASE_ORDER: b"iwato-release-order@v1",
        UploadKind.TIME_ORDER: b"iwato-time-order@v1",
        UploadKind.UNSEAL_ORDER: b"iwato-unseal-order@v1",
    }
)

# The lines of each text, in order: keyword, and the pattern of what follows it.
_TEXT: Final = rf"[^\x00-\x1f\x7f]{{1,{limits.ORDER_TEXT_BYTES_MAX}}}"
_MOMENT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_VAULT: Final = ("vault-id", r"[0-9a-f]{32}")
_POLICY: Final = ("policy", r"sha256:[0-9a-f]{64}")
_PENDING: Final = ("pending", r"sha256:[0-9a-f]{64}")
_NONCE: Final = ("nonce", r"[0-9a-f]{32}")
_EXPIRES: Final = ("expires", _MOMENT)
_WHY: Final = ("why", _TEXT)
LINES: Final[Mapping[UploadKind, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        UploadKind.RECOVERY_ORDER: (
            ("iwato-recovery-order", "1"),
            _VAULT,
            _POLICY,
            _NONCE,
            _EXPIRES,
            ("what", _TEXT),
            _WHY,
            ("destination", _TEXT),
        ),
        UploadKind.VETO: (("iwato-policy-veto", "1"), _VAULT, _POLICY, _PENDING, _WHY),
        UploadKind.OVERRIDE: (
            ("iwato-policy-override", "1"),
            _VAULT,
            _POLICY,
            _PENDING,
            ("vetoed-by", r"[1-9][0-9]?(?:,[1-9][0-9]?){0,15}"),
            _WHY,
        ),
        UploadKind.RELEASE_ORDER: (
            ("iwato-release-order", "1"),
            _VAULT,
            _POLICY,
            _NONCE,
            _EXPIRES,
            ("secured", "yes|no"),
            ("fault", "-|[A-Z_]{1,32}"),
            _WHY,
        ),
        UploadKind.TIME_ORDER: (
            ("iwato-time-order", "1"),
            _VAULT,
            _POLICY,
            _NONCE,
            _EXPIRES,
            ("time", _MOMENT),
            _WHY,
        ),
        UploadKind.UNSEAL_ORDER: (
            ("iwato-unseal-order", "1"),
            _VAULT,
            _POLICY,
            _NONCE,
            _EXPIRES,
            ("group", "[1-9]"),
            _WHY,
        ),
    }
)

# What a quorum may forgive: everything that is latched in a memory which still knows the holders.
RELEASABLE: Final = (
    Cause.LINK_WITHOUT_ORDER,
    Cause.DRIVE_WITHOUT_ORDER,
    Cause.CHANGEOVER_STUCK,
    Cause.SUPPLY_STUCK,
    Cause.UNLISTED_PAIR,
    Cause.UPTIME_BACKWARDS,
)


class OrderMalformedError(ValueError):
    """The text is no order of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The facts that the interlock checks; what, why and destination are for people and the ledger.
    `digest`: SHA-256 of the whole text. What the kind has no line for is empty or 0. `vetoes`: bit 0 for
    holder 1."""

    kind: UploadKind
    digest: bytes
    vault_id: bytes
    policy: bytes
    nonce: bytes = b""
    expires_s: int = 0
    pending: bytes = b""
    vetoes: int = 0
    secured: bool = False
    fault: Cause = Cause.NONE
    time_s: int = 0
    group: int = 0


_PATTERNS = {
    kind: re.compile("".join(f"{word} ({rest})\n" for word, rest in lines)) for kind, lines in LINES.items()
}


def read(text: bytes, kind: UploadKind) -> Order:
    """Raises OrderMalformedError for any other spelling."""
    if len(text) > limits.ORDER_BYTES_MAX:
        raise OrderMalformedError("too long")
    try:
        found = _PATTERNS[kind].fullmatch(text.decode("utf-8"))
    except ValueError as error:
        raise OrderMalformedError("not UTF-8") from error
    if found is None:
        raise OrderMalformedError("not the lines of an order of this kind")
    said = dict(zip((word for word, _ in LINES[kind]), found.groups(), strict=True))
    return Order(
        kind=kind,
        digest=hashlib.sha256(text).digest(),
        vault_id=bytes.fromhex(said["vault-id"]),
        policy=_hash(said["policy"]),
        nonce=bytes.fromhex(said.get("nonce", "")),
        expires_s=_moment(said["expires"]) if "expires" in said else 0,
        pending=_hash(said["pending"]) if "pending" in said else b"",
        vetoes=_holders(said.get("vetoed-by", "")),
        secured=said.get("secured") == "yes",
        fault=_fault(said.get("fault", "-")),
        time_s=_settable(_moment(said["time"])) if "time" in said else 0,
        group=int(said.get("group", "0")),
    )


def _hash(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("sha256:"))


def _moment(text: str) -> int:
    try:
        return timegm(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").timetuple())  # noqa: DTZ007  the Z is literal
    except ValueError as error:
        raise OrderMalformedError("no such date") from error


def _settable(time_s: int) -> int:
    if not limits.EPOCH_S <= time_s <= limits.CLOCK_S_MAX:
        raise OrderMalformedError("a time to which no clock is set")
    return time_s


def _holders(text: str) -> int:
    numbers = [int(number) for number in text.split(",") if number]
    if numbers != sorted(set(numbers)) or max(numbers, default=1) > limits.HOLDERS_MAX:
        raise OrderMalformedError("holders out of order")
    return sum(1 << number - 1 for number in numbers)


def _fault(text: str) -> Cause:
    if text == "-":
        return Cause.NONE
    found = next((cause for cause in RELEASABLE if cause.name == text), None)
    if found is None:
        raise OrderMalformedError("no fault that a quorum may clear")
    return found
