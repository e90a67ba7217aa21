"""The policy's canonical text, both directions.

`parse` takes exactly what `render` writes, byte for byte, so one policy has one text and one hash. Its
values are in custody/policy_facts.py, the rules in custody/policy_rules.py. The interlock has its own
parser of the same text: firmware/PROTOCOL.md. THREATS 3.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

from appliance.custody import line_text
from appliance.custody.line_text import Fields, Lines
from appliance.custody.policy_facts import (
    GENERATIONS_MAX,
    GROUPS_MAX,
    HOLDERS_MAX,
    SCRUBS_MAX,
    SOURCES_MAX,
    WINDOWS_MAX,
    DriveGroup,
    Generation,
    Holder,
    PolicyParts,
    SourceLine,
)
from appliance.custody.policy_rules import Policy
from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, SourceName, VaultId
from appliance.domain.schedule import Window
from appliance.errors import PolicyInvalid
from appliance.format.ssh_key import ED25519, P256

__all__ = ["DriveGroup", "Generation", "Holder", "Policy", "SourceLine", "digest", "parse", "render"]

UNBOUNDED = 1 << 20  # lines of a kind; more than any text that is read has
TEXT_BYTES_MAX = 16 * 1024  # bytes; 16 holders, 32 sources with ordinary paths; the interlock streams it


def render(policy: Policy) -> bytes:
    """The canonical text: UTF-8 (in fact ASCII), LF, one fact per line."""
    lines = [
        f"iwato-policy {policy.version}",
        f"prev {_hash(policy.previous) if policy.previous else '-'}",
        f"vault-id {policy.vault_id.hex()}",
        f"quorum {policy.quorum} of {len(policy.holders)}",
        *(_holder_line(holder) for holder in policy.holders),
        *(f"generation {item.number} vault={_hash(item.vault)}" for item in policy.generations),
        f"log ed25519:{line_text.write_key(policy.log_key)}",
        f"witness ed25519:{line_text.write_key(policy.witness_key)}",
        *(_window_line(window) for window in policy.windows),
        *(f"scrub {line_text.write_slot(slot)}" for slot in policy.scrubs),
        *(_group_line(group) for group in policy.groups),
        *(_source_line(source) for source in policy.sources),
        f"delay {line_text.write_duration(policy.delay)}",
    ]
    text = ("\n".join(lines) + "\n").encode("ascii")
    if len(text) > TEXT_BYTES_MAX:
        raise PolicyInvalid(detail=f"{len(text)} bytes are more than {TEXT_BYTES_MAX}")
    return text


def parse(text: bytes) -> Policy:
    """Inverse of `render`. PolicyInvalid, naming the line, for any byte that `render` would not write."""
    if len(text) > TEXT_BYTES_MAX:
        raise PolicyInvalid(detail=f"{len(text)} bytes are more than {TEXT_BYTES_MAX}")
    try:
        policy = checked(parts_of(text))
    except ValueError as error:
        raise PolicyInvalid(detail=str(error)) from None
    if render(policy) != text:
        raise PolicyInvalid(detail="it is not written in the one canonical way")
    return policy


def digest(text: bytes) -> bytes:
    """The policy's hash: SHA-256 of the text, 32 bytes."""
    return hashlib.sha256(text).digest()


# Lines ----------------------------------------------------------------------------------------------

_GRAMMAR = {
    "iwato-policy": line_text.NUMBER,
    "prev": rf"(?:-|{line_text.HASH})",
    "vault-id": r"([0-9a-f]{32})",
    "quorum": rf"{line_text.NUMBER} of {line_text.NUMBER}",
    "holder": rf"{line_text.NUMBER} ssh=(?:{ED25519}|{P256}):(\S+)"
    rf" unseal={line_text.HASH} share={line_text.HASH}",
    "generation": rf"{line_text.NUMBER} vault={line_text.HASH}",
    "log": r"ed25519:(\S+)",
    "witness": r"ed25519:(\S+)",
    "window": rf"{line_text.SLOT} link={line_text.DURATION}",
    "scrub": line_text.SLOT,
    "drives": rf"{line_text.NUMBER}\+{line_text.NUMBER} write={line_text.NUMBER}( sealed)?",
    "source": r"([a-z0-9_-]{1,32}) tier=([0-9]) path=(\S+)",
    "delay": line_text.DURATION,
}


def try_line(word: str, line: str) -> None:
    """ValueError unless `line` is spelled as a line of this keyword."""
    lines = Lines(f"{line}\n".encode("ascii", "replace"), _GRAMMAR)
    lines.one(word, _READERS[word])


