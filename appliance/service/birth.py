"""The birth of a vault: the shell of custody/birth.py. Runs once, in a short-lived process that ends with
the vault's key in it.

Every proof is made with a token that was opened anew, from what its medium holds, never from what this
process remembers. Writes nothing but share records, to the tokens; its answer (`Born`) has no secret.
Until the answer is placed there is no policy, so a birth that is cut off anywhere never happened; its
half-made tokens open nothing that will ever exist. THREATS 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.custody import (
    birth,
    policy_files,
    recovery,
    share_record,
    shares,
    token_text,
    transcript,
    vault_key,
    votes,
)
from appliance.custody import policy as policy_text
from appliance.custody.birth import Act, Step
from appliance.custody.policy import DriveGroup, Generation, Holder, Policy, SourceLine
from appliance.custody.quorum import Margin
from appliance.custody.recovery import Offer
from appliance.custody.share_record import ShareRecord
from appliance.custody.token_text import Description
from appliance.custody.votes import Vote
from appliance.domain.geometry import Geometry
from appliance.domain.ids import HolderNumber, VaultId
from appliance.domain.schedule import Duration, Slot, Window
from appliance.errors import BirthFailed, IwatoError
from appliance.format import age_file, age_key
from appliance.format.age_key import Entropy
from appliance.format.age_recipient import Identity, Recipient
from appliance.ports import Token
from appliance.service import signing_desk

GENERATION = 1  # a vault is born with its first key
NONCE_BYTES = 16  # bytes; names this ceremony
CANARY_BYTES = 32  # bytes; random, so that opening it cannot be guessed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was decided before: everything of policy 1 that does not come from the tokens or the key."""

    vault_id: VaultId
    quorum: int
    holders: int
    log_key: bytes
    witness_key: bytes
    windows: tuple[Window, ...]
    scrubs: tuple[Slot, ...]
    geometry: Geometry
    sources: tuple[SourceLine, ...]
    delay: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """The ceremony's result. `signatures` and `transcript_signatures` are armored texts by holder;
    `vault` is the text of the recipient file. Nothing of it is secret."""

    policy: bytes
    signatures: dict[HolderNumber, str]
    vault: bytes
    transcript: bytes
    transcript_signatures: dict[HolderNumber, str]
    margin: Margin

    def files(self) -> dict[str, bytes]:
        """Name -> content, to be placed in this order: the policy comes last, and makes it true."""
        policy = policy_text.parse(self.policy)
        files = {
            vault_key.file_name(GENERATION): self.vault,
            policy_files.ALLOWED_SIGNERS: votes.allowed_signers(policy).encode(),
            policy_files.TRANSCRIPT: self.transcript,
        }
        for holder, armored in self.transcript_signatures.items():
            files[policy_files.transcript_signature_name(holder)] = armored.encode()
        for holder, armored in self.signatures.items():
            files[policy_files.signature_name(policy.version, holder)] = armored.encode()
        files[policy_files.policy_name(policy.version)] = self.policy
        return files


@dataclass(slots=True, kw_only=True)
class _Room:
    """The ceremony while it runs."""

    plan: Plan
    reopen: Callable[[HolderNumber], Token]
    entropy: Entropy
    say: Callable[[Step, Act], None]
    nonce: bytes
    state: birth.Birth
    tokens: dict[HolderNumber, Description] = field(default_factory=dict)
    opened: dict[HolderNumber, Token] = field(default_factory=dict)
    log: list[transcript.Line] = field(default_factory=list)

    def done(self, step: Step, act: Act = ()) -> None:
        self.state = birth.advance(self.state, step, act)
        self.log.append(transcript.Line(step=step, act=act))
        self.say(step, act)

    def pending(self, step: Step) -> tuple[Act, ...]:
        assert self.state.step is step
        return self.state.waiting


def run(
    plan: Plan,
    *,
    enrol: Callable[[HolderNumber], Token],
    reopen: Callable[[HolderNumber], Token],
    entropy: Entropy,
    say: Callable[[Step, Act], None],
) -> Born:
    """The whole ceremony. `enrol` makes a holder's token, `reopen` opens it anew from its medium, `say`
    is told each act that was done. BirthFailed, or the token's own error, if any check fails."""
    state = birth.begin(plan.quorum, plan.holders)
    nonce = age_key.draw(entropy, NONCE_BYTES)
    room = _Room(plan=plan, reopen=reopen, entropy=entropy, say=say, nonce=nonce, state=state)
    _enrol(room, enrol)
    identity = Identity.generate(entropy)
    records = _split(room, identity)
    _seal(room, records)
    policy = _policy(room, records, identity.recipient)
    proven = _prove_shares(room, policy, records)
    _prove_quorums(room, policy, identity.recipient, proven)
    text = policy_text.render(policy)
    room.done(Step.WRITE_POLICY)
    return _sign(room, policy, text, identity.recipient)


def _enrol(room: _Room, enrol: Callable[[HolderNumber], Token]) -> None:
    for (holder,) in room.pending(Step.ENROL):
        try:
            description = token_text.describe(enrol(holder).describe())
        except ValueError as error:
            raise BirthFailed(step=Step.ENROL.value, detail=str(error)) from None
        if description.holder != holder:
            raise BirthFailed(step=Step.ENROL.value, detail=f"the token says holder {description.holder}")
        room.tokens[holder] = description
        room.done(Step.ENROL, (holder,))


