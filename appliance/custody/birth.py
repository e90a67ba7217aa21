"""The birth ceremony as a literal table: which acts a vault needs before its policy may be signed.

A `Birth` is where the ceremony stands: the step, and which acts of it are still missing. `advance` takes
one act at a time; an act that the step does not wait for ends the ceremony (BirthFailed). So no order of
calls, no interruption and no skipped holder leads to a signed policy without n proven shares. Pure;
acts are done by service/birth.py. THREATS 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from appliance.custody import quorum as arithmetic
from appliance.domain.ids import HolderNumber
from appliance.errors import BirthFailed

Act: TypeAlias = tuple[HolderNumber, ...]
"""Who does it: one holder, the k that try together, or () for the process itself."""


class Step(StrEnum):
    """What the ceremony waits for."""

    ENROL = "enrol the tokens"
    MAKE_KEY = "make the vault's key and split it"
    SEAL = "seal each share to its token"
    PROVE_SHARE = "prove each share alone"
    PROVE_QUORUM = "prove that k shares open the vault"
    WRITE_POLICY = "write the policy"
    SIGN = "sign the policy"
    BORN = "born"


def _each(quorum: int, holders: int) -> tuple[Act, ...]:  # noqa: ARG001 -- all three have one shape
    return tuple((HolderNumber(number),) for number in range(1, holders + 1))


def _together(quorum: int, holders: int) -> tuple[Act, ...]:
    return arithmetic.subsets_to_prove(quorum, [HolderNumber(number) for number in range(1, holders + 1)])


def _once(quorum: int, holders: int) -> tuple[Act, ...]:  # noqa: ARG001 -- all three have one shape
    return ((),)


TABLE: dict[Step, tuple[Callable[[int, int], tuple[Act, ...]], Step]] = {
    Step.ENROL: (_each, Step.MAKE_KEY),
    Step.MAKE_KEY: (_once, Step.SEAL),
    Step.SEAL: (_each, Step.PROVE_SHARE),
    Step.PROVE_SHARE: (_each, Step.PROVE_QUORUM),
    Step.PROVE_QUORUM: (_together, Step.WRITE_POLICY),
    Step.WRITE_POLICY: (_once, Step.SIGN),
    Step.SIGN: (_each, Step.BORN),
}
"""step -> (who acts in it, the step after all of them have). Only the listed ways exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """Where the ceremony stands. `waiting` are the acts of `step` that are still missing, in order;
    `proven` are the holders whose token has shown its share."""

    quorum: int
    holders: int
    step: Step
    waiting: tuple[Act, ...]
    proven: frozenset[HolderNumber] = frozenset()

    @property
    def margin(self) -> arithmetic.Margin:
        """"3 needed, 5 exist, 5 proven"."""
        return arithmetic.Margin(needed=self.quorum, exist=self.holders, proven=len(self.proven))


def begin(quorum: int, holders: int) -> Birth:
    """The first step. SharingRefused unless 2 <= k < n <= 16."""
    arithmetic.check(quorum, holders)
    return _enter(Birth(quorum=quorum, holders=holders, step=Step.ENROL, waiting=()), Step.ENROL)


def advance(birth: Birth, step: Step, act: Act) -> Birth:
    """After one act. BirthFailed if it is not one that the ceremony waits for now."""
    if step is not birth.step or act not in birth.waiting:
        raise BirthFailed(step=birth.step.value, detail=f"`{step.value}` by {_who(act)} came out of turn")
    proven = birth.proven | set(act) if step is Step.PROVE_SHARE else birth.proven
    waiting = tuple(other for other in birth.waiting if other != act)
    birth = replace(birth, waiting=waiting, proven=proven)
    return birth if waiting else _enter(birth, TABLE[step][1])


def _enter(birth: Birth, step: Step) -> Birth:
    acts = TABLE[step][0](birth.quorum, birth.holders) if step in TABLE else ()
    return replace(birth, step=step, waiting=acts)


def _who(act: Act) -> str:
    return "holder " + ", ".join(map(str, act)) if act else "the box"
