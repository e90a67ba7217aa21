"""Key texts: one spelling per key, and a slip of the pen never yields another key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import AgeKeyTextInvalid
from appliance.format import age_recipient, base64_text, bech32

BIP173_VALID = ["A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"]
BIP173_INVALID = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
]
TEXT = age_recipient.Identity.from_seed(bytes(32)).recipient.text()


@pytest.mark.parametrize("text", BIP173_VALID)
def test_a_valid_example_of_BIP_173_is_read_and_written_again(text: str) -> None:
    prefix, data = bech32.decode(text)
    assert bech32.encode(prefix, data) == text.lower()


@pytest.mark.clause("FORMAT 2.2")
@pytest.mark.parametrize("text", [*BIP173_INVALID, "a12UEL5L", "", "1", "a1", "ａ12uel5l", "a12uel5l "])
def test_an_invalid_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        bech32.decode(text)


@given(data=st.binary(max_size=80))
def test_what_is_written_is_read_back(data: bytes) -> None:
    text = bech32.encode("age1pq", data)
    assert bech32.decode(text) == ("age1pq", data)
    assert bech32.decode(text.upper()) == ("age1pq", data)


@pytest.mark.clause("FORMAT 2.2")
@given(
    data=st.binary(min_size=1, max_size=40),
    place=st.integers(min_value=0),
    letter=st.sampled_from(bech32.ALPHABET),
)
def test_a_wrong_letter_is_always_noticed(data: bytes, place: int, letter: str) -> None:
    text = bech32.encode("k", data)
    at = 2 + place % (len(text) - 2)
    wrong = text[:at] + letter + text[at + 1 :]
    if wrong != text:
        with pytest.raises(ValueError, match="checksum"):
            bech32.decode(wrong)


@pytest.mark.clause("FORMAT 2.2")
def test_bits_behind_the_last_byte_are_refused() -> None:
    values = [*bech32._regroup(b"\xff"), 0]  # a group too many, then a set bit in the filling
    for wrong in (values, [31, 31]):
        tail = bech32._polymod([*bech32._expand("k"), *wrong, *([0] * 6)]) ^ 1
        checksum = [tail >> 5 * (5 - place) & 31 for place in range(6)]
        text = "k1" + "".join(bech32.ALPHABET[value] for value in [*wrong, *checksum])
        with pytest.raises(ValueError, match="left over"):
            bech32.decode(text)


@pytest.mark.clause("FORMAT 8.1")
@pytest.mark.clause("FORMAT 1.4")
def test_a_text_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="too long"):
        bech32.decode("a1" + "q" * bech32.TEXT_CHARS_MAX)


@pytest.mark.clause("FORMAT 2.2")
@pytest.mark.parametrize(
    "text",
    [
        "A" + TEXT[1:],
        TEXT[:-1],
        TEXT + "q",
        TEXT + "\n",
        " " + TEXT,
        TEXT.replace("age1pq1", "age1pr1"),
        bech32.encode("age", bytes(32)),
        bech32.encode("age1pq", bytes(1215)),
        bech32.encode("age1pq", b"\xff" * 1216),
    ],
    ids=["mixed case", "cut", "longer", "line end", "space", "prefix", "classical", "short", "no key"],
)
def test_a_text_that_is_not_exactly_a_recipient_is_refused(text: str) -> None:
    with pytest.raises(AgeKeyTextInvalid):
        age_recipient.Recipient.from_text(text)


def test_a_refused_secret_key_text_is_not_quoted_in_the_error() -> None:
    secret = age_recipient.Identity.from_seed(bytes(range(32))).secret_text()
    last = "Q" if secret[-1] != "Q" else "P"
    for wrong in (secret[:-1] + last, secret.replace("PQ", "PR"), secret + "é"):
        with pytest.raises(AgeKeyTextInvalid) as caught:
            age_recipient.Identity.from_text(wrong)
        assert secret[20:60] not in str(caught.value) + repr(caught.value.values)


@pytest.mark.clause("FORMAT 1.3")
@given(data=st.binary(max_size=70))
def test_Base64_is_read_back(data: bytes) -> None:
    assert base64_text.decode(base64_text.encode(data)) == data
    assert base64_text.decode_raw(base64_text.encode_raw(data)) == data


@pytest.mark.clause("FORMAT 1.3")
@pytest.mark.parametrize(
    "text", ["QQ=", "QQ", "QQ===", "Q Q==", "QQ==\n", "\nQQ==", "QR==", "Q-==", "QQ==QQ==", "é"]
)
def test_a_second_spelling_of_Base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Base64"):
        base64_text.decode(text)


@pytest.mark.clause("FORMAT 1.3")
@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "QQ\n", "Q Q"])
def test_a_second_spelling_of_raw_Base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Base64"):
        base64_text.decode_raw(text)


@pytest.mark.planted
def test_the_letter_test_catches_a_checksum_that_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bech32, "_polymod", lambda values: 1)
    text = "k1" + bech32.ALPHABET[3] * 8 + "q" * 6
    assert bech32.decode(text)  # with the bug every text passes, which the test above refuses
