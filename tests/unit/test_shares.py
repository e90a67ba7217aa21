"""The vault key in shares: every k of them are the key, fewer are nothing, a bad one is never combined."""

from __future__ import annotations

import hashlib
import itertools
import os
import random

import pytest
import shamir_mnemonic
from hypothesis import given
from hypothesis import strategies as st

from appliance.custody import quorum, share_record, shares
from appliance.custody.share_record import ShareRecord
from appliance.custody.shares import Words
from appliance.domain.ids import HolderNumber, VaultId
from appliance.errors import SharingRefused

SECRET = bytes(range(32))
SET = shares.split(SECRET, 3, 5, os.urandom)


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.3")
@pytest.mark.parametrize("chosen", list(itertools.combinations(range(5), 3)), ids=str)
def test_every_three_of_five_shares_are_the_key_in_any_order(chosen: tuple[int, ...]) -> None:
    for order in itertools.permutations(chosen):
        assert shares.combine([SET[index] for index in order], 3) == SECRET


@pytest.mark.clause("THREATS 2.3")
@given(st.data())
def test_every_sharing_that_is_allowed_gives_the_key_back(data: st.DataObject) -> None:
    holders = data.draw(st.integers(3, 16))
    needed = data.draw(st.integers(2, holders - 1))
    secret = data.draw(st.binary(min_size=32, max_size=32))
    made = shares.split(secret, needed, holders, os.urandom)
    assert len(set(made)) == holders
    assert {len(words.split()) for words in made} == {shares.WORDS_PER_SHARE}
    chosen = data.draw(st.permutations(made))[:needed]
    assert shares.combine(chosen, needed) == secret


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.2")
@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_k_shares_are_refused_also_when_they_claim_a_lower_threshold(count: int) -> None:
    for chosen in itertools.combinations(SET, count):
        for claimed in (3, max(count, 1)):
            with pytest.raises(ValueError, match="shares"):
                shares.combine(chosen, claimed)


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.2")
def test_two_shares_with_their_threshold_rewritten_do_not_give_the_key() -> None:
    """A liar with k-1 shares writes "2 needed" into them, with right checksums."""
    forged = []
    for words in SET[:2]:
        share = shamir_mnemonic.Share.from_mnemonic(words)
        fields = {name: getattr(share, name) for name in share.__dataclass_fields__} | {"member_threshold": 2}
        forged.append(Words(shamir_mnemonic.Share(**fields).mnemonic()))
    assert not any(shares.fits(words, shares.commitment(real)) for words in forged for real in SET)
    with pytest.raises(ValueError, match="shares"):
        shares.combine(forged, 2)


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.2")
def test_with_two_shares_known_every_key_is_still_possible() -> None:
    """Shamir's promise, seen in the numbers: for two fixed shares each third value gives another key."""
    known = [shamir_mnemonic.Share.from_mnemonic(words) for words in SET[:2]]
    points = [(share.index, share.value[0]) for share in known]
    keys = {interpolated([*points, (4, guess)], 255) for guess in range(256)}
    assert len(keys) == 256


def interpolated(points: list[tuple[int, int]], x: int) -> int:
    """Lagrange over GF(256), written again here from the definition."""
    total = 0
    for index, value in points:
        term = value
        for other, _value in points:
            if other != index:
                term = multiply(term, multiply(x ^ other, inverse(index ^ other)))
        total ^= term
    return total


def multiply(one: int, two: int) -> int:
    product = 0
    while two:
        product ^= one if two & 1 else 0
        one = one << 1 ^ (0x11B if one & 0x80 else 0)
        two >>= 1
    return product


def inverse(value: int) -> int:
    return next(other for other in range(256) if multiply(value, other) == 1)


@pytest.mark.clause("FORMAT 10.1")
@pytest.mark.clause("THREATS 2.4")
def test_one_share_too_many_and_one_share_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly k"):
        shares.combine(SET[:4], 3)
    with pytest.raises(ValueError, match="exactly k"):
        shares.combine([SET[0], SET[0], SET[1]], 3)


def test_shares_of_two_sets_of_one_key_do_not_mix() -> None:
    other = shares.split(SECRET, 3, 5, os.urandom)
    with pytest.raises(ValueError, match="fit"):
        shares.combine([*SET[:2], other[2]], 3)


@pytest.mark.clause("THREATS 2.5")
@pytest.mark.parametrize(("needed", "holders"), [(1, 3), (3, 3), (0, 3), (4, 3), (2, 17), (1, 1), (2, 2)])
def test_a_sharing_that_protects_nothing_is_refused(needed: int, holders: int) -> None:
    with pytest.raises(SharingRefused) as caught:
        shares.split(SECRET, needed, holders, os.urandom)
    assert (caught.value.code, caught.value.exit_status) == ("IW-5011", 2)