def _split(room: _Room, identity: Identity) -> dict[HolderNumber, ShareRecord]:
    plan = room.plan
    words = shares.split(identity.secret_seed(), plan.quorum, plan.holders, room.entropy)
    records = {
        holder: ShareRecord(vault_id=plan.vault_id, generation=GENERATION, holder=holder, words=share)
        for holder, share in zip(room.tokens, words, strict=True)
    }
    room.done(Step.MAKE_KEY)
    return records


def _seal(room: _Room, records: dict[HolderNumber, ShareRecord]) -> None:
    for (holder,) in room.pending(Step.SEAL):
        recipient = room.tokens[holder].recipient
        sealed = age_file.encrypt(share_record.render(records[holder]), recipient, room.entropy)
        room.reopen(holder).keep(GENERATION, sealed)
        room.done(Step.SEAL, (holder,))


def _policy(room: _Room, records: dict[HolderNumber, ShareRecord], vault: Recipient) -> Policy:
    """Policy 1. It is only a value here: it becomes a text after the last proof."""
    plan = room.plan
    holders = tuple(
        Holder(
            number=holder,
            ssh_key=token.ssh.point,
            unseal=token.recipient.fingerprint,
            share=shares.commitment(records[holder].words),
        )
        for holder, token in room.tokens.items()
    )
    return Policy(
        version=1,
        previous=b"",
        vault_id=plan.vault_id,
        quorum=plan.quorum,
        holders=holders,
        generations=(Generation(number=GENERATION, vault=vault.fingerprint),),
        log_key=plan.log_key,
        witness_key=plan.witness_key,
        windows=plan.windows,
        scrubs=plan.scrubs,
        groups=(DriveGroup(geometry=plan.geometry),),
        sources=plan.sources,
        delay=plan.delay,
    )


def _prove_shares(
    room: _Room, policy: Policy, made: dict[HolderNumber, ShareRecord]
) -> dict[HolderNumber, ShareRecord]:
    """The shares as the reopened tokens give them, each checked alone."""
    proven: dict[HolderNumber, ShareRecord] = {}
    for (holder,) in room.pending(Step.PROVE_SHARE):
        token = room.reopen(holder)
        token_text.match(policy, token_text.describe(token.describe()), f"holder {holder}")
        offer = Offer(holder=holder, record=token.unseal(token.record(GENERATION)))
        proven[holder] = recovery.prove(policy, GENERATION, offer)
        assert proven[holder] == made[holder]  # the commitment says the same; here both can be compared
        room.opened[holder] = token
        room.done(Step.PROVE_SHARE, (holder,))
    return proven


def _prove_quorums(
    room: _Room, policy: Policy, vault: Recipient, proven: dict[HolderNumber, ShareRecord]
) -> None:
    """The canary was sealed to the public key alone, as every pack will be."""
    secret = age_key.draw(room.entropy, CANARY_BYTES)
    canary = age_file.encrypt(secret, vault, room.entropy)
    for act in room.pending(Step.PROVE_QUORUM):
        try:
            identity = recovery.combine(policy, GENERATION, [proven[holder] for holder in act])
            opened = age_file.decrypt(canary, identity)
        except IwatoError as error:
            raise BirthFailed(step=Step.PROVE_QUORUM.value, detail=f"holders {act}: {error.code}") from None
        if opened != secret:
            raise BirthFailed(step=Step.PROVE_QUORUM.value, detail=f"holders {act}: another content")
        room.done(Step.PROVE_QUORUM, act)


def _sign(room: _Room, policy: Policy, text: bytes, vault: Recipient) -> Born:
    """All n sign, first the policy; then the transcript, which tells of it."""
    given: list[Vote] = []
    for (holder,) in room.pending(Step.SIGN):
        given.append(_vote(room, policy, holder, votes.POLICY_NAMESPACE, text))
        room.done(Step.SIGN, (holder,))
    serials = [(holder, token.serial) for holder, token in room.tokens.items()]
    told = transcript.birth_text(
        room.nonce, policy, policy_text.digest(text), vault, serials, room.log, room.state.margin
    )
    agreed = [_vote(room, policy, holder, votes.CEREMONY_NAMESPACE, told) for holder in room.tokens]
    signatures = votes.armor(policy, votes.POLICY_NAMESPACE, text, given)
    votes.require(policy, votes.POLICY_NAMESPACE, text, signatures)
    assert room.state.step is Step.BORN
    return Born(
        policy=text,
        signatures=signatures,
        vault=vault_key.render(vault),
        transcript=told,
        transcript_signatures=votes.armor(policy, votes.CEREMONY_NAMESPACE, told, agreed),
        margin=room.state.margin,
    )


def _vote(room: _Room, policy: Policy, number: HolderNumber, namespace: str, text: bytes) -> Vote:
    holder = policy.holder(number)
    assert holder is not None
    return signing_desk.vote(holder, namespace, text, room.opened[number])
