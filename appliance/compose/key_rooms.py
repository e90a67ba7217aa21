"""The two rooms where tokens are used outside recovery: birth and the signing desk.

Each is a program for `adapters/key_process.py`: it runs in a fresh, hardened process that ends with
what it knew. Requests and answers are JSON; an answer never holds a secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import msgspec

from appliance.adapters import key_process, token_file
from appliance.adapters.key_process import Say
from appliance.compose.job import Passphrases
from appliance.custody import passphrase
from appliance.custody.votes import Vote
from appliance.domain.ids import HolderNumber
from appliance.errors import CustodyError, IwatoError
from appliance.ports import Ask
from appliance.service import birth, signing_desk
from appliance.service.birth import Born, Plan


class _BirthRequest(msgspec.Struct, forbid_unknown_fields=True):
    plan: Plan
    tokens: str


class _SignRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    policy: bytes
    order: bytes = b""
    checkpoint: bytes = b""
    tokens: list[str]
    passphrases: Passphrases


class Votes(msgspec.Struct, forbid_unknown_fields=True):
    """(holder, raw signature) of each vote on the order, and of each countersignature."""

    votes: list[tuple[int, bytes]]
    countersigned: list[tuple[int, bytes]] = []


def hold_birth(plan: Plan, tokens: Path) -> Born:
    """Run the birth ceremony with new file tokens below `tokens`, passphrases beside them."""
    request = msgspec.json.encode(_BirthRequest(plan=plan, tokens=os.fspath(tokens)))
    answer = key_process.run(birth_program, request)
    return msgspec.json.decode(answer.body, type=Born)


def ask_for(tokens: Iterable[str], ask: Ask | None) -> Passphrases:
    """What the holders answer, each once and in order, for the tokens beside which no passphrase lies."""
    given: dict[str, str] = {}
    if ask is None:
        return Passphrases(given)
    key_process.forbid_core()
    for folder in dict.fromkeys(tokens):
        if token_file.has_passphrase_beside(folder):
            continue
        answer = ask(folder, _holder(folder))
        if answer:
            given[folder] = answer
    return Passphrases(given)


def _holder(folder: str) -> HolderNumber | None:
    try:
        return token_file.FileToken(folder).holder
    except IwatoError:  # it is named when it is to be used
        return None


def collect_votes(
    policy: bytes, tokens: list[str], passphrases: Passphrases, *, order: bytes = b"", checkpoint: bytes = b""
) -> Votes:
    """Have the holders of `tokens` sign a recovery order and countersign a checkpoint, or one of both."""
    request = msgspec.json.encode(
        _SignRequest(
            policy=policy, order=order, checkpoint=checkpoint, tokens=tokens, passphrases=passphrases
        )
    )
    return msgspec.json.decode(key_process.run(desk_program, request).body, type=Votes)


def birth_program(request: bytes, say: Say) -> bytes:
    """The child's side of `hold_birth`."""
    asked = msgspec.json.decode(request, type=_BirthRequest)
    folder = Path(asked.tokens)

    def enrol(holder: HolderNumber) -> token_file.FileToken:
        words = passphrase.generate(os.urandom)
        path = os.fspath(folder / f"holder-{holder}")
        factor = token_file.WORK_FACTOR_EMULATED
        token = token_file.enrol(path, holder, passphrase=words, entropy=os.urandom, work_factor=factor)
        token_file.leave_passphrase(path, words)
        return token

    born = birth.run(
        asked.plan,
        enrol=enrol,
        reopen=lambda holder: token_file.FileToken(os.fspath(folder / f"holder-{holder}")),
        entropy=os.urandom,
        say=lambda step, act: say(f"{step.value} {' '.join(map(str, act))}".strip()),
    )
    return msgspec.json.encode(born)


def desk_program(request: bytes, _say: Say) -> bytes:
    """The child's side of `collect_votes`."""
    asked = msgspec.json.decode(request, type=_SignRequest)
    tokens, wrong = open_tokens(asked.tokens, asked.passphrases)
    votes = Votes(votes=[])
    try:
        if asked.order:
            signed = signing_desk.sign_order(asked.policy, asked.order, tokens)
            votes.votes = [_plain(vote) for vote in signed.votes]
        if asked.checkpoint:
            signed = signing_desk.sign_checkpoint(asked.policy, asked.checkpoint, tokens)
            votes.countersigned = [_plain(vote) for vote in signed.votes]
    except CustodyError:
        if wrong:  # a token that is no token at all is the better explanation of "too few"
            raise wrong[0] from None
        raise
    return msgspec.json.encode(votes)


def open_tokens(
    folders: list[str], passphrases: Passphrases
) -> tuple[list[token_file.FileToken], list[IwatoError]]:
    """The tokens that can be read at all, and an error for each that cannot."""
    given = passphrases.by_token
    tokens: list[token_file.FileToken] = []
    wrong: list[IwatoError] = []
    for folder in folders:
        try:
            tokens.append(
                token_file.FileToken(folder, partial(given.get, folder) if folder in given else None)
            )
        except IwatoError as error:
            wrong.append(error)
    return tokens, wrong


def _plain(vote: Vote) -> tuple[int, bytes]:
    return int(vote.holder), vote.raw
