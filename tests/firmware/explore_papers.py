"""What the exploration's hostile controller hands in: every kind of signed text, with and without a quorum.

Texts are few and fixed (nonce and expiry do not depend on the state), so that the states stay finite; their
signatures are kept, so that it stays quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import cast

from firmware.model import step
from firmware.model.state import Input, Received, State
from firmware.wire.codes import Phase, UploadKind
from firmware.wire.messages import ChallengeRead, UploadBegin, UploadChunk, UploadCommit, UploadSignature
from tests.firmware.box import NOON_S, Box
from tests.firmware.papers import Pen, Vote, votes

EXPIRES_S = NOON_S + 6 * 3600
FEW, ENOUGH = (2, 3), (1, 2, 3)
DARK = (Phase.ISOLATED, Phase.SECURED, Phase.FAULT)


@lru_cache(maxsize=4096)
def _votes(kind: UploadKind, text: bytes, holders: tuple[int, ...]) -> tuple[Vote, ...]:
    return tuple(votes(kind, text, holders))


def uploads(state: State) -> Iterator[tuple[Input, ...]]:
    """Whole uploads, each a sequence of inputs; one that is not for this phase begins and is refused."""
    if state.phase not in DARK:
        yield (Received(message=UploadBegin(kind=UploadKind.VETO, length=1)),)
        return
    if state.fram.policy is None or state.fram.policy.version > 1:
        return
    for kind, text, holders in _texts(state):
        yield (
            Received(message=UploadBegin(kind=kind, length=len(text))),
            *(
                Received(message=UploadChunk(offset=at, data=text[at : at + 480]))
                for at in range(0, len(text), 480)
            ),
            *(
                Received(message=UploadSignature(signer=signer, signature=signature))
                for signer, signature in _votes(kind, text, holders)
            ),
            Received(message=UploadCommit()),
        )


def _texts(state: State) -> Iterator[tuple[UploadKind, bytes, tuple[int, ...]]]:
    fram = state.fram
    pen = Pen(cast("Box", SimpleNamespace(state=state, rtc_s=EXPIRES_S - 3600)))
    if state.phase is Phase.ISOLATED:
        for holders in (FEW, ENOUGH):
            yield UploadKind.POLICY, pen.successor(delay="2h"), holders
            yield UploadKind.UNSEAL_ORDER, pen.unseal(2), holders
        yield UploadKind.POLICY, pen.successor(delay="3h"), ENOUGH
    if fram.pending is not None:
        yield UploadKind.VETO, pen.veto(), (4,)
        for holders in (FEW, ENOUGH):
            yield UploadKind.OVERRIDE, pen.override(4), holders
    if state.phase is not Phase.ISOLATED:
        pen.nonce = 7
        for holders in (FEW, ENOUGH):
            yield UploadKind.RELEASE_ORDER, pen.release(secured=fram.secured, fault=fram.fault), holders
            pen.nonce = 7
    asked, _ = step.step(state, Received(message=ChallengeRead()))
    if state.challenge is not None and asked.challenge == state.challenge:
        for holders in (FEW, ENOUGH):
            yield UploadKind.TIME_ORDER, pen.time(EXPIRES_S - 3600, challenge=state.challenge), holders
