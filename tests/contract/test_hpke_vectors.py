"""HPKE and X-Wing: the published vectors of exactly the suite that seals packs."""

import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl as rust

from appliance.format import age_recipient

SUITE = (0x647A, 0x0001, 0x0003)  # MLKEM768-X25519, HKDF-SHA256, ChaCha20Poly1305
BASE_MODE = 0
PLACE = Path(cryptography_vectors.__file__).parent / "HPKE" / "hpke-pq-test-vectors.json"
HYBRID = [case for case in json.loads(PLACE.read_text(encoding="utf-8")) if case["kem_id"] == SUITE[0]]
OURS = [
    case
    for case in HYBRID
    if (case["kem_id"], case["kdf_id"], case["aead_id"]) == SUITE and case["mode"] == BASE_MODE
]


def opened(case: dict[str, Any], enc: str) -> bytes:
    """The first message of a case, by the suite and key object that the stanza code uses."""
    identity = age_recipient.Identity.from_seed(bytes.fromhex(case["skRm"]))
    message = case["encryptions"][0]
    sealed = bytes.fromhex(enc + message["ct"])
    aad, info = bytes.fromhex(message["aad"]), bytes.fromhex(case["info"])
    return rust.hpke._decrypt_with_aad(age_recipient._suite(), sealed, identity._key, info, aad)


def test_the_published_vectors_hold_our_suite() -> None:
    assert len(OURS) >= 1
    assert len(HYBRID) > len(OURS)


@pytest.mark.clause("FORMAT 2.2")
@pytest.mark.parametrize("case", HYBRID, ids=lambda case: f"kdf{case['kdf_id']}-aead{case['aead_id']}")
def test_a_seed_expands_to_the_published_public_key(case: dict[str, Any]) -> None:
    identity = age_recipient.Identity.from_seed(bytes.fromhex(case["skRm"]))
    assert identity.recipient.public_key.hex() == case["pkRm"]


@pytest.mark.clause("FORMAT 2.4")
@pytest.mark.parametrize("case", OURS)
def test_a_published_message_opens_with_our_suite(case: dict[str, Any]) -> None:
    assert len(case["enc"]) == 2 * age_recipient.ENC_BYTES
    assert opened(case, case["enc"]).hex() == case["encryptions"][0]["pt"]


@pytest.mark.planted
@pytest.mark.parametrize("case", OURS)
@pytest.mark.parametrize("place", [0, 1087 * 2, 1088 * 2, 1119 * 2])
def test_a_changed_encapsulation_opens_nothing(case: dict[str, Any], place: int) -> None:
    digit = "0" if case["enc"][place + 1] != "0" else "1"
    with pytest.raises(InvalidTag):
        opened(case, case["enc"][: place + 1] + digit + case["enc"][place + 2 :])


@pytest.mark.planted
def test_the_vectors_of_another_suite_do_not_open_with_ours() -> None:
    other = next(case for case in HYBRID if case not in OURS)
    with pytest.raises(InvalidTag):
        opened(other, other["enc"])
