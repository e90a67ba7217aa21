"""The room where holders sign policies, vetoes, overrides and orders to the interlock with their tokens.

A program for `adapters/key_process.py`, as those of key_rooms.py are: a fresh, hardened process that ends
with what it knew. Requests and answers are JSON; an answer never holds a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from appliance.adapters import key_process
from appliance.adapters.key_process import Say
from appliance.compose import key_rooms
from appliance.compose.job import Passphrases
from appliance.errors import CustodyError, IwatoError
from appliance.ports import Token
from appliance.service import signing_desk
from appliance.service.signing_desk import Signed, Slip


class Ballot(msgspec.Struct, forbid_unknown_fields=True):
    """What was signed, (signer, raw signature) of each vote, and code and values of what went wrong."""

    text: bytes
    votes: list[tuple[int, bytes]]
    wrong: list[tuple[str, dict[str, str]]]


class _Request(msgspec.Struct, forbid_unknown_fields=True, tag=True):
    policy: bytes
    tokens: list[str]
    passphrases: Passphrases


class PolicyRequest(_Request, tag="policy", forbid_unknown_fields=True):
    """Sign the next policy."""

    text: bytes


class VetoRequest(_Request, tag="veto", forbid_unknown_fields=True):
    """Veto the pending policy with this hash."""

    pending: bytes
    why: str


class OverrideRequest(_Request, tag="override", forbid_unknown_fields=True):
    """Override the vetoes of these holders."""

    pending: bytes
    vetoed_by: list[int]
    why: str


class ReleaseRequest(_Request, tag="release", forbid_unknown_fields=True):
    """Release what is latched: SECURED or not, and a fault by name."""

    nonce: bytes
    expires_s: int
    why: str
    secured: bool
    fault: str


class ClockRequest(_Request, tag="clock", forbid_unknown_fields=True):
    """Set the interlock's clock: it was `time_s` when the challenge `nonce` was made."""

    nonce: bytes
    expires_s: int
    why: str
    time_s: int


AnyRequest: TypeAlias = PolicyRequest | VetoRequest | OverrideRequest | ReleaseRequest | ClockRequest


def collect(request: AnyRequest) -> Ballot:
    """Have the holders sign. CustodyError as service/signing_desk.py says."""
    answer = key_process.run(program, msgspec.json.encode(request))
    return msgspec.json.decode(answer.body, type=Ballot)


def program(request: bytes, _say: Say) -> bytes:
    """The child's side of `collect`."""
    asked: AnyRequest = msgspec.json.decode(request, type=AnyRequest)
    tokens, wrong = key_rooms.open_tokens(asked.tokens, asked.passphrases)
    try:
        text, signed = _signed(asked, tokens)
    except CustodyError:
        if wrong:  # a token that is no token at all is the better explanation of "too few"
            raise wrong[0] from None
        raise
    return msgspec.json.encode(_ballot(text, signed, wrong))


def _signed(asked: AnyRequest, tokens: Sequence[Token]) -> tuple[bytes, Signed]:
    match asked:
        case PolicyRequest():
            return asked.text, signing_desk.sign_policy(asked.policy, asked.text, tokens)
        case VetoRequest():
            return signing_desk.sign_veto(asked.policy, asked.pending, asked.why, tokens)
        case OverrideRequest():
            named = asked.vetoed_by
            return signing_desk.sign_override(asked.policy, asked.pending, named, asked.why, tokens)
        case ReleaseRequest():
            return signing_desk.sign_release(
                asked.policy, _slip(asked), secured=asked.secured, fault=asked.fault, tokens=tokens
            )
        case ClockRequest():
            return signing_desk.sign_clock(asked.policy, _slip(asked), time_s=asked.time_s, tokens=tokens)


def _slip(asked: ReleaseRequest | ClockRequest) -> Slip:
    return Slip(nonce=asked.nonce, expires_s=asked.expires_s, why=asked.why)


def _ballot(text: bytes, signed: Signed, wrong: list[IwatoError]) -> Ballot:
    failed = [
        (error.code, {key: str(value) for key, value in error.values.items()})
        for error in (*wrong, *signed.wrong)
    ]
    return Ballot(text=text, votes=[(int(vote.holder), vote.raw) for vote in signed.votes], wrong=failed)
