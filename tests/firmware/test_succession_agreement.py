"""Two judges of the next policy that share no code, the controller's and the interlock's, never disagree.

Generated successors, honest and hostile: other people, quorums, keys of both kinds, versions, hashes, vaults,
generations, damaged lines, and signatures that are missing, doubled, forged, of other texts and purposes.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.custody import policy as policy_text
from appliance.custody import policy_succession
from appliance.custody.policy_succession import ENTERING, Rule, Unfit
from appliance.errors import PolicyInvalid
from firmware.model import policy_lines, sshsig, succession
from firmware.model.state import State, Upload
from firmware.wire.codes import Cause, UploadKind
from tests.depth import many
from tests.firmware import box as firmware_box
from tests.firmware.box import KEYS, Box

CAUSES = {
    Rule.MALFORMED: Cause.POLICY_MALFORMED,
    Rule.FOREIGN: Cause.POLICY_FOREIGN,
    Rule.NOT_NEXT: Cause.POLICY_NOT_NEXT,
    Rule.WITNESS: Cause.POLICY_WITNESS,
    Rule.GENERATION: Cause.POLICY_GENERATION,
    Rule.SIGNER_UNKNOWN: Cause.SIGNER_UNKNOWN,
    Rule.SIGNER_TWICE: Cause.SIGNER_TWICE,
    Rule.SIGNATURE_BAD: Cause.SIGNATURE_BAD,
    Rule.SIGNATURES_MISSING: Cause.SIGNATURES_MISSING,
    Rule.ENTERING_MISSING: Cause.ENTERING_MISSING,
}
Signer = tuple[str, str, Callable[[bytes], bytes]]
"""Kind and Base64 of the public key, and what signs."""
Case = tuple[bytes, list[tuple[int, bytes]]]


def soft(key: Ed25519PrivateKey) -> Signer:
    return "ssh-ed25519", firmware_box.public(key), key.sign


def hard(number: int) -> Signer:
    """A P-256 key, as on a PIV card."""
    key = ec.derive_private_key(number + 2, ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(blob: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(blob, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return "ecdsa-sha2-nistp256", base64.b64encode(point).decode(), sign


PEOPLE = [*map(soft, KEYS[:6]), *map(hard, range(4))]
OLD = [PEOPLE[n] for n in (0, 1, 2, 6, 7)]


def text_of(people: list[Signer], quorum: int, **said: object) -> bytes:
    """A policy of these people."""
    shell = firmware_box.policy_text(holders=KEYS[: len(people)], quorum=quorum, **said)  # type: ignore[arg-type]
    lines = shell.decode().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("holder "))
    for number, (kind, key, _) in enumerate(people):
        seen = hashlib.sha256(key.encode()).hexdigest()
        digests = f"unseal=sha256:{seen} share=sha256:{seen}"
        lines[first + number] = f"holder {number + 1} ssh={kind}:{key} {digests}"
    return ("\n".join(lines) + "\n").encode()


FIRST = text_of(OLD, 3)


@pytest.fixture(scope="module")
def state() -> State:
    """A box where FIRST is in force."""
    box = Box()
    box.ready()
    old = box.state.fram.policy
    assert old is not None
    facts, _ = policy_lines.read(FIRST)
    return replace(box.state, fram=replace(box.state.fram, policies=(facts,)))


def successor(chance: random.Random) -> tuple[bytes, list[Signer]]:
    """The next policy's text, mostly one that could follow, and whom it names."""
    people = list(OLD)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        fresh = [one for one in PEOPLE if one not in people]
        people[chance.randrange(len(people))] = chance.choice(fresh)
    if chance.random() < 0.2:
        people = people[: chance.choice((3, 4))]
    digest = hashlib.sha256(FIRST).digest()
    said: dict[str, object] = {"version": 2, "previous": digest, "delay": f"{chance.randrange(1, 99)}h"}
    spoilt = chance.random()
    if spoilt < 0.04:
        said["version"] = chance.choice((1, 3))
    elif spoilt < 0.08:
        said["previous"] = bytes(32)
    elif spoilt < 0.12:
        said["generations"] = [f"generation 1 vault=sha256:{'ce' * 32}"]
    elif spoilt < 0.16:
        said["generations"] = [f"generation {n} vault=sha256:{n:064x}" for n in (1, 2)]
    text = text_of(people, min(chance.choice((2, 3, 3, 4)), len(people) - 1), **said)
    return (damaged(chance, text) if spoilt > 0.88 else text), people


