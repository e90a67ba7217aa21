"""The passphrase stanza of age (`scrypt`): how file tokens are locked. FORMAT 2.6.

The work factor is injected: full strength in life, low in tests. Makes no passphrases and asks nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from appliance.errors import AgeFormatError, AgeKeyMismatch
from appliance.format import age_key, base64_text
from appliance.format.age_header import SCRYPT_KIND, Stanza

SALT_LABEL = b"age-encryption.org/v1/scrypt"
SALT_BYTES = 16  # bytes
WORK_FACTOR = 18  # log2 N: 256 MiB and about a second on a laptop; what age itself uses
WORK_FACTOR_READ_MAX = 20  # log2 N: 1 GiB, the most a 2 GB board can spend on a file it did not make
BLOCK_SIZE = 8  # scrypt r; C2SP age
BODY_BYTES = age_key.FILE_KEY_BYTES + 16  # bytes; file key and Poly1305 tag
_DECIMAL = re.compile(r"[1-9][0-9]?")  # no sign, no leading zero; 99 is beyond any limit


class PassphraseLock:
    """Wraps a file key under a passphrase. `entropy` salts it."""

    __slots__ = ("_entropy", "_passphrase", "_work_factor")

    def __init__(
        self, passphrase: str, *, entropy: age_key.Entropy, work_factor: int = WORK_FACTOR
    ) -> None:
        if not passphrase or not 1 <= work_factor <= WORK_FACTOR_READ_MAX:
            raise ValueError(f"an empty passphrase, or a work factor outside 1..{WORK_FACTOR_READ_MAX}")
        self._passphrase = passphrase.encode("utf-8")
        self._entropy = entropy
        self._work_factor = work_factor

    def wrap(self, file_key: age_key.FileKey) -> Stanza:
        """The stanza, which has to stand alone in its header."""
        salt = age_key.draw(self._entropy, SALT_BYTES)
        key = _stretch(self._passphrase, salt, self._work_factor)
        body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
        args = (base64_text.encode_raw(salt), str(self._work_factor))
        return Stanza(kind=SCRYPT_KIND, args=args, body=body)

    def __repr__(self) -> str:
        return f"PassphraseLock(work factor {self._work_factor})"


class PassphraseKey:
    """Opens what a `PassphraseLock` of the same passphrase locked. `work_factor_max` bounds what a
    hostile file can make us compute."""

    __slots__ = ("_passphrase", "_work_factor_max")

    def __init__(self, passphrase: str, *, work_factor_max: int = WORK_FACTOR_READ_MAX) -> None:
        self._passphrase = passphrase.encode("utf-8")
        self._work_factor_max = work_factor_max

    def unwrap(self, stanzas: Sequence[Stanza]) -> age_key.FileKey:
        """AgeFormatError if the stanza is malformed or too costly, AgeKeyMismatch for another
        passphrase or a file without passphrase."""
        for stanza in stanzas:
            if stanza.kind == SCRYPT_KIND:
                return self._open(stanza)
        raise AgeKeyMismatch

    def _open(self, stanza: Stanza) -> age_key.FileKey:
        salt, work_factor = _split(stanza)
        if work_factor > self._work_factor_max:
            raise AgeFormatError(detail=f"work factor {work_factor} is above {self._work_factor_max}")
        key = _stretch(self._passphrase, salt, work_factor)
        try:
            return age_key.FileKey(ChaCha20Poly1305(key).decrypt(bytes(12), stanza.body, None))
        except InvalidTag:
            raise AgeKeyMismatch from None

    def __repr__(self) -> str:
        return "PassphraseKey(secret)"


def _split(stanza: Stanza) -> tuple[bytes, int]:
    """(salt, work factor) of a stanza whose shape is right."""
    if len(stanza.args) != 2:  # noqa: PLR2004 -- the two things that the next line names
        raise AgeFormatError(detail="the passphrase stanza has not exactly a salt and a work factor")
    salt_text, factor_text = stanza.args
    try:
        salt = base64_text.decode_raw(salt_text)
    except ValueError as error:
        raise AgeFormatError(detail=f"the passphrase stanza's salt: {error}") from None
    if len(salt) != SALT_BYTES or len(stanza.body) != BODY_BYTES:
        raise AgeFormatError(detail="the passphrase stanza has the wrong length")
    if not _DECIMAL.fullmatch(factor_text):
        raise AgeFormatError(detail="the passphrase stanza's work factor")
    return salt, int(factor_text)


def _stretch(passphrase: bytes, salt: bytes, work_factor: int) -> bytes:
    return Scrypt(salt=SALT_LABEL + salt, length=32, n=1 << work_factor, r=BLOCK_SIZE, p=1).derive(passphrase)
