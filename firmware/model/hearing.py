"""What the interlock does with what the controller says (PROTOCOL 4.2): a pure answer to each message.

A refusal is counted and named; no message can latch anything but SECURED, which any one person may.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from firmware.model import acts, authority, journal, limits, permits, status, witness
from firmware.model.facts import Policy
from firmware.model.fram import Nonce
from firmware.model.order_lines import Order
from firmware.model.phases import Turn, listed
from firmware.model.state import State, Upload
from firmware.wire import messages
from firmware.wire.codes import Cause, EventKind, Phase, UploadKind
from firmware.wire.messages import (
    Cosign,
    Done,
    ErrorReply,
    EventRead,
    Granted,
    Heartbeat,
    Hello,
    Message,
    NoEvent,
    Refused,
    RequestPhase,
    UploadAccepted,
    UploadBegin,
    UploadChunk,
    UploadCommit,
    UploadReady,
    UploadSignature,
)
from firmware.wire.session import Fault

Answer = tuple[State, tuple[Message, ...]]

ASKS = {
    Phase.INTAKE: Turn.ASKS_INTAKE,
    Phase.SEAL: Turn.ASKS_SEAL,
    Phase.SCRUB: Turn.ASKS_SCRUB,
    Phase.RECOVERY: Turn.ASKS_RECOVERY,
    Phase.ISOLATED: Turn.ASKS_ISOLATED,
    Phase.SECURED: Turn.ASKS_SECURED,
}
COSIGNING = frozenset({Phase.ISOLATED, Phase.SEAL, Phase.SCRUB, Phase.RECOVERY})
LENGTH_MAX = {UploadKind.POLICY: limits.POLICY_BYTES_MAX, UploadKind.RECOVERY_ORDER: limits.ORDER_BYTES_MAX}


def hear(state: State, heard: Message | Fault) -> Answer:
    """The state after `heard`, and the replies."""
    if isinstance(heard, Fault):
        return _count(state, heard.cause, heard.count), (heard.reply,) if heard.reply else ()
    if not state.senses.controller_supplied:
        return _count(state, Cause.CONTROLLER_OFF), ()
    match heard:
        case Hello():
            return state, (status.greeting(state),)
        case Heartbeat():
            state = _beat(state, heard)
            return state, (status.report(state),)
        case RequestPhase():
            return _request(state, heard)
        case Done():
            return _done(state, heard)
        case Cosign():
            return _cosign(state, heard)
        case EventRead(after=after):
            log = state.fram.journal
            return state, (journal.after(log, after) or NoEvent(newest=log.newest),)
        case UploadBegin() | UploadChunk() | UploadSignature() | UploadCommit():
            return _upload(state, heard)
        case _:
            number = messages.NUMBER[type(heard)]
            reply = ErrorReply(cause=Cause.WIRE_NOT_FOR_ME, message_id=number)
            return _count(state, Cause.WIRE_NOT_FOR_ME), (reply,)


def _count(state: State, cause: Cause, count: int = 1) -> State:
    log = journal.refuse(
        state.fram.journal, time_s=acts.now_s(state), phase=state.phase, cause=cause, count=count
    )
    return replace(state, fram=replace(state.fram, journal=log))


def _refuse(state: State, message: Message, cause: Cause) -> Answer:
    reply = Refused(request=messages.NUMBER[type(message)], cause=cause)
    return _count(state, cause), (reply,)


def _beat(state: State, beat: Heartbeat) -> State:
    """A beat is as old as the stamp it echoes, less a credit; one from before the restart is none."""
    booted = state.supply.booted_ms
    if booted is None or not booted <= beat.stamp_ms <= state.uptime_ms:
        return state
    heard = min(state.uptime_ms, beat.stamp_ms + limits.ECHO_CREDIT_MS)
    return replace(state, heard_ms=max(heard, state.heard_ms or 0))


def _request(state: State, request: RequestPhase) -> Answer:
    event = ASKS.get(request.phase)
    if event is None or not listed(state.phase, event):
        return _refuse(state, request, Cause.NOT_NOW)
    barred = _barred(state, request.phase)
    if barred is not Cause.NONE:
        return _refuse(state, request, barred)
    state = acts.take(state, event)
    return state, (Granted(phase=state.phase),)


def _barred(state: State, phase: Phase) -> Cause:
    if phase is Phase.INTAKE:
        return permits.link_request(state)
    if phase in (Phase.SEAL, Phase.SCRUB, Phase.RECOVERY):
        return permits.drives_request(state, phase)
    return Cause.NONE


def _done(state: State, done: Done) -> Answer:
    if done.phase is not state.phase or not listed(state.phase, Turn.DONE):
        return _refuse(state, done, Cause.NOT_NOW)
    state = acts.take(state, Turn.DONE)
    return state, (Granted(phase=state.phase),)


def _cosign(state: State, request: Cosign) -> Answer:
    if state.phase not in COSIGNING:
        return _refuse(state, request, Cause.NOT_NOW)
    if state.fram.policy is None:
        return _refuse(state, request, Cause.NO_POLICY)
    if state.rtc_s is None:
        return _refuse(state, request, Cause.CLOCK_LOST)
    fram = witness.append(state.fram, request, state.rtc_s)
    if isinstance(fram, Cause):
        return _refuse(state, request, fram)
    return replace(state, fram=fram), (witness.answer(fram),)


def _upload(state: State, message: UploadBegin | UploadChunk | UploadSignature | UploadCommit) -> Answer:
    if state.phase is not Phase.ISOLATED:
        return _refuse(state, message, Cause.NOT_NOW)
    if isinstance(message, UploadBegin):
        if not 1 <= message.length <= LENGTH_MAX[message.kind]:
            return _refuse(replace(state, upload=None), message, Cause.UPLOAD_TOO_LONG)
        return _ready(state, Upload(kind=message.kind, length=message.length))
    upload = state.upload
    if upload is None:
        return _refuse(state, message, Cause.UPLOAD_SEQUENCE)
    if isinstance(message, UploadChunk):
        return _chunk(state, upload, message)
    if isinstance(message, UploadSignature):
        return _signature(state, upload, message)
    return _commit(replace(state, upload=None), upload, message)


def _ready(state: State, upload: Upload) -> Answer:
    reply = UploadReady(received=len(upload.text), signatures=len(upload.signatures))
    return replace(state, upload=upload), (reply,)


def _chunk(state: State, upload: Upload, chunk: UploadChunk) -> Answer:
    fits = chunk.offset == len(upload.text) and chunk.offset + len(chunk.data) <= upload.length
    if not fits:
        return _refuse(replace(state, upload=None), chunk, Cause.UPLOAD_SEQUENCE)
    return _ready(state, replace(upload, text=upload.text + chunk.data))


def _signature(state: State, upload: Upload, given: UploadSignature) -> Answer:
    if len(upload.text) != upload.length or len(upload.signatures) >= limits.HOLDERS_MAX:
        return _refuse(replace(state, upload=None), given, Cause.UPLOAD_SEQUENCE)
    return _ready(state, replace(upload, signatures=(*upload.signatures, (given.signer, given.signature))))


def _commit(state: State, upload: Upload, commit: UploadCommit) -> Answer:
    if len(upload.text) != upload.length:
        return _refuse(state, commit, Cause.UPLOAD_SEQUENCE)
    accepted = UploadAccepted(kind=upload.kind, digest=hashlib.sha256(upload.text).digest())
    if authority.in_force(state, upload.kind, accepted.digest):
        return state, (accepted,)
    found: Policy | Order | Cause
    if upload.kind is UploadKind.POLICY:
        found = authority.policy(state, upload)
    else:
        found = authority.recovery_order(state, upload)
    if isinstance(found, Cause):
        return _refuse(state, commit, found)
    state = _adopt(state, found) if isinstance(found, Policy) else _order(state, found)
    return state, (accepted,)


def _adopt(state: State, facts: Policy) -> State:
    state = replace(state, fram=replace(state.fram, policies=(facts,)))
    return acts.note(state, EventKind.POLICY, Cause.NONE, facts.version)


def _order(state: State, order: Order) -> State:
    nonces = (*authority.live_nonces(state), Nonce(nonce=order.nonce, expires_s=order.expires_s))
    state = replace(state, order=order, fram=replace(state.fram, nonces=nonces))
    return acts.note(state, EventKind.ORDER, Cause.NONE)
