"""Texts with holders' signatures: gathered piece by piece, judged whole, obeyed at once or not at all
(PROTOCOL 6.4, 6.5, 7, 12, 13).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeAlias

from firmware.model import acts, authority, fram, limits, setting, succession
from firmware.model.fram import Nonce
from firmware.model.order_lines import Order
from firmware.model.phases import Turn
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind
from firmware.wire.messages import (
    UploadAccepted,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadReady,
    UploadSignature,
)

Said: TypeAlias = tuple[State, UploadReady | UploadAccepted | Cause]

# Where each kind may be uploaded; every line is dark in all of them.
WHERE: Final[Mapping[UploadKind, frozenset[Phase]]] = MappingProxyType(
    {
        UploadKind.POLICY: frozenset({Phase.ISOLATED}),
        UploadKind.RECOVERY_ORDER: frozenset({Phase.ISOLATED}),
        UploadKind.VETO: frozenset({Phase.ISOLATED, Phase.SECURED, Phase.FAULT}),
        UploadKind.OVERRIDE: frozenset({Phase.ISOLATED}),
        UploadKind.RELEASE_ORDER: frozenset({Phase.SECURED, Phase.FAULT}),
        UploadKind.TIME_ORDER: frozenset({Phase.ISOLATED, Phase.SECURED, Phase.FAULT}),
        UploadKind.UNSEAL_ORDER: frozenset({Phase.ISOLATED}),
    }
)


def length_max(kind: UploadKind) -> int:
    """Bytes of the longest text of this kind."""
    return limits.POLICY_BYTES_MAX if kind is UploadKind.POLICY else limits.ORDER_BYTES_MAX


def hear(state: State, message: UploadBegin | UploadChunk | UploadSignature | UploadCommit) -> Said:
    """The state after one step of an upload, and the answer or why it is refused."""
    upload = state.upload
    if isinstance(message, UploadBegin):
        upload = Upload(kind=message.kind, length=message.length)
    if upload is None:
        return state, Cause.UPLOAD_SEQUENCE if state.phase is Phase.ISOLATED else Cause.NOT_NOW
    if state.phase not in WHERE[upload.kind] or state.fram.fault in fram.UNWRITTEN:
        return replace(state, upload=None), Cause.NOT_NOW
    match message:
        case UploadBegin():
            if not 1 <= upload.length <= length_max(upload.kind):
                return replace(state, upload=None), Cause.UPLOAD_TOO_LONG
            return _ready(state, upload)
        case UploadChunk():
            return _chunk(state, upload, message)
        case UploadSignature():
            return _signature(state, upload, message)
        case UploadCommit():
            return _commit(replace(state, upload=None), upload)


def _ready(state: State, upload: Upload) -> Said:
    reply = UploadReady(received=len(upload.text), signatures=len(upload.signatures))
    return replace(state, upload=upload), reply


def _chunk(state: State, upload: Upload, chunk: UploadChunk) -> Said:
    fits = chunk.offset == len(upload.text) and chunk.offset + len(chunk.data) <= upload.length
    if not fits:
        return replace(state, upload=None), Cause.UPLOAD_SEQUENCE
    return _ready(state, replace(upload, text=upload.text + chunk.data))


def _signature(state: State, upload: Upload, given: UploadSignature) -> Said:
    if len(upload.text) != upload.length or len(upload.signatures) >= limits.SIGNATURES_MAX:
        return replace(state, upload=None), Cause.UPLOAD_SEQUENCE
    return _ready(state, replace(upload, signatures=(*upload.signatures, (given.signer, given.signature))))


def _commit(state: State, upload: Upload) -> Said:
    if len(upload.text) != upload.length:
        return state, Cause.UPLOAD_SEQUENCE
    accepted = UploadAccepted(kind=upload.kind, digest=hashlib.sha256(upload.text).digest())
    if authority.in_force(state, upload.kind, accepted.digest):
        return state, accepted
    after = _JUDGES[upload.kind](state, upload)
    return (state, after) if isinstance(after, Cause) else (after, accepted)


def _policy(state: State, upload: Upload) -> State | Cause:
    first = state.fram.policy is None
    found = authority.first_policy(state, upload) if first else succession.successor(state, upload)
    if isinstance(found, Cause):
        return found
    return succession.adopt(state, found) if first else succession.propose(state, found)


def _objection(state: State, upload: Upload) -> State | Cause:
    found = succession.objection(state, upload)
    if isinstance(found, Cause):
        return found
    pending, news = found
    return succession.object_to(state, upload.kind, pending) if news else state


def _time(state: State, upload: Upload) -> State | Cause:
    found = setting.judged(state, upload)
    return found if isinstance(found, Cause) else setting.set_to(state, found)


def _order(state: State, upload: Upload) -> State | Cause:
    found = authority.order(state, upload)
    return found if isinstance(found, Cause) else _obey(_noted(state, found), found)


def _noted(state: State, order: Order) -> State:
    """The nonce is remembered, and so before the order can serve."""
    nonces = (*authority.live_nonces(state), Nonce(nonce=order.nonce, expires_s=order.expires_s))
    state = replace(state, fram=replace(state.fram, nonces=nonces))
    return acts.note(state, EventKind.ORDER, Cause.NONE, order.kind)


def _obey(state: State, order: Order) -> State:
    match order.kind:
        case UploadKind.RELEASE_ORDER:
            return acts.take(state, Turn.RELEASED)
        case UploadKind.UNSEAL_ORDER:
            return replace(state, unseal=order)
        case _:
            return replace(state, order=order)


_JUDGES: Final[Mapping[UploadKind, Callable[[State, Upload], State | Cause]]] = MappingProxyType(
    {
        UploadKind.POLICY: _policy,
        UploadKind.RECOVERY_ORDER: _order,
        UploadKind.VETO: _objection,
        UploadKind.OVERRIDE: _objection,
        UploadKind.RELEASE_ORDER: _order,
        UploadKind.TIME_ORDER: _time,
        UploadKind.UNSEAL_ORDER: _order,
    }
)
