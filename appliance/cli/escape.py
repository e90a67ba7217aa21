"""Names from outside, made safe for a terminal. Shows every byte that could steer it."""

import unicodedata

_STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
LENGTH_MAX = 200  # characters; longer names are cut in the middle so that a line stays a line


def escape(name: bytes | str) -> str:
    """`name` with control, format (right-to-left marks), line-separator and undecodable bytes shown
    as `\\xNN` or `\\uNNNN`; a backslash is doubled, so that the text can be read back."""
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
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) not in _STEERING:
        return character
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
