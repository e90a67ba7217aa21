"""Which signing keys are taken: none with which everybody could sign."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import SigningKeyRefused
from appliance.format import ed25519_key
from appliance.format.ed25519_key import PRIME, D
from tests import depth

Point = tuple[int, int]


def add(first: Point, second: Point) -> Point:
    """Addition on the twisted Edwards curve, written down for this test."""
    (a, b), (c, d) = first, second
    product = D * a * b * c * d
    x = (a * d + b * c) * pow(1 + product, -1, PRIME)
    y = (b * d + a * c) * pow(1 - product, -1, PRIME)
    return x % PRIME, y % PRIME


def recover(y: int) -> Point | None:
    """A point with this y, if there is one (RFC 8032, section 5.1.3)."""
    u, v = (y * y - 1) % PRIME, (D * y * y + 1) % PRIME
    x = u * pow(v, 3, PRIME) * pow(u * pow(v, 7, PRIME), (PRIME - 5) // 8, PRIME) % PRIME
    if v * x * x % PRIME == (-u) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    return (x, y) if v * x * x % PRIME == u else None


def torsion() -> set[Point]:
    """All points whose order divides 8: the part of any point that is left after the large order."""
    order = 2**252 + 27742317777372353535851937790883648493
    found: set[Point] = set()
    y = 2
    while len(found) < 8:
        point = recover(y)
        if point is not None:
            total: Point = (0, 1)
            for bit in f"{order:b}":
                total = add(total, total)
                total = add(total, point) if bit == "1" else total
            multiple: Point = (0, 1)
            for _ in range(8):
                found.add(multiple)
                multiple = add(multiple, total)
        y += 1
    return found


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


@pytest.mark.clause("FORMAT 9.2")
def test_every_spelling_of_every_point_of_small_order_is_refused() -> None:
    small = {y for _, y in torsion()}
    assert small == ed25519_key.SMALL_ORDER_Y
    for y in small:
        for spelling in (y, y + PRIME):
            for sign in (0, 1):
                if spelling < 1 << 255:
                    with pytest.raises(SigningKeyRefused):
                        ed25519_key.check(encoded(spelling, sign))


@pytest.mark.clause("FORMAT 9.2")
@pytest.mark.parametrize("excess", range(19))
def test_a_y_that_is_not_reduced_is_refused(excess: int) -> None:
    with pytest.raises(SigningKeyRefused):
        ed25519_key.check(encoded(PRIME + excess, 0))


@pytest.mark.clause("FORMAT 9.2")
@given(y=st.integers(min_value=2, max_value=PRIME - 2), sign=st.integers(0, 1))
def test_a_key_is_taken_exactly_if_it_is_a_point(y: int, sign: int) -> None:
    try:
        assert ed25519_key.check(encoded(y, sign)) == encoded(y, sign)
        taken = True
    except SigningKeyRefused:
        taken = False
    assert taken == (recover(y) is not None and y not in ed25519_key.SMALL_ORDER_Y)


def test_every_real_key_is_taken() -> None:
    for _ in range(depth.many(50, 2000)):
        public = Ed25519PrivateKey.from_private_bytes(os.urandom(32)).public_key().public_bytes_raw()
        assert ed25519_key.check(public) == public


@pytest.mark.clause("FORMAT 9.2")
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(SigningKeyRefused):
        ed25519_key.check(b"\x09" * length)


@pytest.mark.planted
def test_the_attack_that_the_refusal_prevents_is_real() -> None:
    """With the neutral point as key, R = neutral and S = 0 hold for every message."""
    key = Ed25519PublicKey.from_public_bytes(encoded(1, 0))
    forged = encoded(1, 0) + bytes(32)
    for message in (b"connect for ever", b"give the key to me"):
        key.verify(forged, message)
