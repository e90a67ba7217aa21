"""Receipts: two framed parts, one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import LedgerMalformed
from appliance.format import receipt
from appliance.format.receipt import Receipt


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_receipt_reads_back_as_it_was_written(entry: bytes, proof: bytes) -> None:
    original = Receipt(entry=entry, proof=proof)
    assert receipt.decode(receipt.encode(original)) == original


@pytest.mark.clause("FORMAT 6.8")
@given(st.binary(max_size=80))
def test_other_bytes_are_refused(content: bytes) -> None:
    longer = receipt.encode(Receipt(entry=b"e", proof=b"p")) + b"x"
    for data in (content, receipt.MAGIC + content[:7], longer):
        with pytest.raises(LedgerMalformed):
            receipt.decode(data)


def test_a_length_beyond_its_limit_is_refused_before_anything_is_cut_out() -> None:
    with pytest.raises(LedgerMalformed):
        receipt.decode(receipt.MAGIC + b"\xff" * 8)


@given(st.integers(0, 10**8 - 1), st.integers(0, 10**16 - 1))
def test_a_name_says_window_and_entry(window: int, index: int) -> None:
    name = receipt.name(window, index)
    assert receipt.parse_name(name.removeprefix("receipts/")) == (window, index)
    assert receipt.parse_name(name) is None
