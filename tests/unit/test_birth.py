"""Birth: no policy without every share proven from its own token, whoever errs, lies or pulls the plug."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from appliance.adapters.token_file import FileToken
from appliance.custody import birth, share_record, shares, votes
from appliance.custody.birth import Birth, Step
from appliance.custody.share_record import ShareRecord
from appliance.domain.ids import HolderNumber
from appliance.errors import BirthFailed, CustodyError, ShareWrong, SharingRefused, TokenForeign
from appliance.format import age_file
from appliance.format.age_recipient import Identity
from appliance.service import birth as ceremony
from tests import depth
from tests.unit.custody_box import Ceremony

ORDER = list(Step)


def walk(state: Birth, until: Step = Step.BORN) -> Birth:
    while state.step is not until:
        state = birth.advance(state, state.step, state.waiting[0])
    return state


# The table ------------------------------------------------------------------------------------------


def test_every_step_but_the_last_leads_on_to_the_next() -> None:
    assert [after for _acts, after in birth.TABLE.values()] == ORDER[1:]
    assert list(birth.TABLE) == ORDER[:-1]


@pytest.mark.clause("THREATS 2.6")
@pytest.mark.parametrize(("needed", "holders"), [(2, 3), (3, 5), (9, 16)])
def test_a_birth_ends_with_all_holders_proven(needed: int, holders: int) -> None:
    born = walk(birth.begin(needed, holders))
    assert (born.margin.needed, born.margin.exist, born.margin.proven) == (needed, holders, holders)


@pytest.mark.clause("THREATS 2.6")
def test_no_act_can_be_done_out_of_turn_twice_or_by_somebody_else() -> None:
    acts = {act for step in birth.TABLE for act in birth.TABLE[step][0](2, 3)} | {(HolderNumber(4),)}
    state = birth.begin(2, 3)
    while state.step is not Step.BORN:
        for step, act in itertools.product(ORDER, acts):
            if step is not state.step or act not in state.waiting:
                with pytest.raises(BirthFailed):
                    birth.advance(state, step, act)
        state = birth.advance(state, state.step, state.waiting[-1])


@pytest.mark.clause("THREATS 2.6")
def test_without_the_last_holders_proof_the_policy_is_never_written() -> None:
    state = walk(birth.begin(3, 5), Step.PROVE_SHARE)
    for holder in (1, 2, 3, 4):
        state = birth.advance(state, Step.PROVE_SHARE, (HolderNumber(holder),))
    assert state.margin.proven == 4
    for step in (Step.PROVE_QUORUM, Step.WRITE_POLICY, Step.SIGN):
        with pytest.raises(BirthFailed):
            birth.advance(state, step, ())


@pytest.mark.clause("THREATS 2.5")
@pytest.mark.parametrize(("needed", "holders"), [(1, 2), (3, 3), (2, 17)])
def test_a_birth_that_would_protect_nothing_does_not_begin(needed: int, holders: int) -> None:
    with pytest.raises(SharingRefused):
        birth.begin(needed, holders)


# The ceremony ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("needed", "holders"), [(2, 3), (3, 5), (2, 7)])
def test_a_birth_gives_a_policy_that_all_have_signed_and_a_key_that_their_tokens_open(
    tmp_path: Path, needed: int, holders: int
) -> None:
    vault = Ceremony(tmp_path, needed, holders).run()
    assert len(vault.signed.votes) == holders
    assert (vault.born.margin.needed, vault.born.margin.exist, vault.born.margin.proven) == (
        needed,
        holders,
        holders,
    )
    assert vault.policy.quorum == needed
    words = [
        share_record.parse(token.unseal(token.record(1))).words
        for token in vault.tokens(*range(1, needed + 1))
    ]
    identity = Identity.from_seed(shares.combine(words, needed))
    sealed = age_file.encrypt(b"a pack", vault.signed.vault, os.urandom)
    assert age_file.decrypt(sealed, identity) == b"a pack"


def test_the_transcript_tells_who_did_what_under_one_nonce_and_all_sign_it(tmp_path: Path) -> None:
    room = Ceremony(tmp_path, 2, 3)
    vault = room.run()
    lines = vault.born.transcript.decode().splitlines()
    told = [line.removeprefix("done ") for line in lines if line.startswith("done ")]
    assert told == [step.value + (f": {' '.join(map(str, act))}" if act else "") for step, act in room.acts]
    assert len([line for line in lines if line.startswith("nonce ")]) == 1
    assert lines[-1] == "margin 2 needed, 3 exist, 3 proven"
    counted = votes.count(
        vault.policy, votes.CEREMONY_NAMESPACE, vault.born.transcript, vault.born.transcript_signatures
    )
    assert [vote.holder for vote in counted.votes] == [1, 2, 3]


def test_the_policy_is_the_last_file_to_be_placed(tmp_path: Path) -> None:
    names = list(Ceremony(tmp_path, 2, 3).run().born.files())
    assert names[-1] == "policy-1.txt"
    assert {"vault-1.age1pq", "allowed_signers", "birth.txt", "policy-1.3.sig", "birth.3.sig"} < set(names)


# What goes wrong ------------------------------------------------------------------------------------


class Watched(Ceremony):
    """Remembers for what the tokens were asked to sign, and can stop the ceremony after any act."""

    def __init__(self, place: Path, stop_after: int | None = None) -> None:
        super().__init__(place, 2, 3)
        self.stop_after = stop_after
        self.signed: list[str] = []

    def say(self, step: Step, act: birth.Act) -> None:
        super().say(step, act)
        if len(self.acts) == self.stop_after:
            raise KeyboardInterrupt

    def reopen(self, holder: HolderNumber) -> FileToken:
        room, token = self, super().reopen(holder)

        class Listening(FileToken):
            """The same token; it notes the purpose of each signature."""

            def sign(self, namespace: str, message: bytes) -> bytes:
                room.signed.append(namespace)
                return super().sign(namespace, message)

        return Listening(token.folder, lambda: self.passphrases[holder])


def acts_of_a_birth() -> int:
    state, count = birth.begin(2, 3), 0
    while state.step is not Step.BORN:
        state, count = birth.advance(state, state.step, state.waiting[0]), count + 1
    return count


@pytest.mark.clause("THREATS 2.6")
@pytest.mark.parametrize("stop_after", range(1, acts_of_a_birth() + 1, depth.many(3, 1)))
def test_a_birth_that_is_cut_off_after_any_act_leaves_no_policy(tmp_path: Path, stop_after: int) -> None:
    room = Watched(tmp_path, stop_after)
    with pytest.raises(KeyboardInterrupt):
        room.run()
    written = room.acts[-1][0] in (Step.WRITE_POLICY, Step.SIGN)
    assert written or room.signed == []
    assert not list(tmp_path.rglob("policy*"))


def spoil(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """Seal something else to holder 2's token than its share."""
    assert callable(change)
    render = share_record.render

    def other(record: ShareRecord) -> bytes:
        return bytes(change(record)) if record.holder == 2 else render(record)

    monkeypatch.setattr(share_record, "render", other)


