"""C2SP signed notes: a text, an empty line, one line per signature. FORMAT 9.4.

Strict both ways and unaware of keys: `note_key` makes and checks the signatures, `checkpoint` gives the
text its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import SignatureMalformed
from appliance.format import base64_text

SEPARATOR = "\n\n"
DASH = "— "  # em dash and space begin every signature line
KEY_ID_BYTES = 4  # bytes
NOTE_BYTES_MAX = 64 * 1024  # bytes; a checkpoint with a signature of every holder has less than 4 KiB
SIGNATURES_MAX = 32  # lines; log key, witness and 16 holders, doubled


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLine:
    """`name` of the key, its 4-byte `key_id`, and what the key's kind puts after it."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        if not is_name(self.name) or len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise SignatureMalformed(detail="a signature line of a note")

    def encode(self) -> str:
        return f"{DASH}{self.name} {base64_text.encode(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """`text` ends with a line feed. Lines are kept in the order in which they were added."""

    text: str
    signatures: tuple[SignatureLine, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or not _is_text(self.text):
            raise SignatureMalformed(detail="a note's text has control characters or no line end")
        if len(self.signatures) > SIGNATURES_MAX:
            raise SignatureMalformed(detail=f"{len(self.signatures)} signatures on one note")

    def with_signature(self, line: SignatureLine) -> Note:
        """The note with one more signature line; an equal line is not added twice."""
        if line in self.signatures:
            return self
        return Note(text=self.text, signatures=(*self.signatures, line))

    def encode(self) -> bytes:
        """Text, empty line, at least one signature line. SignatureMalformed without any."""
        if not self.signatures:
            raise SignatureMalformed(detail="a note without a signature")
        return (self.text + "\n" + "".join(line.encode() for line in self.signatures)).encode("utf-8")


def parse(data: bytes) -> Note:
    """Inverse of `Note.encode`, nothing verified. SignatureMalformed for any other bytes."""
    if len(data) > NOTE_BYTES_MAX:
        raise SignatureMalformed(detail=f"a note of {len(data)} bytes")
    try:
        document = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureMalformed(detail="a note that is not UTF-8") from None
    text, separator, lines = document.rpartition(SEPARATOR)
    if not separator or not lines.endswith("\n"):
        raise SignatureMalformed(detail="a note without signature lines, or cut off")
    return Note(text=text + "\n", signatures=tuple(_parse_line(line) for line in lines[:-1].split("\n")))


def is_name(name: str) -> bool:
    """A key's name: at least one character, no white space, no control character, no plus sign."""
    return bool(name) and "+" not in name and _is_text(name) and not any(letter.isspace() for letter in name)


def _is_text(text: str) -> bool:
    return all(letter == "\n" or letter >= " " for letter in text) and _is_encodable(text)


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _parse_line(line: str) -> SignatureLine:
    name, separator, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not separator:
        raise SignatureMalformed(detail="a signature line of a note")
    try:
        blob = base64_text.decode(encoded)
    except ValueError as error:
        raise SignatureMalformed(detail=f"a signature line of a note: {error}") from None
    return SignatureLine(name=name, key_id=blob[:KEY_ID_BYTES], signature=blob[KEY_ID_BYTES:])
