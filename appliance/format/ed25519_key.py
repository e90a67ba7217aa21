"""Which 32 bytes are taken as an Ed25519 public key. FORMAT 9.2.

Libraries take any bytes. A key of small order would make some signatures hold for every message, so
that nobody's vote counts as somebody's: it is refused at enrolment and at every reading. Makes and
verifies no signatures.
"""

from __future__ import annotations

from appliance.errors import SigningKeyRefused

KEY_BYTES = 32  # bytes; RFC 8032
SIGNATURE_BYTES = 64  # bytes; RFC 8032
PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME  # RFC 8032, the curve's constant
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826  # a root of d y⁴ + 2 y² = 1
SMALL_ORDER_Y = frozenset({0, 1, PRIME - 1, _ORDER_8_Y, PRIME - _ORDER_8_Y})  # orders 4, 1, 2, 8, 8


def check(public_key: bytes) -> bytes:
    """The same bytes, if they are the one spelling of a curve point of large order. SigningKeyRefused
    otherwise."""
    if len(public_key) != KEY_BYTES:
        raise SigningKeyRefused(detail=f"{len(public_key)} bytes instead of {KEY_BYTES}")
    y = int.from_bytes(public_key, "little") & (1 << 255) - 1
    if y >= PRIME:
        raise SigningKeyRefused(detail="it has a second spelling")
    if y in SMALL_ORDER_Y:
        raise SigningKeyRefused(detail="it has small order: everybody could sign with it")
    if not _on_curve(y):
        raise SigningKeyRefused(detail="it is not a point of the curve")
    return bytes(public_key)


def _on_curve(y: int) -> bool:
    """x² = (y² - 1) / (d y² + 1) has a root; by Euler's criterion, as both are non-zero here."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    return pow(square, (PRIME - 1) // 2, PRIME) == 1
