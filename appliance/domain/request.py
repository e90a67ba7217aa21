"""What may be asked of the daemon and how it answers: the message set of DAEMON.md, as values.

One line of JSON each way. Bounded, typed, versioned; knows no socket.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from appliance.errors import MessageRefused

VERSION = 1
REQUEST_BYTES_MAX = 4096  # bytes of a request with its newline; the longest has some 200
ANSWER_BYTES_MAX = 16 << 20  # bytes of an answer; a list of 10^4 snapshots has 2 MB
ENTRIES_MAX = 1000  # entries of the ledger in one answer; a person reads a few

Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,64}\Z")]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="ask"):
    """What every request says: the version of the message set that it speaks."""

    version: Literal[1] = 1


class AskStatus(Request, frozen=True, kw_only=True, tag="status"):
    """What is measured, planned and wrong."""


class AskWatch(Request, frozen=True, kw_only=True, tag="watch"):
    """The status again and again, until the client goes."""


class AskCut(Request, frozen=True, kw_only=True, tag="cut"):
    """Cut every line now. `who` is what the record says."""

    who: Name = "a client"


class AskWindows(Request, frozen=True, kw_only=True, tag="windows"):
    """Past windows as they went, and the next ones."""


class AskSkip(Request, frozen=True, kw_only=True, tag="skip"):
    """Leave the next window out."""

    who: Name = "a client"


class AskWindow(Request, frozen=True, kw_only=True, tag="request"):
    """Try again in the window that is now."""


class AskAlarms(Request, frozen=True, kw_only=True, tag="alarms"):
    """Every alarm that is remembered."""


class AskAcknowledge(Request, frozen=True, kw_only=True, tag="acknowledge"):
    """Somebody has seen an alarm."""

    number: Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]
    who: Name


class AskCopies(Request, frozen=True, kw_only=True, tag="copies"):
    """The snapshots, from the controller's own ledger."""


class AskLedger(Request, frozen=True, kw_only=True, tag="ledger"):
    """The newest entries of the ledger."""

    newest: Annotated[int, msgspec.Meta(ge=1, le=ENTRIES_MAX)] = 20


AnyRequest: TypeAlias = (
    AskStatus
    | AskWatch
    | AskCut
    | AskWindows
    | AskSkip
    | AskWindow
    | AskAlarms
    | AskAcknowledge
    | AskCopies
    | AskLedger
)


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="answer"):
    """The document that was asked for."""

    document: dict[str, Any]
    version: int = VERSION


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag_field="say", tag="refusal"):
    """An error: its code and the values of its sentence."""

    code: str
    values: dict[str, str | int]
    version: int = VERSION


AnyAnswer: TypeAlias = Answer | Refusal

_requests: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_answers: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def encode(message: AnyRequest | AnyAnswer) -> bytes:
    """One line, newline included."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> AnyRequest:
    """MessageRefused for anything that is not in the set."""
    try:
        return _requests.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageRefused(detail=str(error)[:200]) from None


def decode_answer(line: bytes) -> AnyAnswer:
    """MessageRefused for anything that a daemon of this version does not say."""
    try:
        found = _answers.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageRefused(detail=str(error)[:200]) from None
    if found.version != VERSION:
        raise MessageRefused(detail=f"version {found.version}, not {VERSION}")
    return found
