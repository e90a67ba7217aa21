"""Tokens in, the vault's key out: the shell of custody/recovery.py. Only inside a key process, while the
link cannot be live.

Asks every token that was given, so that one lying or broken token does not stop k good ones. Decrypts
nothing of the vault. THREATS 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.custody import recovery, token_text
from appliance.custody.policy import Holder, Policy
from appliance.custody.recovery import Offer, Recovered
from appliance.domain.ids import HolderNumber
from appliance.errors import CustodyError, IwatoError, ShareRepeated, TokenForeign
from appliance.ports import Token


def identify(policy: Policy, token: Token) -> Holder:
    """The holder of this policy whose token this is. TokenForeign if it is nobody's."""
    fields = token.describe()
    place = f"holder {fields.get('holder', '?')}"
    try:
        description = token_text.describe(fields)
    except ValueError as error:
        raise TokenForeign(token=place, detail=str(error)) from None
    return token_text.match(policy, description, place)


def each_once(policy: Policy, tokens: Sequence[Token]) -> tuple[list[tuple[Holder, Token]], list[IwatoError]]:
    """(holder, token) of every token of this vault, and an error for each stranger's. ShareRepeated if
    two tokens are one holder's: the votes of one person never count twice."""
    known: dict[HolderNumber, tuple[Holder, Token]] = {}
    strangers: list[IwatoError] = []
    for token in tokens:
        try:
            holder = identify(policy, token)
        except TokenForeign as error:
            strangers.append(error)
            continue
        if holder.number in known:
            raise ShareRepeated(holder=holder.number, needed=policy.quorum)
        known[holder.number] = (holder, token)
    return list(known.values()), strangers


def open_vault(policy: Policy, generation: int, tokens: Sequence[Token]) -> Recovered:
    """The identity of a generation from k or more tokens. What went wrong with a token is raised when
    fewer than k others are good, and reported in `Recovered.wrong` otherwise."""
    known, wrong = each_once(policy, tokens)
    offers: list[Offer] = []
    for holder, token in known:
        try:
            offers.append(Offer(holder=holder.number, record=token.unseal(token.record(generation))))
        except CustodyError as error:
            wrong.append(error)
    if len(offers) < policy.quorum:
        raise recovery.too_few(policy, len(offers), wrong)
    recovered = recovery.recover(policy, generation, offers)
    return Recovered(identity=recovered.identity, used=recovered.used, wrong=(*wrong, *recovered.wrong))
