"""The interlock's own reader of policy texts: one line at a time, in constant memory (PROTOCOL 6.2).

Independent of the controller's parser on purpose: a mistake in one is no mistake in both. It takes
exactly one spelling per fact and refuses every line it does not know. It checks no signatures.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from firmware.model import limits, sshsig
from firmware.model.facts import Group, HolderKey, KeyKind, Policy, Slot, Window


class PolicyMalformedError(ValueError):
    """The text is no policy; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the lines so far said. `stage` is the place in the fixed order of keywords."""

    stage: int = 0
    version: int = 0
    previous: bytes | None = None
    vault_id: bytes = b""
    quorum: int = 0
    count: int = 0
    holders: tuple[HolderKey, ...] = ()
    generations: tuple[int, ...] = ()
    vault: bytes = b""
    log_key: bytes = b""
    witness_key: bytes = b""
    windows: tuple[Window, ...] = ()
    scrubs: tuple[Slot, ...] = ()
    groups: tuple[Group, ...] = ()
    sources: tuple[str, ...] = ()
    delay_s: int = 0
    digests: frozenset[str] = field(default_factory=frozenset)


ORDER = (
    "iwato-policy",
    "prev",
    "vault-id",
    "quorum",
    "holder",
    "generation",
    "log",
    "witness",
    "window",
    "scrub",
    "drives",
    "source",
    "delay",
)
REPEATED = frozenset({"holder", "generation", "window", "scrub", "drives", "source"})

_NUMBER = r"(0|[1-9][0-9]{0,9})"
_SLOT = r"([0-9]{2}):([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2}):([0-9]{2}) daily ([+-])([0-9]{2}):([0-9]{2})"
_DURATION = r"([1-9][0-9]{0,6})([smh])"
_SHA256 = r"sha256:([0-9a-f]{64})"
_BASE64 = r"([A-Za-z0-9+/]{1,120}={0,2})"
GRAMMAR = {
    "iwato-policy": _NUMBER,
    "prev": rf"(-|{_SHA256})",
    "vault-id": r"([0-9a-f]{32})",
    "quorum": rf"{_NUMBER} of {_NUMBER}",
    "holder": rf"{_NUMBER} ssh=(ssh-ed25519|ecdsa-sha2-nistp256):{_BASE64} unseal={_SHA256} share={_SHA256}",
    "generation": rf"{_NUMBER} vault={_SHA256}",
    "log": rf"ed25519:{_BASE64}",
    "witness": rf"ed25519:{_BASE64}",
    "window": rf"{_SLOT} link={_DURATION}",
    "scrub": _SLOT,
    "drives": rf"{_NUMBER}\+{_NUMBER} write={_NUMBER}( sealed)?",
    "source": r"([a-z0-9_-]{1,32}) tier=([0-9]) path=([A-Za-z0-9/._~%-]{1,3072})",
    "delay": _DURATION,
}
_PATTERNS = {word: re.compile(f"{word} {rest}", re.ASCII) for word, rest in GRAMMAR.items()}
_UNIT_S = {"s": 1, "m": 60, "h": 3600}


def read(text: bytes) -> tuple[Policy, bytes | None]:
    """The facts, and the hash of the policy before (None for version 1). Raises PolicyMalformedError."""
    _require(len(text) <= limits.POLICY_BYTES_MAX, "too long")
    _require(text.endswith(b"\n"), "the last line does not end")
    reading = Reading()
    for number, line in enumerate(text[:-1].split(b"\n"), start=1):
        try:
            reading = feed(reading, line)
        except PolicyMalformedError as error:
            raise PolicyMalformedError(f"line {number}: {error}") from None
    return _finish(reading, hashlib.sha256(text).digest()), reading.previous


def feed(reading: Reading, line: bytes) -> Reading:
    """The next line, without its LF. Raises PolicyMalformedError."""
    _require(len(line) <= limits.LINE_BYTES_MAX and line.isascii(), "too long or not ASCII")
    word = line.decode("ascii").split(" ", 1)[0]
    stage = ORDER.index(word) if word in ORDER else -1
    again = stage == reading.stage - 1 and word in REPEATED
    _require(again or stage == reading.stage, "unknown, missing or out of order")
    found = _PATTERNS[word].fullmatch(line.decode("ascii"))
    if found is None:
        raise PolicyMalformedError(f"not a line `{word}`")
    groups = tuple(group or "" for group in found.groups())
    return replace(_READ[word](reading, groups), stage=stage + 1)


def _version(reading: Reading, groups: tuple[str, ...]) -> Reading:
    version = int(groups[0])
    _require(1 <= version <= limits.VERSION_MAX, "the version")
    return replace(reading, version=version)


def _previous(reading: Reading, groups: tuple[str, ...]) -> Reading:
    _require((groups[0] == "-") == (reading.version == 1), "only version 1 has no policy before it")
    return replace(reading, previous=bytes.fromhex(groups[1]) if groups[1] else None)


def _vault_id(reading: Reading, groups: tuple[str, ...]) -> Reading:
    return replace(reading, vault_id=bytes.fromhex(groups[0]))


def _quorum(reading: Reading, groups: tuple[str, ...]) -> Reading:
    quorum, count = int(groups[0]), int(groups[1])
    _require(limits.QUORUM_MIN <= quorum < count <= limits.HOLDERS_MAX, "the quorum")
    return replace(reading, quorum=quorum, count=count)


def _holder(reading: Reading, groups: tuple[str, ...]) -> Reading:
    number, kind, raw, unseal, share = groups
    _require(int(number) == len(reading.holders) + 1 <= reading.count, "holders are not 1..n")
    code = KeyKind.ED25519 if kind == "ssh-ed25519" else KeyKind.P256
    key = HolderKey(kind=code, raw=_base64(raw))
    _require(sshsig.sound(key), "a key that proves nothing")
    _require(key not in reading.holders, "two holders with one key")
    seen = {f"unseal {unseal}", f"share {share}"}
    _require(not seen & reading.digests, "two holders with one unseal key or one share")
    return replace(reading, holders=(*reading.holders, key), digests=reading.digests | seen)


def _generation(reading: Reading, groups: tuple[str, ...]) -> Reading:
    number, vault = int(groups[0]), f"vault {groups[1]}"
    _require(number > max(reading.generations, default=0), "generations do not ascend")
    _require(len(reading.generations) < limits.GENERATIONS_MAX, "too many generations")
    _require(vault not in reading.digests, "two generations with one vault key")
    _require(len(reading.holders) == reading.count, "holders are missing")
    return replace(
        reading,
        generations=(*reading.generations, number),
        vault=bytes.fromhex(groups[1]),
        digests=reading.digests | {vault},
    )


def _log(reading: Reading, groups: tuple[str, ...]) -> Reading:
    return replace(reading, log_key=_signer(reading, groups[0]))


def _witness(reading: Reading, groups: tuple[str, ...]) -> Reading:
    key = _signer(reading, groups[0])
    _require(key != reading.log_key, "log and witness share one key")
    return replace(reading, witness_key=key)


def _window(reading: Reading, groups: tuple[str, ...]) -> Reading:
    window = Window(slot=_slot(groups[:9]), link_s=_duration(groups[9:]))
    _require(len(reading.windows) < limits.WINDOWS_MAX, "too many windows")
    _require(window.link_s < window.slot.length_s, "a window without a drive half")
    _require(window.link_s <= limits.LINK_WINDOW_S_MAX, "a link half of more than 2 hours")
    windows = (*reading.windows, window)
    _require(sum(one.link_s for one in windows) <= limits.LINK_DAY_S_MAX, "more than 4 h of link a day")
    _require(not any(_overlap(one.slot, window.slot) for one in reading.windows), "two windows overlap")
    return replace(reading, windows=windows)


def _scrub(reading: Reading, groups: tuple[str, ...]) -> Reading:
    _require(len(reading.scrubs) < limits.SCRUBS_MAX, "too many scrub slots")
    return replace(reading, scrubs=(*reading.scrubs, _slot(groups)))


def _drives(reading: Reading, groups: tuple[str, ...]) -> Reading:
    data, parity, write = (int(group) for group in groups[:3])
    _require(data >= limits.DATA_MIN and parity >= 1, "too few drives")
    _require(data + parity <= limits.DRIVES_MAX and data <= write <= data + parity, "the drive set")
    found = (*reading.groups, Group(bays=data + parity, sealed=bool(groups[3])))
    _require(sum(one.bays for one in found) <= limits.DRIVES_MAX, "too many drives")
    _require(sum(not one.sealed for one in found) <= 1, "two drive groups that are not sealed")
    return replace(reading, groups=found)


def _source(reading: Reading, groups: tuple[str, ...]) -> Reading:
    name, tier, path = groups
    _require(not all(one.sealed for one in reading.groups), "every drive group is sealed")
    _require(int(tier) <= limits.TIER_MAX, "the tier")
    _require(name not in reading.sources and len(reading.sources) < limits.SOURCES_MAX, "the sources")
    _check_path(path)
    return replace(reading, sources=(*reading.sources, name))


def _delay(reading: Reading, groups: tuple[str, ...]) -> Reading:
    seconds = _duration(groups)
    _require(seconds <= limits.DELAY_S_MAX, "the delay")
    return replace(reading, delay_s=seconds)


_READ: dict[str, Callable[[Reading, tuple[str, ...]], Reading]] = {
    "iwato-policy": _version,
    "prev": _previous,
    "vault-id": _vault_id,
    "quorum": _quorum,
    "holder": _holder,
    "generation": _generation,
    "log": _log,
    "witness": _witness,
    "window": _window,
    "scrub": _scrub,
    "drives": _drives,
    "source": _source,
    "delay": _delay,
}


def _finish(reading: Reading, digest: bytes) -> Policy:
    _require(reading.stage == len(ORDER), "lines are missing")
    return Policy(
        version=reading.version,
        digest=digest,
        vault_id=reading.vault_id,
        quorum=reading.quorum,
        holders=reading.holders,
        log_key=reading.log_key,
        witness_key=reading.witness_key,
        windows=reading.windows,
        scrubs=reading.scrubs,
        groups=reading.groups,
        generation=reading.generations[-1],
        vault=reading.vault,
        delay_s=reading.delay_s,
    )


def _signer(reading: Reading, text: str) -> bytes:
    key = HolderKey(kind=KeyKind.ED25519, raw=_base64(text))
    _require(sshsig.sound(key) and key not in reading.holders, "a key that proves nothing or is a holder's")
    return key.raw


def _slot(groups: tuple[str, ...]) -> Slot:
    times = [int(group) for group in groups[:6]]
    sign, hours, minutes = groups[6], int(groups[7]), int(groups[8])
    _require(all(hour < 24 for hour in times[0::3]), "an hour")  # noqa: PLR2004  hours of a day
    _require(all(part < 60 for part in (*times[1::3], *times[2::3], minutes)), "a minute or second")  # noqa: PLR2004
    ahead = hours * 3600 + minutes * 60
    _require(ahead <= limits.OFFSET_S_MAX and not (sign == "-" and ahead == 0), "the offset")
    return Slot(
        begin_s=times[0] * 3600 + times[1] * 60 + times[2],
        end_s=times[3] * 3600 + times[4] * 60 + times[5],
        offset_s=-ahead if sign == "-" else ahead,
    )


def _overlap(one: Slot, other: Slot) -> bool:
    """Whether two daily slots share a second, also across midnight."""
    ahead = (other.begin_s - other.offset_s - one.begin_s + one.offset_s) % limits.DAY_S
    return ahead < one.length_s or limits.DAY_S - ahead < other.length_s


def _duration(groups: tuple[str, ...]) -> int:
    return int(groups[0]) * _UNIT_S[groups[1]]


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise PolicyMalformedError("not base64") from None
    _require(base64.b64encode(raw).decode("ascii") == text, "base64 with a second spelling")
    return raw


def _check_path(text: str) -> None:
    """Percent-encoded with upper-case digits, nothing encoded that need not be, absolute, no NUL."""
    pieces = re.split("(%[0-9A-F]{2})", text)
    _require(not any("%" in plain for plain in pieces[0::2]), "a path's encoding")
    coded = [int(piece[1:], 16) for piece in pieces[1::2]]
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~"
    _require(0 not in coded and not any(byte in plain for byte in coded), "a path with a second spelling")
    length = sum(len(piece) for piece in pieces[0::2]) + len(coded)
    _require(text.startswith("/") and length <= limits.PATH_BYTES_MAX, "a path")


def _require(holds: bool, what: str) -> None:  # noqa: FBT001  it is the sentence's subject
    if not holds:
        raise PolicyMalformedError(what)
