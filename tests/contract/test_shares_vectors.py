"""SLIP-39's official vectors against the library that is installed and against our wrapper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shamir_mnemonic

from appliance.custody import shares
from appliance.custody.shares import Words

OFFICIAL = b"TREZOR"  # the passphrase of all official vectors; the product never uses one
COUNT = 45


@pytest.fixture(scope="module")
def official(vectors: Path) -> list[list[Any]]:
    found: list[list[Any]] = json.loads((vectors / "slip39-vectors.json").read_text(encoding="utf-8"))
    assert len(found) == COUNT
    return found


def outcome(mnemonics: list[str]) -> str:
    try:
        return shamir_mnemonic.combine_mnemonics(mnemonics, OFFICIAL).hex()
    except shamir_mnemonic.MnemonicError:
        return ""


@pytest.mark.needs("vectors")
def test_the_library_gives_every_official_result(official: list[list[Any]]) -> None:
    wrong = [description for description, mnemonics, secret, *_ in official if outcome(mnemonics) != secret]
    assert wrong == []


@pytest.mark.needs("vectors")
@pytest.mark.clause("THREATS 2.2")
def test_our_wrapper_refuses_every_set_that_the_vectors_call_invalid(official: list[list[Any]]) -> None:
    for _description, mnemonics, secret, *_ in official:
        if not secret:
            with pytest.raises(ValueError, match=r"share|word"):
                shares.combine([Words(words) for words in mnemonics], len(mnemonics))


@pytest.mark.needs("vectors")
def test_our_wrapper_reads_the_basic_sets_of_256_bits_and_refuses_other_kinds(
    official: list[list[Any]],
) -> None:
    """Without the passphrase the result is another secret, as SLIP-39 wants: that trap is why we use none."""
    for description, mnemonics, secret, *_ in official:
        basic = secret and "asic sharing" in description and "256" in description
        if basic:
            combined = shares.combine([Words(words) for words in mnemonics], len(mnemonics))
            assert combined == shamir_mnemonic.combine_mnemonics(mnemonics)
            assert combined.hex() != secret
        elif secret and len(mnemonics) > 1:
            with pytest.raises(ValueError, match="shares"):
                shares.combine([Words(words) for words in mnemonics], len(mnemonics))


@pytest.mark.needs("vectors")
@pytest.mark.planted
def test_a_wrong_expectation_would_be_seen(official: list[list[Any]]) -> None:
    _description, mnemonics, secret, *_ = official[3]
    assert secret
    assert outcome([mnemonics[0], mnemonics[0]]) != secret
    assert outcome(mnemonics[:1]) != secret
