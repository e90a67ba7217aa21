"""The text header of an age v1 file: stanzas and MAC, written and read. FORMAT 2.3.

Strict in both directions: what is accepted is exactly what the writer would write. Knows no recipient
type, needs no key to parse, reads nothing beyond the header.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.errors import AgeFormatError, AgeHeaderForged
from appliance.format import age_key, base64_text

VERSION_LINE = b"age-encryption.org/v1\n"
HEADER_BYTES_MAX = 64 * 1024  # bytes; 40 post-quantum recipients, and never more memory for a hostile file
STANZAS_MAX = 64  # stanzas; ours have one, the public vectors at most a handful
BODY_LINE_CHARS = 64  # characters; C2SP age: a shorter line ends the body
MAC_BYTES = 32  # bytes; HMAC-SHA-256
MAC_CHARS = 43  # characters; 32 bytes in Base64 without padding
NONCE_BYTES = 16  # bytes; follows the header, salts the payload's key
SCRYPT_KIND = "scrypt"  # such a stanza stands alone, or one reader could be told two passphrases


@dataclass(frozen=True, slots=True, kw_only=True)
class Stanza:
    """One recipient's wrapped file key. `kind` is the first argument of the line, `args` the others."""

    kind: str
    args: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`authenticated` are the bytes under the MAC; the payload (nonce, then chunks) begins at
    `payload_offset` bytes from the file's start."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    authenticated: bytes
    payload_offset: int

    @property
    def chunks_offset(self) -> int:
        """Bytes from the file's start to the first sealed chunk."""
        return self.payload_offset + NONCE_BYTES


def marshal(stanzas: Sequence[Stanza], file_key: age_key.FileKey) -> bytes:
    """The whole header, MAC line included."""
    authenticated = VERSION_LINE + b"".join(_marshal_stanza(stanza) for stanza in stanzas) + b"---"
    mac = _mac(authenticated, file_key)
    return authenticated + b" " + base64_text.encode_raw(mac).encode("ascii") + b"\n"


def parse(prefix: bytes | bytearray | memoryview) -> Header:
    """The header at the start of `prefix`, which may hold more. No key is needed and nothing is
    authenticated yet. AgeFormatError for anything but the strict grammar."""
    cursor = _Cursor(bytes(prefix[:HEADER_BYTES_MAX]))
    if cursor.line() != VERSION_LINE[:-1]:
        raise AgeFormatError(detail="it does not begin with the age v1 line")
    stanzas: list[Stanza] = []
    while not cursor.at_end_mark():
        if len(stanzas) == STANZAS_MAX:
            raise AgeFormatError(detail="too many stanzas")
        stanzas.append(_parse_stanza(cursor))
    if not stanzas:
        raise AgeFormatError(detail="no stanza")
    if len(stanzas) > 1 and any(stanza.kind == SCRYPT_KIND for stanza in stanzas):
        raise AgeFormatError(detail="a passphrase stanza does not stand alone")
    authenticated = cursor.seen() + b"---"
    mac = _parse_mac(cursor.line())
    return Header(
        stanzas=tuple(stanzas), mac=mac, authenticated=authenticated, payload_offset=len(cursor.seen())
    )


def authenticate(header: Header, file_key: age_key.FileKey) -> None:
    """AgeHeaderForged unless the MAC was made with this file key over exactly these bytes."""
    if not hmac.compare_digest(header.mac, _mac(header.authenticated, file_key)):
        raise AgeHeaderForged


def _mac(authenticated: bytes, file_key: age_key.FileKey) -> bytes:
    return hmac.digest(age_key.header_key(file_key), authenticated, "sha256")


def _marshal_stanza(stanza: Stanza) -> bytes:
    words = (stanza.kind, *stanza.args)
    if not all(_is_argument(word) for word in words):
        raise ValueError("an argument of a stanza is empty or not printable ASCII")
    text = base64_text.encode_raw(stanza.body)
    # A body that fills its last line is followed by an empty one: only a short line ends a body.
    lines = [text[start : start + BODY_LINE_CHARS] for start in range(0, len(text) + 1, BODY_LINE_CHARS)]
    return "\n".join([" ".join(("->", *words)), *lines, ""]).encode("ascii")


def _parse_stanza(cursor: _Cursor) -> Stanza:
    words = cursor.line().decode("ascii", "replace").split(" ")
    if words[0] != "->" or not words[1:] or not all(_is_argument(word) for word in words[1:]):
        raise AgeFormatError(detail="a stanza's first line")
    lines: list[str] = []
    while not lines or len(lines[-1]) == BODY_LINE_CHARS:
        lines.append(cursor.line().decode("ascii", "replace"))
    if len(lines[-1]) > BODY_LINE_CHARS:
        raise AgeFormatError(detail="a stanza's body has a line of more than 64 characters")
    return Stanza(kind=words[1], args=tuple(words[2:]), body=_decode("a stanza's body", "".join(lines)))


def _parse_mac(line: bytes) -> bytes:
    text = line.decode("ascii", "replace")
    if not text.startswith("--- ") or len(text) != len("--- ") + MAC_CHARS:
        raise AgeFormatError(detail="the line of the MAC")
    return _decode("the MAC", text.removeprefix("--- "))


def _is_argument(word: str) -> bool:
    return bool(word) and all("!" <= letter <= "~" for letter in word)


def _decode(where: str, text: str) -> bytes:
    try:
        return base64_text.decode_raw(text)
    except ValueError as error:
        raise AgeFormatError(detail=f"{where}: {error}") from None


class _Cursor:
    """Walks over complete LF-ended lines."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def line(self) -> bytes:
        end = self._data.find(b"\n", self._position)
        if end < 0:
            raise AgeFormatError(detail=f"the header does not end within {len(self._data)} bytes")
        line = self._data[self._position : end]
        self._position = end + 1
        return line

    def at_end_mark(self) -> bool:
        return self._data.startswith(b"---", self._position)

    def seen(self) -> bytes:
        return self._data[: self._position]