@pytest.mark.clause("THREATS 2.6")
@pytest.mark.parametrize(
    "change",
    [lambda _record: b"", lambda record: record.words.encode(), lambda _record: b"x" * 5000],
    ids=range(3),
)
def test_a_share_that_did_not_reach_its_token_whole_stops_the_birth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: object
) -> None:
    spoil(monkeypatch, change)
    room = Watched(tmp_path)
    with pytest.raises(ShareWrong, match="holder 2"):
        room.run()
    assert room.signed == []


@pytest.mark.clause("THREATS 2.6")
def test_a_token_that_forgets_its_share_stops_the_birth(tmp_path: Path) -> None:
    class Forgetful(Watched):
        def reopen(self, holder: HolderNumber) -> FileToken:
            (tmp_path / "holder-3" / "share-1.age").unlink(missing_ok=True)
            return super().reopen(holder)

    room = Forgetful(tmp_path)
    with pytest.raises(CustodyError) as caught:
        room.run()
    assert caught.value.code == "IW-5007"
    assert room.signed == []


@pytest.mark.clause("THREATS 2.6")
def test_a_token_that_was_exchanged_after_its_enrolment_stops_the_birth(tmp_path: Path) -> None:
    other = Ceremony(tmp_path / "other", 2, 3)
    (tmp_path / "other").mkdir()

    class Exchanged(Watched):
        def reopen(self, holder: HolderNumber) -> FileToken:
            proving = self.acts and self.acts[-1][0] in (Step.SEAL, Step.PROVE_SHARE)
            if holder == 2 and proving and len([act for act in self.acts if act[0] is Step.SEAL]) == 3:
                return other.enrol(holder)
            return super().reopen(holder)

    room = Exchanged(tmp_path)
    with pytest.raises(TokenForeign):
        room.run()
    assert room.signed == []


@pytest.mark.clause("THREATS 2.6")
def test_a_canary_that_another_key_was_needed_for_stops_the_birth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Identity.generate(os.urandom).recipient
    encrypt = age_file.encrypt

    def sealed_elsewhere(plaintext: bytes, recipient: object, entropy: object) -> bytes:
        canary = len(plaintext) == ceremony.CANARY_BYTES
        return encrypt(plaintext, stranger if canary else recipient, entropy)  # type: ignore[arg-type]

    monkeypatch.setattr(age_file, "encrypt", sealed_elsewhere)
    room = Watched(tmp_path)
    with pytest.raises(BirthFailed, match="prove that k shares open the vault"):
        room.run()
    assert room.signed == []


@pytest.mark.clause("THREATS 2.6")
def test_tokens_that_share_one_key_are_refused(tmp_path: Path) -> None:
    class Twins(Watched):
        def enrol(self, holder: HolderNumber) -> FileToken:
            token = super().enrol(holder)
            if holder == 2:
                one, two = (tmp_path / f"holder-{number}" for number in (1, 2))
                for name in ("identity.age", "token.txt"):
                    (two / name).write_bytes((one / name).read_bytes().replace(b"holder 1", b"holder 2"))
                self.passphrases[holder] = self.passphrases[HolderNumber(1)]
                token = self.reopen(holder)
            return token

    room = Twins(tmp_path)
    with pytest.raises((CustodyError, Exception), match=r"share one|two signers"):
        room.run()
    assert room.signed == []


@pytest.mark.planted
def test_a_ceremony_that_skips_the_proofs_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "_prove_shares", lambda _room, _policy, made: made)
    with pytest.raises(AssertionError):  # the table still waits for them
        Ceremony(tmp_path, 2, 3).run()


@pytest.mark.planted
def test_a_table_that_leads_past_the_proofs_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(birth.TABLE, Step.SEAL, (birth.TABLE[Step.SEAL][0], Step.WRITE_POLICY))
    with pytest.raises(AssertionError):
        test_every_step_but_the_last_leads_on_to_the_next()
    with pytest.raises(AssertionError):
        test_a_birth_ends_with_all_holders_proven(2, 3)
    assert not list(tmp_path.iterdir())
