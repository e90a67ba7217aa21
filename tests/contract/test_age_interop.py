"""Both ways with an independent age implementation: npm age-encryption, which shares no code with ours."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.format import age_file, age_passphrase, age_recipient, age_selftest, age_stream

SCRIPT = Path(__file__).parent / "node" / "age_interop.mjs"
PACKAGE, VERSION = "age-encryption", "0.3.1"
TIMEOUT_S = 120  # s; a hang, not a measurement
CHUNK = age_stream.CHUNK_BYTES
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
WORK_FACTOR = 6

Other = Callable[..., bytes]


@pytest.fixture
def other(npm: Callable[[str, str], Path], node: Path, tmp_path: Path) -> Other:
    """`other(verb, input, name=text, …)`: what the other implementation makes of it."""
    modules = npm(PACKAGE, VERSION)

    def run(verb: str, data: bytes = b"", **texts: str) -> bytes:
        for name, text in texts.items():
            (tmp_path / name.replace("_", "-")).write_text(text, encoding="utf-8")
        (tmp_path / "in").write_bytes(data)
        subprocess.run(
            [node, SCRIPT, modules, verb, tmp_path], check=True, timeout=TIMEOUT_S, capture_output=True
        )
        return (tmp_path / "out").read_bytes()

    return run


@pytest.fixture
def vault() -> age_recipient.Identity:
    return age_recipient.Identity.generate(os.urandom)


@pytest.mark.needs("npm")
@pytest.mark.clause("FORMAT 2.2")
def test_the_other_implementation_derives_the_same_recipient_from_a_seed(other: Other) -> None:
    known = age_recipient.Identity.from_seed(age_selftest.SEED)
    assert other("derive", identity=known.secret_text()).decode() == known.recipient.text()


@pytest.mark.needs("npm")
@pytest.mark.clause("FORMAT 2.4")
@pytest.mark.clause("FORMAT 2.5")
@pytest.mark.parametrize("size", SIZES)
def test_the_other_implementation_opens_our_file(
    other: Other, vault: age_recipient.Identity, size: int
) -> None:
    plaintext = os.urandom(size)
    sealed = age_file.encrypt(plaintext, vault.recipient, os.urandom)
    assert other("decrypt", sealed, identity=vault.secret_text()) == plaintext


@pytest.mark.needs("npm")
@pytest.mark.clause("FORMAT 2.4")
@pytest.mark.clause("FORMAT 2.5")
@pytest.mark.parametrize("size", SIZES)
def test_we_open_the_other_implementations_file(
    other: Other, vault: age_recipient.Identity, size: int
) -> None:
    plaintext = os.urandom(size)
    sealed = other("encrypt", plaintext, recipient=vault.recipient.text())
    assert age_file.decrypt(sealed, vault) == plaintext


@pytest.mark.needs("npm")
def test_we_open_a_file_that_is_sealed_to_several_keys(other: Other, vault: age_recipient.Identity) -> None:
    stranger = age_recipient.Identity.generate(os.urandom).recipient.text()
    sealed = other("encrypt", b"shared", recipient=f"{stranger}\n{vault.recipient.text()}")
    assert age_file.decrypt(sealed, vault) == b"shared"


@pytest.mark.needs("npm")
@pytest.mark.clause("FORMAT 2.6")
def test_the_other_implementation_opens_our_passphrase_file(other: Other) -> None:
    lock = age_passphrase.PassphraseLock("六つの言葉 six words", entropy=os.urandom, work_factor=WORK_FACTOR)
    sealed = age_file.encrypt(b"an identity", lock, os.urandom)
    assert other("decrypt", sealed, passphrase="六つの言葉 six words") == b"an identity"


@pytest.mark.needs("npm")
@pytest.mark.clause("FORMAT 2.6")
def test_we_open_the_other_implementations_passphrase_file(other: Other) -> None:
    sealed = other("encrypt", b"an identity", passphrase="six words 六", work_factor=str(WORK_FACTOR))
    assert age_file.decrypt(sealed, age_passphrase.PassphraseKey("six words 六")) == b"an identity"


@pytest.mark.needs("npm")
@pytest.mark.planted
def test_the_other_implementation_notices_a_chunk_marked_wrongly(
    other: Other, vault: age_recipient.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(age_stream, "_nonce", lambda index, *, last: index.to_bytes(12, "big"))
    sealed = age_file.encrypt(b"planted", vault.recipient, os.urandom)
    assert age_file.decrypt(sealed, vault) == b"planted"  # our own round trip does not see it
    with pytest.raises(subprocess.CalledProcessError):
        other("decrypt", sealed, identity=vault.secret_text())
