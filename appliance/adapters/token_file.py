"""A holder's token as a folder of files: the pilot's and CI's kind of token (40-custody).

    token.txt             what it is, for anybody
    identity.age          its two secret keys under a generated passphrase
    share-<g>.age         share of generation g, sealed to its recipient
    passphrase.txt        only on the emulated board, where a script plays the holder

A copied folder without the passphrase is worth 80 bits of guessing; with it, one share and one vote.
Counts no attempts: a folder can be copied, so a counter would be theatre. Translates every library
error into a 50xx one. What it reads is hostile: no links, no devices, no more than a few KiB.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from appliance.adapters import noreplace, small_file
from appliance.custody import passphrase as words
from appliance.custody import token_text
from appliance.custody.token_text import Description, TokenKeys
from appliance.domain.ids import HolderNumber
from appliance.errors import (
    AgeFormatError,
    AgeKeyMismatch,
    PassphraseMissing,
    PassphraseWrong,
    ShareRecordDamaged,
    ShareRecordMissing,
    TokenDamaged,
    TokenMissing,
)
from appliance.format import age_file, age_key, age_passphrase, sshsig
from appliance.format.age_passphrase import PassphraseKey, PassphraseLock
from appliance.format.age_recipient import Identity

WORK_FACTOR = age_passphrase.WORK_FACTOR  # log2 N; in life a holder waits a second, once per ceremony
WORK_FACTOR_EMULATED = 15
"""log2 N; 32 MiB, 0.1 s. On the emulated board the passphrase lies beside the token, so no work factor
protects anything; `init` opens five tokens twice and should take seconds. The 80 bits stay."""

DESCRIPTION, KEYS, PASSPHRASE = "token.txt", "identity.age", "passphrase.txt"
KIND = "file"
FILE_BYTES_MAX = 16 * 1024  # bytes; the largest, identity.age, has some 2.5 KiB


def enrol(
    folder: str,
    holder: HolderNumber,
    *,
    passphrase: str,
    entropy: age_key.Entropy,
    work_factor: int = WORK_FACTOR,
) -> FileToken:
    """Make a new token in a folder that does not exist yet. FileExistsError if it does."""
    keys = TokenKeys(
        serial=age_key.draw(entropy, token_text.SERIAL_BYTES),
        unseal=Identity.generate(entropy),
        signing_seed=age_key.draw(entropy, token_text.SIGNING_SEED_BYTES),
    )
    description = Description(
        kind=KIND, serial=keys.serial, holder=holder, recipient=keys.unseal.recipient, ssh=keys.ssh()
    )
    lock = PassphraseLock(passphrase, entropy=entropy, work_factor=work_factor)
    os.mkdir(folder, 0o700)
    _write(folder, KEYS, age_file.encrypt(token_text.render_keys(keys), lock, entropy))
    # The description comes last: without it the folder is no token, so a half-made one is never taken.
    _write(folder, DESCRIPTION, token_text.render_description(description))
    return FileToken(folder, lambda: passphrase)


def leave_passphrase(folder: str, passphrase: str) -> None:
    """Put the passphrase beside its token. For the emulated board only: there a script plays the holder."""
    _write(folder, PASSPHRASE, passphrase.encode("ascii") + b"\n")


def passphrase_beside(folder: str) -> str | None:
    """The passphrase that lies beside a token of the emulated board, if one does."""
    try:
        text = _read(folder, PASSPHRASE)
        return words.read(text.decode("ascii"))
    except (OSError, ValueError):
        return None


def has_passphrase_beside(folder: str) -> bool:
    """Whether its holder need not be asked. Reads no secret."""
    return os.path.lexists(os.path.join(folder, PASSPHRASE))


class FileToken:
    """ports.Token over a folder. `ask` gives the passphrase when it is first needed (None: there is
    nobody to ask) and is not called twice. Keys stay in memory until the object is gone."""

    def __init__(self, folder: str, ask: Callable[[], str | None] | None = None) -> None:
        """TokenMissing if there is no token; TokenDamaged if it cannot be read."""
        self.folder = folder
        self._ask = ask if ask is not None else lambda: passphrase_beside(folder)
        self._keys: TokenKeys | None = None
        self._description = _describe(folder)

    @property
    def holder(self) -> HolderNumber:
        return self._description.holder

    def describe(self) -> dict[str, str]:
        return self._description.fields()

    def record(self, generation: int) -> bytes:
        """ShareRecordMissing if it holds none of this generation."""
        try:
            return _read(self.folder, _share_name(generation))
        except FileNotFoundError:
            raise ShareRecordMissing(holder=self.holder, generation=generation) from None
        except (OSError, ValueError) as error:
            raise ShareRecordDamaged(holder=self.holder, detail=_reason(error)) from None

    def keep(self, generation: int, record: bytes) -> None:
        """TokenDamaged if the medium does not take it or holds another share of this generation."""
        try:
            _write(self.folder, _share_name(generation), record)
        except OSError as error:
            raise TokenDamaged(holder=self.holder, detail=_reason(error)) from None

    def unseal(self, record: bytes) -> bytes:
        """ShareRecordDamaged if it was changed or was sealed to another token."""
        keys = self._opened()
        try:
            return age_file.decrypt(record, keys.unseal)
        except AgeKeyMismatch:
            raise ShareRecordDamaged(holder=self.holder, detail="it was sealed to another token") from None
        except AgeFormatError as error:
            raise ShareRecordDamaged(holder=self.holder, detail=error.what.format(**error.values)) from None

    def sign(self, namespace: str, message: bytes) -> bytes:
        return self._opened().signer().sign(sshsig.to_be_signed(message, namespace))

    def _opened(self) -> TokenKeys:
        if self._keys is None:
            self._keys = self._open()
        return self._keys

    def _open(self) -> TokenKeys:
        answer = self._ask()
        if not answer:
            raise PassphraseMissing(holder=self.holder)
        if not answer.isascii():
            raise PassphraseWrong(holder=self.holder)
        try:
            sealed = _read(self.folder, KEYS)
            keys = token_text.parse_keys(age_file.decrypt(sealed, PassphraseKey(words.read(answer))))
        except AgeKeyMismatch:
            raise PassphraseWrong(holder=self.holder) from None
        except AgeFormatError as error:
            raise TokenDamaged(holder=self.holder, detail=error.what.format(**error.values)) from None
        except (OSError, ValueError) as error:
            raise TokenDamaged(holder=self.holder, detail=_reason(error)) from None
        told = self._description
        if (keys.serial, keys.unseal.recipient, keys.ssh()) != (told.serial, told.recipient, told.ssh):
            raise TokenDamaged(holder=self.holder, detail=f"{DESCRIPTION} describes other keys than it holds")
        return keys

    def __repr__(self) -> str:
        return f"FileToken(holder {self.holder})"


def _describe(folder: str) -> Description:
    try:
        description = token_text.parse_description(_read(folder, DESCRIPTION))
        if description.kind != KIND:
            raise ValueError(f"{DESCRIPTION} is of another kind of token")
        return description
    except (FileNotFoundError, NotADirectoryError):
        raise TokenMissing(token=folder) from None
    except (OSError, ValueError) as error:
        raise TokenDamaged(holder=f"({folder})", detail=_reason(error)) from None


def _share_name(generation: int) -> str:
    return f"share-{generation}.age"


def _reason(error: Exception) -> str:
    """What to tell of an error: never a line of a secret text, which our parsers do not quote either."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _read(folder: str, name: str) -> bytes:
    """A small regular file. ValueError for anything else: a FIFO would hang us, a link lead astray."""
    return small_file.read(os.path.join(folder, name), FILE_BYTES_MAX)


def _write(folder: str, name: str, content: bytes) -> None:
    """A new file, whole or not at all, there after a power cut. FileExistsError if the name is taken."""
    temporary = f".{name}.new"
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Truncating is right here: such a name is left by a try that was cut off, never a part of the token.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=directory)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        noreplace.rename(directory, temporary, name)
        os.fsync(directory)
    finally:
        os.close(directory)
