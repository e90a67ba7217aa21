"""What the interlock does with what the controller says (PROTOCOL 4.2): a pure answer to each message.

A refusal is counted and named; no message can latch anything but SECURED, which any one person may.
"""

from __future__ import annotations

from dataclasses import replace

from firmware.model import acts, journal, limits, permits, setting, status, uploads, witness
from firmware.model.phases import Turn, listed
from firmware.model.state import State
from firmware.wire import messages
from firmware.wire.codes import Cause, Phase
from firmware.wire.messages import (
    AuthorityRead,
    Challenge,
    ChallengeRead,
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
    UploadBegin,
    UploadChunk,
    UploadCommit,
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


def hear(state: State, heard: Message | Fault) -> Answer:
    """The state after `heard`, and the replies."""
    if isinstance(heard, Fault):
        return _count(state, heard.cause, heard.count), (heard.reply,) if heard.reply else ()
    if not state.senses.controller_supplied:
        return _count(state, Cause.CONTROLLER_OFF), ()
    match heard:
        case RequestPhase():
            return _request(state, heard)
        case Done():
            return _done(state, heard)
        case Cosign():
            return _cosign(state, heard)
        case UploadBegin() | UploadChunk() | UploadSignature() | UploadCommit():
            state, said = uploads.hear(state, heard)
            return _refuse(state, heard, said) if isinstance(said, Cause) else (state, (said,))
        case _:
            return _tell(state, heard)


def _tell(state: State, heard: Message) -> Answer:
    """Questions that change nothing that counts, and what is not for this end."""
    match heard:
        case Hello():
            return state, (status.greeting(state),)
        case Heartbeat():
            state = _beat(state, heard)
            return state, (status.report(state),)
        case EventRead(after=after):
            log = state.fram.journal
            return state, (journal.after(log, after) or NoEvent(newest=log.newest),)
        case ChallengeRead():
            state = setting.challenged(state)
            return state, (Challenge(challenge=state.challenge or b"", age_s=setting.age_s(state)),)
        case AuthorityRead():
            return state, (status.authority(state),)
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
