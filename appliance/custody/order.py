"""The recovery order: what k holders allow to be read, why, where to, and until when. Canonical text.

    iwato-recovery-order 1
    vault-id <32 hex>
    policy sha256:<64 hex>
    nonce <32 hex>
    expires 2026-11-23T10:00:00Z
    what snapshot=<id>[ against=<id>] sources=<all, or names joined by commas> path=<subtree, or - for all>
    why <words>
    destination <path, or - for nowhere>

The interlock reads the first five facts with its own parser before it powers drives for a recovery
(firmware/PROTOCOL.md); the controller checks the same and obeys the rest. THREATS 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.custody import line_text
from appliance.custody.line_text import Fields, Lines
from appliance.custody.policy_facts import SOURCES_MAX
from appliance.domain.ids import SnapshotId, SourceName, VaultId
from appliance.errors import OrderInvalid

TEXT_BYTES_MAX = 2048  # bytes; the interlock's limit
WORDS_CHARS_MAX = 256  # characters of each of the last three lines; the interlock's limit
NONCE_BYTES = 16  # bytes; the interlock takes each nonce once
VALID_S_MAX = 7 * 86_400  # s; the interlock's limit: a longer one would be a key left lying about
EXPIRES_S_MAX = 253_402_300_799  # s; the last second of the year 9999, as the date is written

_NAME = r"[a-z0-9_-]{1,32}"
_ID = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"
_WORDS = r"([^\x00-\x1f\x7f]+)"
_GRAMMAR = {
    "iwato-recovery-order": "(1)",
    "vault-id": r"([0-9a-f]{32})",
    "policy": line_text.HASH,
    "nonce": r"([0-9a-f]{32})",
    "expires": r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)",
    "what": rf"snapshot=({_ID})(?: against=({_ID}))? sources=({_NAME}(?:,{_NAME})*) path={_WORDS}",
    "why": _WORDS,
    "destination": _WORDS,
}
_ALL = "all"
_WHOLE = "-"
NOWHERE = b"-"  # destination of an order to prove a copy or to compare two: nothing is written


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOrder:
    """`policy` is the policy's hash. `sources` empty means all; `path` is a subtree relative to the
    source's root, empty means all of it; `destination` is the directory that the data goes to, or NOWHERE:
    then a copy is only proven, or compared with the snapshot `against`.
    `expires_s` in Unix seconds of the interlock's clock. OrderInvalid when a rule is broken."""

    vault_id: VaultId
    policy: bytes
    nonce: bytes
    expires_s: int
    snapshot: SnapshotId
    sources: tuple[SourceName, ...]
    path: bytes
    reason: str
    destination: bytes
    against: SnapshotId | None = None

    def __post_init__(self) -> None:
        broken = next((sentence for holds, sentence in _rules(self) if not holds), None)
        if broken is not None:
            raise OrderInvalid(detail=broken)


def render(order: RecoveryOrder) -> bytes:
    """The canonical text, UTF-8."""
    lines = (
        "iwato-recovery-order 1",
        f"vault-id {order.vault_id.hex()}",
        f"policy {line_text.write_hash(order.policy)}",
        f"nonce {order.nonce.hex()}",
        f"expires {datetime.fromtimestamp(order.expires_s, tz=UTC):%Y-%m-%dT%H:%M:%SZ}",
        *(f"{keyword} {words}" for keyword, words in _words(order)),
    )
    return ("\n".join(lines) + "\n").encode()


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
    """OrderInvalid unless the order is for this vault, under the policy with this hash, and valid now."""
    if (order.vault_id, order.policy) != (vault_id, policy):
        raise OrderInvalid(detail="it was made for another vault or under another policy")
    if not unix_s < order.expires_s <= unix_s + VALID_S_MAX:
        raise OrderInvalid(detail="it has expired, or it is valid for more than 7 days")


def _words(order: RecoveryOrder) -> tuple[tuple[str, str], ...]:
    sources = ",".join(order.sources) or _ALL
    path = line_text.write_words(order.path) or _WHOLE
    against = f" against={order.against}" if order.against else ""
    return (
        ("what", f"snapshot={order.snapshot}{against} sources={sources} path={path}"),
        ("why", line_text.write_words(order.reason.encode("utf-8", "surrogateescape"))),
        ("destination", line_text.write_words(order.destination)),
    )


def _rules(order: RecoveryOrder) -> tuple[tuple[bool, str], ...]:
    return (
        (0 < order.expires_s <= EXPIRES_S_MAX, "its end lies outside the calendar"),
        (len(order.nonce) == NONCE_BYTES, "its nonce has another length"),
        (len(order.sources) <= SOURCES_MAX, "too many sources"),
        (all(re.fullmatch(_NAME, name, re.ASCII) for name in order.sources), "the name of a source"),
        (len(set(order.sources)) == len(order.sources), "it names a source twice"),
        (_ALL not in order.sources[:1] or len(order.sources) > 1, "a single source named `all` is unclear"),
        (not order.path.startswith(b"/") and order.path != b"-", "its path is not relative to the source"),
        (b".." not in order.path.split(b"/") and b"\0" not in order.path, "its path leaves the source"),
        (order.destination == NOWHERE or order.destination.startswith(b"/"), "its destination"),
        (b"\0" not in order.destination, "its destination"),
        (not order.against or order.destination == NOWHERE, "what is compared goes nowhere"),
        (order.reason.strip() == order.reason != "", "it names no reason, or blanks around it"),
        (
            all(len(words) <= WORDS_CHARS_MAX for _, words in _words(order)),
            f"its path, reason or destination has more than {WORDS_CHARS_MAX} characters; go further up",
        ),
    )


def _read(text: bytes) -> RecoveryOrder:
    lines = Lines(text, _GRAMMAR, "utf-8")
    lines.one("iwato-recovery-order", _first)
    vault_id = VaultId(bytes.fromhex(lines.one("vault-id", _first)))
    policy, nonce = bytes.fromhex(lines.one("policy", _first)), bytes.fromhex(lines.one("nonce", _first))
    expires_s = lines.one("expires", _moment)
    snapshot, against, sources, path = lines.one("what", _what)
    order = RecoveryOrder(
        vault_id=vault_id,
        policy=policy,
        nonce=nonce,
        expires_s=expires_s,
        snapshot=snapshot,
        against=against,
        sources=sources,
        path=path,
        reason=line_text.read_words(lines.one("why", _first)).decode("utf-8"),
        destination=line_text.read_words(lines.one("destination", _first)),
    )
    lines.end()
    return order


def _first(fields: Fields) -> str:
    return fields[0]


def _moment(fields: Fields) -> int:
    return int(datetime.strptime(fields[0], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def _what(fields: Fields) -> tuple[SnapshotId, SnapshotId | None, tuple[SourceName, ...], bytes]:
    snapshot, against, sources, path = fields
    names = () if sources == _ALL else tuple(SourceName(name) for name in sources.split(","))
    subtree = b"" if path == _WHOLE else line_text.read_words(path)
    return SnapshotId(snapshot), SnapshotId(against) if against else None, names, subtree