@pytest.mark.clause("FORMAT 10.1")
@pytest.mark.clause("THREATS 2.4")
def test_a_commitment_fits_its_own_share_only() -> None:
    commitments = [shares.commitment(words) for words in SET]
    for (one, words), (two, committed) in itertools.product(enumerate(SET), enumerate(commitments)):
        assert shares.fits(words, committed) == (one == two)
    assert commitments[0] == hashlib.sha256(" ".join(SET[0].split()).encode()).digest()


def test_a_share_is_read_as_people_type_it() -> None:
    assert shares.read("  " + SET[0].upper().replace(" ", "\n\t") + "\n") == SET[0]


@pytest.mark.clause("THREATS 2.8")
def test_a_mistyped_share_is_refused_and_no_word_of_it_is_quoted() -> None:
    words = SET[0].split()
    chance = random.Random(5)
    for _ in range(200):
        typed = list(words)
        place = chance.randrange(len(typed))
        typed[place] = chance.choice([word for word in words if word != typed[place]])
        with pytest.raises(ValueError, match="a word is wrong") as caught:
            shares.read(" ".join(typed))
        assert not set(str(caught.value).split()) & (set(words) - {"a", "in", "or", "the"})
    for text in ("", "xyzzy", SET[0] + " academic", "あ" * 33, "a" * 10_000):
        with pytest.raises(ValueError, match=r"wrong|long"):
            shares.read(text)


def test_a_share_is_made_of_the_entropy_that_is_given_and_the_library_is_left_as_it_was() -> None:
    before = shamir_mnemonic.shamir.RANDOM_BYTES
    one = shares.split(SECRET, 2, 3, random.Random(7).randbytes)
    assert one == shares.split(SECRET, 2, 3, random.Random(7).randbytes)
    assert one != shares.split(SECRET, 2, 3, random.Random(8).randbytes)
    assert shamir_mnemonic.shamir.RANDOM_BYTES is before
    with pytest.raises(ValueError, match="entropy"):
        shares.split(SECRET, 2, 3, lambda _length: b"")


RECORD = ShareRecord(vault_id=VaultId(b"v" * 16), generation=1, holder=HolderNumber(3), words=SET[2])


def test_a_share_record_is_read_as_it_was_written() -> None:
    assert share_record.parse(share_record.render(RECORD)) == RECORD


@pytest.mark.clause("FORMAT 10.2")
@pytest.mark.clause("THREATS 2.8")
def test_no_flipped_bit_of_a_share_record_goes_unseen_and_nothing_of_it_is_shown() -> None:
    text = share_record.render(RECORD)
    assert SET[2].split()[5] not in repr(RECORD)
    for place in range(0, len(text) * 8, 7):
        changed = bytearray(text)
        changed[place // 8] ^= 1 << place % 8
        try:
            assert share_record.parse(bytes(changed)) != RECORD
        except ValueError as error:
            assert SET[2][-20:] not in str(error)  # noqa: PT017 -- either outcome is right, silence is not


@pytest.mark.parametrize(("needed", "holders"), [(2, 3), (3, 5), (8, 16), (15, 16), (2, 16)])
def test_the_subsets_that_prove_a_birth_have_k_members_and_take_in_everybody(
    needed: int, holders: int
) -> None:
    everybody = [HolderNumber(number) for number in range(1, holders + 1)]
    subsets = quorum.subsets_to_prove(needed, everybody)
    assert len(set(subsets)) == len(subsets) <= quorum.ALL_SUBSETS_MAX + holders
    assert {len(set(subset)) for subset in subsets} == {needed}
    assert {holder for subset in subsets for holder in subset} == set(everybody)


def first_bytes(count: int) -> set[int]:
    """What the first share of one and the same key begins with, over many splits."""
    first = (shares.split(SECRET, 3, 5, os.urandom)[0] for _ in range(count))
    return {shamir_mnemonic.Share.from_mnemonic(words).value[0] for words in first}


@pytest.mark.invariant("I12")
@pytest.mark.clause("THREATS 2.2")
def test_a_single_share_of_one_key_is_different_at_every_split() -> None:
    assert len(first_bytes(60)) > 30  # of 256 values; 53 are expected


@pytest.mark.planted
@pytest.mark.invariant("I12")
def test_a_splitter_that_repeats_the_key_in_every_share_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def constant(_threshold: int, count: int, secret: bytes) -> list[shamir_mnemonic.shamir.RawShare]:
        return [shamir_mnemonic.shamir.RawShare(index, secret) for index in range(count)]

    monkeypatch.setattr(shamir_mnemonic.shamir, "_split_secret", constant)
    assert len(first_bytes(60)) == 1