def damaged(chance: random.Random, text: bytes) -> bytes:
    """Another vault, another witness, or any byte."""
    lines = text.split(b"\n")
    way = chance.randrange(4)
    if way == 0:
        return text.replace(firmware_box.VAULT_ID.hex().encode(), b"ab" * 16)
    if way == 1:
        other = firmware_box.public(KEYS[20]).encode()
        place = next(n for n, line in enumerate(lines) if line.startswith(b"witness "))
        lines[place] = b"witness ed25519:" + other
        return b"\n".join(lines)
    spoilt = bytearray(text)
    spoilt[chance.randrange(len(text))] ^= 1 << chance.randrange(7)
    return bytes(spoilt)


def ballots(chance: random.Random, text: bytes, people: list[Signer]) -> list[tuple[int, bytes]]:
    """Whoever may sign, less or more than is needed, and now and then something that is no vote."""
    blob = sshsig.blob(b"iwato-policy@v1", text)
    voters = [(n, one) for n, one in enumerate(OLD, start=1)]
    voters += [(ENTERING | n, one) for n, one in enumerate(people, start=1) if one not in OLD]
    if chance.random() < 0.5:
        voters = [one for one in voters if chance.random() < 0.8]
    given = [(n, sign(blob)) for n, (_, _, sign) in voters]
    if given and chance.random() < 0.35:
        place = chance.randrange(len(given))
        number, raw = given[place]
        other = sshsig.blob(b"iwato-policy-veto@v1", text)
        given[place] = chance.choice(
            [
                (number, bytes([raw[0] ^ 1]) + raw[1:]),
                (chance.choice((0, 6, 127, ENTERING, ENTERING | 9)), raw),
                given[0],
                (number, OLD[0][2](other)),
                (number, OLD[0][2](sshsig.blob(b"iwato-policy@v1", text + b" "))),
                (ENTERING | chance.randrange(1, 6), raw),
            ]
        )
    chance.shuffle(given)
    return given


def cases(count: int, seed: int = 1) -> list[Case]:
    chance = random.Random(seed)
    made = [successor(chance) for _ in range(count)]
    return [(text, ballots(chance, text, people)) for text, people in made]


def interlock_says(state: State, case: Case) -> Cause:
    text, given = case
    upload = Upload(kind=UploadKind.POLICY, length=len(text), text=text, signatures=tuple(given))
    found = succession.successor(state, upload)
    return found if isinstance(found, Cause) else Cause.NONE


def controller_says(case: Case) -> Cause:
    old = policy_text.parse(FIRST)
    try:
        policy_succession.judge(old, policy_text.digest(FIRST), *case)
    except Unfit as unfit:
        return CAUSES[unfit.rule]
    return Cause.NONE


def left_to_us(text: bytes) -> bool:
    """The interlock does not look whether an Ed25519 key is a point: nobody can sign with it."""
    try:
        policy_text.parse(text)
    except PolicyInvalid as error:
        return "a key is no Ed25519 key" in str(error)
    return False


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 3.9")
@pytest.mark.clause("PROTOCOL 12.2")
def test_both_judges_say_the_same_of_every_successor_and_name_the_same_reason(state: State) -> None:
    verdicts: Counter[Cause] = Counter()
    for case in cases(many(250, 4000)):
        ours, theirs = controller_says(case), interlock_says(state, case)
        assert ours is theirs or left_to_us(case[0]), case
        verdicts[ours] += 1
    assert verdicts[Cause.NONE] > 20, "a generator that makes nothing good shows nothing"
    assert set(CAUSES.values()) <= set(verdicts), "a reason that was never met"


@pytest.mark.planted
@pytest.mark.invariant("I13")
@pytest.mark.parametrize("bug", ["nobody proves a new key", "one old holder less", "any signature"])
def test_a_judge_with_one_rule_less_is_caught(
    state: State, bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bug == "nobody proves a new key":
        monkeypatch.setattr(policy_succession, "entering", lambda _old, _new: [])
    elif bug == "any signature":
        monkeypatch.setattr(policy_succession, "_signed", lambda _holder, _text, _raw: True)
    else:
        numbers = policy_succession._numbers
        monkeypatch.setattr(
            policy_succession, "_numbers", lambda policy, keys: (*numbers(policy, keys), 99)
        )
    found = cases(many(250, 1000))
    assert any(controller_says(case) is not interlock_says(state, case) for case in found)