def parts_of(text: bytes, *, bounded: bool = True) -> PolicyParts:
    """The facts of a text, held against no rule. ValueError names the line. `bounded`: no more lines of a
    kind than a policy may have."""
    lines = Lines(text, _GRAMMAR)
    most = (lambda number: number) if bounded else (lambda _number: UNBOUNDED)
    version, previous = lines.one("iwato-policy", _number), lines.one("prev", _previous)
    vault_id = lines.one("vault-id", _vault_id)
    quorum, count = lines.one("quorum", _numbers)
    holders = lines.many("holder", _holder, most(HOLDERS_MAX))
    if len(holders) != count:
        raise ValueError(f"{len(holders)} holders are listed, not {count}")
    parts = PolicyParts(
        version=version,
        previous=previous,
        vault_id=vault_id,
        quorum=quorum,
        holders=holders,
        generations=lines.many("generation", _generation, most(GENERATIONS_MAX)),
        log_key=lines.one("log", _key),
        witness_key=lines.one("witness", _key),
        windows=lines.many("window", _window, most(WINDOWS_MAX)),
        scrubs=lines.many("scrub", line_text.read_slot, most(SCRUBS_MAX)),
        groups=lines.many("drives", _group, most(GROUPS_MAX)),
        sources=lines.many("source", _source, most(SOURCES_MAX)),
        delay=lines.one("delay", line_text.read_duration),
    )
    lines.end()
    return parts


def checked(parts: PolicyParts) -> Policy:
    """The same facts as a policy. PolicyInvalid where a rule is broken."""
    return Policy(**{field.name: getattr(parts, field.name) for field in dataclasses.fields(PolicyParts)})


def _number(fields: Fields) -> int:
    return int(fields[0])


def _numbers(fields: Fields) -> tuple[int, ...]:
    return tuple(int(field) for field in fields)


def _previous(fields: tuple[str | None, ...]) -> bytes:
    return bytes.fromhex(fields[0] or "")


def _vault_id(fields: Fields) -> VaultId:
    return VaultId(bytes.fromhex(fields[0]))


def _key(fields: Fields) -> bytes:
    return line_text.read_key(fields[0])


def _holder(fields: Fields) -> Holder:
    number, key, unseal, share = fields
    return Holder(
        number=HolderNumber(int(number)),
        ssh_key=line_text.read_key(key),
        unseal=bytes.fromhex(unseal),
        share=bytes.fromhex(share),
    )


def _generation(fields: Fields) -> Generation:
    return Generation(number=int(fields[0]), vault=bytes.fromhex(fields[1]))


def _window(fields: Fields) -> Window:
    return Window(slot=line_text.read_slot(fields[:3]), link=line_text.read_duration(fields[3:]))


def _group(found: tuple[str | None, ...]) -> DriveGroup:
    data, parity, write_quorum = (int(field or "") for field in found[:3])
    geometry = Geometry(data=data, parity=parity, write_quorum=write_quorum)
    return DriveGroup(geometry=geometry, sealed=found[3] is not None)


def _source(fields: Fields) -> SourceLine:
    name, tier, path = fields
    return SourceLine(name=SourceName(name), tier=int(tier), path=line_text.read_path(path))


def _holder_line(holder: Holder) -> str:
    kind, key = P256 if holder.has_hardware else ED25519, line_text.write_key(holder.ssh_key)
    return (
        f"holder {holder.number} ssh={kind}:{key}"
        f" unseal={_hash(holder.unseal)} share={_hash(holder.share)}"
    )


def _group_line(group: DriveGroup) -> str:
    geometry = group.geometry
    mark = " sealed" if group.sealed else ""
    return f"drives {geometry.data}+{geometry.parity} write={geometry.write_quorum}{mark}"


def _window_line(window: Window) -> str:
    return f"window {line_text.write_slot(window.slot)} link={line_text.write_duration(window.link)}"


def _source_line(source: SourceLine) -> str:
    return f"source {source.name} tier={source.tier} path={line_text.write_path(source.path)}"


_hash = line_text.write_hash
_READERS: dict[str, Callable[[Fields], object]] = {
    "iwato-policy": _number,
    "prev": _previous,
    "vault-id": _vault_id,
    "quorum": _numbers,
    "holder": _holder,
    "generation": _generation,
    "log": _key,
    "witness": _key,
    "window": _window,
    "scrub": line_text.read_slot,
    "drives": _group,
    "source": _source,
    "delay": line_text.read_duration,
}
