"""The recovery order: what k holders allow to be read, where to, and until when. Canonical text.

The interlock checks vault, policy, signatures, expiry and nonce with its own parser (firmware/PROTOCOL.md)
before it powers drives for a recovery; the controller checks the same and obeys the rest. THREATS 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.custody import line_text
from appliance.custody.line_text import Fields, Lines
from appliance.custody.policy import SOURCES_MAX
from appliance.domain.ids import SnapshotId, SourceName, VaultId
from appliance.errors import OrderInvalid

TEXT_BYTES_MAX = 8 * 1024  # bytes; with every field at its limit
PATH_BYTES_MAX = 1024  # bytes before encoding, as a source's path
REASON_BYTES_MAX = 512  # bytes of UTF-8 before encoding
VALID_S_MAX = 7 * 86_400  # s; an order that waits longer than a week is a key left lying about
NONCE_BYTES = 16  # bytes; the interlock takes each nonce once

_GRAMMAR = {
    "iwato-recovery-order": "(1)",
    "vault-id": r"([0-9a-f]{32})",
    "policy": line_text.HASH,
    "snapshot": r"([0-9]{8}T[0-9]{6}Z-[0-9a-f]{8})",
    "source": r"([a-z0-9_-]{1,32})",
    "path": r"(-|\S+)",
    "destination": r"(\S+)",
    "created": line_text.NUMBER,
    "expires": line_text.NUMBER,
    "nonce": r"([0-9a-f]{32})",
    "reason": r"(\S+)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOrder:
    """`sources` empty means all; `path` is a subtree relative to the source's root, empty means all of
    it; `destination` is a path on the machine that the data goes to. Times in Unix seconds of the
    interlock's clock. OrderInvalid when a rule between the parts is broken."""

    vault_id: VaultId
    policy: bytes
    snapshot: SnapshotId
    sources: tuple[SourceName, ...]
    path: bytes
    destination: bytes
    created_s: int
    expires_s: int
    nonce: bytes
    reason: str

    def __post_init__(self) -> None:
        broken = next((sentence for holds, sentence in _rules(self) if not holds), None)
        if broken is not None:
            raise OrderInvalid(detail=broken)


def render(order: RecoveryOrder) -> bytes:
    """The canonical text, ASCII."""
    lines = (
        "iwato-recovery-order 1",
        f"vault-id {order.vault_id.hex()}",
        f"policy {line_text.write_hash(order.policy)}",
        f"snapshot {order.snapshot}",
        *(f"source {name}" for name in order.sources),
        f"path {line_text.write_path(order.path) or '-'}",
        f"destination {line_text.write_path(order.destination)}",
        f"created {order.created_s}",
        f"expires {order.expires_s}",
        f"nonce {order.nonce.hex()}",
        f"reason {line_text.write_path(order.reason.encode())}",
    )
    return ("\n".join(lines) + "\n").encode("ascii")


def parse(text: bytes) -> RecoveryOrder:
    """Inverse of `render`. OrderInvalid for any byte that `render` would not write."""
    if len(text) > TEXT_BYTES_MAX:
        raise OrderInvalid(detail=f"{len(text)} bytes are more than {TEXT_BYTES_MAX}")
    try:
        order = _read(text)
    except ValueError as error:
        raise OrderInvalid(detail=str(error)) from None
    if render(order) != text:
        raise OrderInvalid(detail="it is not written in the one canonical way")
    return order


def check(order: RecoveryOrder, vault_id: VaultId, policy: bytes, unix_s: int) -> None:
    """OrderInvalid unless the order is for this vault under the policy with this hash, and is valid now."""
    if (order.vault_id, order.policy) != (vault_id, policy):
        raise OrderInvalid(detail="it was made for another vault or under another policy")
    if not order.created_s <= unix_s < order.expires_s:
        raise OrderInvalid(detail=f"it is valid from {order.created_s} to {order.expires_s}, and now is {unix_s}")


def _rules(order: RecoveryOrder) -> tuple[tuple[bool, str], ...]:
    reason = order.reason.encode()
    return (
        (0 < order.expires_s - order.created_s <= VALID_S_MAX, "it is not valid for 1 second to 7 days"),
        (len(order.nonce) == NONCE_BYTES, "its nonce has another length"),
        (len(order.sources) <= SOURCES_MAX, "too many sources"),
        (list(order.sources) == sorted(set(order.sources)), "its sources are not in order"),
        (len(order.path) <= PATH_BYTES_MAX and b"\0" not in order.path, "its path"),
        (not order.path.startswith(b"/") and order.path != b"-", "its path is not relative to the source"),
        (b".." not in order.path.split(b"/"), "its path climbs out of the source"),
        (order.destination.startswith(b"/") and b"\0" not in order.destination, "its destination"),
        (len(order.destination) <= PATH_BYTES_MAX, "its destination is too long"),
        (0 < len(reason) <= REASON_BYTES_MAX, "it names no reason, or a too long one"),
    )


def _read(text: bytes) -> RecoveryOrder:
    lines = Lines(text, _GRAMMAR)
    lines.one("iwato-recovery-order", _first)
    order = RecoveryOrder(
        vault_id=VaultId(bytes.fromhex(lines.one("vault-id", _first))),
        policy=bytes.fromhex(lines.one("policy", _first)),
        snapshot=SnapshotId(lines.one("snapshot", _first)),
        sources=lines.many("source", _source, SOURCES_MAX),
        path=lines.one("path", _path),
        destination=lines.one("destination", _path),
        created_s=int(lines.one("created", _first)),
        expires_s=int(lines.one("expires", _first)),
        nonce=bytes.fromhex(lines.one("nonce", _first)),
        reason=lines.one("reason", _path).decode("utf-8"),
    )
    lines.end()
    return order


def _first(fields: Fields) -> str:
    return fields[0]


def _source(fields: Fields) -> SourceName:
    return SourceName(fields[0])


def _path(fields: Fields) -> bytes:
    return b"" if fields[0] == "-" else line_text.read_path(fields[0])
