"""A vault key split into SLIP-39 shares and put together again, with every check that the library lacks.

Wrapped: the library calls one share too many an error of counting, a repeated share a missing one, says
that a forged share exists but not whose it is, and takes any passphrase for a right one. So there is no
passphrase here, exactly k shares are combined, and each is compared *alone* with its commitment before.
Not constant-time (nor is the library): only in a short-lived process while the link cannot be live.
Quotes no word of a share, in no error. THREATS 2.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NewType

import shamir_mnemonic
from shamir_mnemonic import shamir

from appliance.custody import quorum as arithmetic
from appliance.format import age_key
from appliance.format.age_key import Entropy

Words = NewType("Words", str)
"""A share: SLIP-39 words in lower case, joined by single spaces. A secret."""

SECRET_BYTES = 32  # bytes; the vault key's seed
WORDS_PER_SHARE = 33  # words; of a 32-byte secret
SHARE_CHARS_MAX = 400  # characters; 33 words of at most 8 letters take 296
ITERATION_EXPONENT = 0  # PBKDF2 rounds only slow down guesses of a passphrase, and there is none
IDENTIFIER_BITS = 15  # bits; SLIP-39
NO_PASSPHRASE = b""


def split(secret: bytes, quorum: int, holders: int, entropy: Entropy) -> tuple[Words, ...]:
    """One share per holder, any k of which are the 32-byte secret. SharingRefused unless 2 <= k < n <= 16."""
    arithmetic.check(quorum, holders)
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret of {len(secret)} bytes, not {SECRET_BYTES}")
    identifier = int.from_bytes(age_key.draw(entropy, 2), "big") >> 16 - IDENTIFIER_BITS
    sealed = shamir_mnemonic.EncryptedMasterSecret.from_master_secret(
        secret, NO_PASSPHRASE, identifier, extendable=True, iteration_exponent=ITERATION_EXPONENT
    )
    with _drawing_from(entropy):
        (group,) = shamir_mnemonic.split_ems(1, [(quorum, holders)], sealed)
    return tuple(Words(share.mnemonic()) for share in group)


def combine(shares: Sequence[Words], quorum: int) -> bytes:
    """The secret of exactly k different shares of one set. ValueError otherwise, without any detail:
    whoever calls has compared each share with its commitment and knows whose is wrong."""
    if len(shares) != quorum or len(set(shares)) != quorum:
        raise ValueError("not exactly k different shares")
    parsed = [_parse(share) for share in shares]
    if any(item.member_threshold != quorum or item.group_count != 1 for item in parsed):
        raise ValueError("shares of another kind of set")
    try:
        secret = bytes(shamir_mnemonic.combine_mnemonics(list(shares), NO_PASSPHRASE))
    except shamir_mnemonic.MnemonicError:
        raise ValueError("the shares do not fit together") from None
    if len(secret) != SECRET_BYTES:
        raise ValueError("shares of a secret of another length")
    return secret


def commitment(share: Words) -> bytes:
    """What the policy keeps of a share: SHA-256 of its words. It cannot be guessed: a share has 256
    random bits."""
    return hashlib.sha256(share.encode("ascii")).digest()


def fits(share: Words, committed: bytes) -> bool:
    """Whether this is the share of the commitment."""
    return hmac.compare_digest(commitment(share), committed)


def read(text: str) -> Words:
    """A share as a person typed it or a token gave it: any white space, any case. ValueError, naming no
    word, unless its checksum is right."""
    if len(text) > SHARE_CHARS_MAX or not text.isascii():
        raise ValueError("too long, or letters that do not occur in shares")
    words = Words(" ".join(text.lower().split()))
    _parse(words)
    return words


def _parse(share: Words) -> shamir_mnemonic.Share:
    try:
        return shamir_mnemonic.Share.from_mnemonic(share)
    except shamir_mnemonic.MnemonicError:
        raise ValueError("a word is wrong, missing or in the wrong place") from None


@contextmanager
def _drawing_from(entropy: Entropy) -> Iterator[None]:
    """The library draws from a module variable, which it names as the place to put another source in.
    One thread only, as everything in a key process."""

    def draw(nbytes: int | None = None) -> bytes:
        assert nbytes is not None  # the library always says how many
        return age_key.draw(entropy, nbytes)

    before = shamir.RANDOM_BYTES
    shamir.RANDOM_BYTES = draw
    try:
        yield
    finally:
        shamir.RANDOM_BYTES = before
