"""Generated passphrases for file tokens: words that nobody chose. Entropy is injected.

A person's own passphrase would protect a copied stick for minutes, so none is ever asked for.
"""

from __future__ import annotations

from shamir_mnemonic import wordlist

from appliance.format import age_key
from appliance.format.age_key import Entropy

WORDS = 8  # words; 80 bits, out of reach for a thief even at the emulated board's work factor
BITS_PER_WORD = 10  # bits; the SLIP-39 list has 1024 words, told apart by their first four letters
BITS = WORDS * BITS_PER_WORD
SEPARATOR = "-"
PASSPHRASE_CHARS_MAX = 200  # characters; 8 words of at most 8 letters take 71


def generate(entropy: Entropy) -> str:
    """`word-word-…`, uniform over 2^80."""
    number = int.from_bytes(age_key.draw(entropy, BITS // 8), "big")
    indices = [number >> BITS_PER_WORD * place & (1 << BITS_PER_WORD) - 1 for place in range(WORDS)]
    return SEPARATOR.join(wordlist.words_from_indices(indices))


def read(text: str) -> str:
    """As it was generated, from what a person typed: any case, spaces or hyphens between the words."""
    return SEPARATOR.join(text[:PASSPHRASE_CHARS_MAX].lower().replace(SEPARATOR, " ").split())
