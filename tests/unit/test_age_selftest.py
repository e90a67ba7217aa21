"""Start-up: a machine that cannot seal to the post-quantum key takes nothing in."""

from collections.abc import Iterator

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem

from appliance.errors import EXIT_FAILED, PostQuantumMissing
from appliance.format import age_file, age_recipient, age_selftest, age_stream


@pytest.fixture(autouse=True)
def fresh_suite() -> Iterator[None]:
    age_recipient._suite.cache_clear()
    yield
    age_recipient._suite.cache_clear()


class Missing:
    def __init__(self, *values: object) -> None:
        raise UnsupportedAlgorithm("no such KEM")


@pytest.mark.clause("FORMAT 2.7")
def test_a_machine_with_post_quantum_encryption_passes() -> None:
    age_selftest.self_test()


@pytest.mark.clause("FORMAT 2.7")
@pytest.mark.clause("FORMAT 2.11")
def test_a_library_without_the_suite_is_refused_and_nothing_weaker_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hpke, "Suite", Missing)
    with pytest.raises(PostQuantumMissing) as caught:
        age_selftest.self_test()
    assert caught.value.code == "IW-3107"
    assert caught.value.exit_status == EXIT_FAILED


@pytest.mark.clause("FORMAT 2.7")
def test_a_backend_without_ML_KEM_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLattice:
        @staticmethod
        def from_seed_bytes(seed: bytes) -> None:
            raise UnsupportedAlgorithm("no ML-KEM")

    monkeypatch.setattr(mlkem, "MLKEM768PrivateKey", NoLattice)
    with pytest.raises(PostQuantumMissing):
        age_selftest.self_test()


@pytest.mark.clause("FORMAT 2.7")
@pytest.mark.planted
def test_a_library_that_opens_anything_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_file, "decrypt", lambda sealed, identity: age_selftest.PLAINTEXT)
    with pytest.raises(PostQuantumMissing, match="changed file opens"):
        age_selftest.self_test()


@pytest.mark.clause("FORMAT 2.7")
@pytest.mark.planted
def test_a_library_that_derives_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_selftest, "SEED", bytes(32))
    with pytest.raises(PostQuantumMissing, match="another key"):
        age_selftest.self_test()


@pytest.mark.clause("FORMAT 2.7")
@pytest.mark.planted
def test_a_library_that_seals_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = age_stream.Sealer.seal_chunk_into

    def seal(self: age_stream.Sealer, plain: age_stream.Bytes, out: memoryview, *, last: bool) -> int:
        return broken(self, bytes(len(plain)), out, last=last)

    monkeypatch.setattr(age_stream.Sealer, "seal_chunk_into", seal)
    with pytest.raises(PostQuantumMissing, match="another text"):
        age_selftest.self_test()
