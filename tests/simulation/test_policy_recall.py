"""The policy put together from copies that nobody vouches for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.compose.policy_files import PolicyFiles
from appliance.custody import policy_recall
from appliance.custody.policy_files import Reader
from appliance.errors import PolicyNowhere, PolicyUnsigned, VaultKeyUnknown
from tests.simulation.conftest import Vault

Copy = dict[str, bytes]


@pytest.fixture
def whole(vault: Vault) -> Copy:
    return {path.name: path.read_bytes() for path in vault.box.home.policy.iterdir()}


@pytest.fixture
def digest(vault: Vault) -> bytes:
    return PolicyFiles(vault.box.home.policy).hash


def reader(copy: Copy) -> Reader:
    def read(name: str, limit: int) -> bytes | None:
        content = copy.get(name)
        if content is not None and len(content) > limit:
            raise ValueError("too long")
        return content

    return read


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1, *content[1:]])


def test_one_whole_copy_gives_everything_back_with_the_policy_last(whole: Copy, digest: bytes) -> None:
    found = policy_recall.recalled(1, digest, [reader(whole)])
    assert found == whole
    assert list(found)[-1] == "policy-1.txt"


@pytest.mark.invariant("I13")
@pytest.mark.clause("THREATS 4.9")
def test_of_copies_that_are_each_damaged_elsewhere_only_what_holds_is_taken(
    whole: Copy, digest: bytes
) -> None:
    names = sorted(whole)
    copies = [
        {name: flipped(data) if number % 3 == third else data for number, (name, data) in enumerate(items)}
        for third, items in enumerate([[(name, whole[name]) for name in names]] * 3)
    ]
    assert policy_recall.recalled(1, digest, [reader(copy) for copy in copies]) == whole


@pytest.mark.clause("THREATS 4.9")
def test_a_text_that_the_interlock_does_not_enforce_is_not_taken(whole: Copy, digest: bytes) -> None:
    other = whole | {"policy-1.txt": whole["policy-1.txt"].replace(b"-05:00:00 daily", b"-05:30:00 daily")}
    with pytest.raises(PolicyNowhere):
        policy_recall.recalled(1, digest, [reader(other), reader({})])
    assert policy_recall.recalled(1, digest, [reader(other), reader(whole)]) == whole


def too_few_signatures(whole: Copy) -> Copy:
    three = {"policy-1.3.sig", "policy-1.4.sig", "policy-1.5.sig"}
    return {name: data for name, data in whole.items() if name not in three}


@pytest.mark.parametrize(
    ("harm", "error"),
    [
        (too_few_signatures, PolicyUnsigned),
        (lambda whole: whole | {"vault-1.age1pq": b"age1pq1" + bytes(9)}, VaultKeyUnknown),
        (lambda whole: whole | {"policy-1.txt": bytes(1 << 20)}, PolicyNowhere),
    ],
)
def test_what_proves_the_policy_has_to_be_somewhere(
    whole: Copy, digest: bytes, harm: Callable[[Copy], Copy], error: type[Exception]
) -> None:
    with pytest.raises(error):
        policy_recall.recalled(1, digest, [reader(harm(whole))])


def test_a_birth_that_nobody_signed_is_left_out_and_stops_nothing(whole: Copy, digest: bytes) -> None:
    forged = whole | {"birth.txt": b"iwato-birth 1\n"}
    found = policy_recall.recalled(1, digest, [reader(forged)])
    assert whole.keys() - found.keys() == {name for name in whole if name.startswith("birth")}


@pytest.mark.planted
def test_a_recall_that_takes_the_first_text_is_caught(
    whole: Copy, digest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.custody.policy.digest", lambda _text: digest)
    other = whole | {"policy-1.txt": whole["policy-1.txt"].replace(b"-05:00:00 daily", b"-05:30:00 daily")}
    with pytest.raises(PolicyUnsigned):  # its signatures do not hold, which is the second line of defence
        policy_recall.recalled(1, digest, [reader(other)])
