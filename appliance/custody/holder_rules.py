"""The rules of a policy's head: version, holders and their keys, quorum, generations. THREATS 2.5, 3.2."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.custody.broken_rule import Broken, Judged, most, repeated
from appliance.custody.policy_facts import (
    GENERATIONS_MAX,
    HOLDERS_MAX,
    QUORUM_MIN,
    VERSION_MAX,
    Holder,
    PolicyParts,
)
from appliance.errors import SigningKeyRefused
from appliance.format import ed25519_key
from appliance.format.ssh_key import P256_POINT_BYTES, SshKey
from appliance.words import N_


def head(parts: PolicyParts) -> Judged:
    """Version, and the policy before it."""
    yield (
        1 <= parts.version <= VERSION_MAX,
        Broken(
            "iwato-policy",
            0,
            N_("version {version} is not a version"),
            N_("Leave this line as `policy show --text` wrote it: the next number is put in."),
            (("version", parts.version),),
        ),
    )
    yield (
        (parts.version == 1) == (not parts.previous),
        Broken(
            "prev",
            0,
            N_("only version 1 has no policy before it"),
            N_("Leave this line as `policy show --text` wrote it: the right hash is put in."),
        ),
    )


def holders(parts: PolicyParts) -> Judged:
    """Numbers, quorum, and that every key is another and proves something."""
    count, everyone = len(parts.holders), parts.holders
    yield (
        count <= HOLDERS_MAX,
        Broken(
            "holder", HOLDERS_MAX, N_("more than {most} holders"), N_("Remove holders."), most(HOLDERS_MAX)
        ),
    )
    yield (
        QUORUM_MIN <= parts.quorum < count,
        Broken(
            "quorum",
            0,
            N_("a quorum of {quorum} of {count} holders is refused"),
            N_("At least 2 and fewer than all: one would be the last key, and all would be lost with one."),
            (("quorum", parts.quorum), ("count", count)),
        ),
    )
    yield (
        [holder.number for holder in everyone] == list(range(1, count + 1)),
        Broken("holder", 0, N_("holders are not 1..n"), N_("Number the lines `holder` from 1, in order.")),
    )
    keys = [*(holder.ssh_key for holder in everyone), parts.log_key, parts.witness_key]
    for place, key in enumerate(keys):
        yield (
            _sound(key, is_holders=place < count),
            Broken(
                *_key_line(place, count),
                N_("a key is no Ed25519 key or point of P-256, or one with which anybody could sign"),
                N_("Take the key from the token of that holder itself (token.txt)."),
            ),
        )
    for place in repeated(keys):
        yield (
            False,
            Broken(
                *_key_line(place, count),
                N_("two signers share one key"),
                N_("Each holder, the log and the witness have a key of their own."),
            ),
        )
    yield from _distinct(everyone)


def generations(parts: PolicyParts) -> Judged:
    """The vault keys."""
    fix = N_("Leave these lines as they are: only a rotation makes a new generation.")
    count = len(parts.generations)
    yield (
        1 <= count <= GENERATIONS_MAX,
        Broken("generation", 0, N_("1 to {most} generations are needed"), fix, most(GENERATIONS_MAX)),
    )
    numbers = [item.number for item in parts.generations]
    yield (
        numbers == sorted(set(numbers)) and min(numbers, default=1) >= 1,
        Broken("generation", 0, N_("generations do not ascend"), fix),
    )
    for place in repeated([item.vault for item in parts.generations]):
        yield False, Broken("generation", place, N_("two generations share a vault key"), fix)


def _distinct(everyone: Sequence[Holder]) -> Judged:
    own = N_("Distinct keys are distinct persons: take the line of each holder's own token.")
    for place in repeated([holder.unseal for holder in everyone]):
        yield False, Broken("holder", place, N_("two holders share one unseal key"), own)
    for place in repeated([holder.share for holder in everyone]):
        yield False, Broken("holder", place, N_("two holders share one share"), own)


def _sound(key: bytes, *, is_holders: bool) -> bool:
    try:
        if is_holders and len(key) == P256_POINT_BYTES:
            SshKey.from_p256(key)
        else:
            ed25519_key.check(key)
    except SigningKeyRefused:
        return False
    return True


def _key_line(place: int, holders: int) -> tuple[str, int]:
    """The line of the key at this place: holders first, then log and witness."""
    return ("holder", place) if place < holders else (("log", "witness")[place - holders], 0)
