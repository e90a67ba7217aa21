r"""Names from outside, made safe for a terminal. Shows every byte that could steer it."""

import unicodedata

LENGTH_MAX = 200  # characters; longer names are cut in the middle so that a line stays a line
_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Unicode general categories
_RAW = range(0xDC80, 0xDD00)  # surrogateescape: bytes 0x80-0xff that are not UTF-8
_RAW_BASE = 0xDC00
_BYTE_MAX, _BMP_MAX = 0xFF, 0xFFFF  # last code points that fit \xNN and \uNNNN


def escape(name: bytes | str) -> str:
    r"""`name` with control, format (right-to-left marks), line-separator and undecodable bytes shown
    as `\xNN` or `\uNNNN`; a backslash is doubled, so that the text can be read back."""
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    shown = "".join(_shown(character) for character in text)
    if len(shown) <= LENGTH_MAX:
        return shown
    half = LENGTH_MAX // 2 - 2
    return f"{shown[:half]} .. {shown[-half:]}"


def _shown(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if code in _RAW:
        return f"\\x{code - _RAW_BASE:02x}"
    if unicodedata.category(character) not in _STEERING:
        return character
    if code <= _BYTE_MAX:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BMP_MAX else f"\\U{code:08x}"
