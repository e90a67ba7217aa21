"""Base64 that has exactly one spelling per value: the standard alphabet, with or without padding.

Python's decoder takes stray characters and non-zero trailing bits; this one takes nothing but what
the encoder writes. Raises ValueError; callers translate. FORMAT 1.3.
"""

from __future__ import annotations

import base64


def encode(data: bytes) -> str:
    """Padded Base64."""
    return base64.b64encode(data).decode("ascii")


def encode_raw(data: bytes) -> str:
    """Base64 without padding, as in age headers."""
    return encode(data).rstrip("=")


def decode(text: str) -> bytes:
    """Inverse of `encode`. ValueError for any other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("not Base64") from None
    if encode(data) != text:
        raise ValueError("Base64 with a second spelling")
    return data


def decode_raw(text: str) -> bytes:
    """Inverse of `encode_raw`. ValueError for padding or any other spelling."""
    if "=" in text:
        raise ValueError("Base64 with padding")
    return decode(text + "=" * (-len(text) % 4))
