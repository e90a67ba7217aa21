"""The recovery order: one spelling, for one vault and policy, for a while; the interlock reads the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.custody import order as recovery_order
from appliance.custody.order import RecoveryOrder
from appliance.domain.ids import SnapshotId, SourceName, VaultId
from appliance.errors import OrderInvalid
from firmware.model import order_lines
from firmware.wire.codes import UploadKind

NOW = 1_800_000_000
ORDER = RecoveryOrder(
    vault_id=VaultId(b"v" * 16),
    policy=b"p" * 32,
    nonce=b"n" * 16,
    expires_s=NOW + 3600,
    snapshot=SnapshotId("20261123T030000Z-0a1b2c3d"),
    sources=(SourceName("docs"), SourceName("mail")),
    path="経理/2026 年".encode(),
    reason="四半期の訓練 / quarterly drill",
    destination=b"/srv/restore",
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda words: words == words.strip()
)


def recovery_path(raw: bytes) -> bool:
    return not raw.startswith(b"/") and b"\0" not in raw and b".." not in raw and raw != b"-"


@given(
    path=st.binary(max_size=20).filter(recovery_path),
    destination=st.binary(max_size=20).map(lambda raw: b"/" + raw.replace(b"\0", b"")),
    reason=WORDS,
    expires=st.integers(1, 250_000_000_000),
)
@pytest.mark.clause("THREATS 3.6")
def test_every_order_survives_its_text_and_the_interlock_reads_the_same_facts(
    path: bytes, destination: bytes, reason: str, expires: int
) -> None:
    order = replace(ORDER, path=path, destination=destination, reason=reason, expires_s=expires)
    text = recovery_order.render(order)
    assert recovery_order.parse(text) == order
    facts = order_lines.read(text, UploadKind.RECOVERY_ORDER)
    assert (facts.vault_id, facts.policy, facts.nonce, facts.expires_s) == (
        b"v" * 16,
        b"p" * 32,
        b"n" * 16,
        expires,
    )


@pytest.mark.parametrize("against", [None, SnapshotId("20261122T030000Z-0a1b2c3d")])
def test_an_order_that_lets_nothing_be_written_says_so_in_one_way(against: SnapshotId | None) -> None:
    order = replace(ORDER, destination=recovery_order.NOWHERE, against=against)
    text = recovery_order.render(order)
    assert text.endswith(b"\ndestination -\n")
    assert recovery_order.parse(text) == order
    assert order_lines.read(text, UploadKind.RECOVERY_ORDER).nonce == order.nonce


def test_what_is_compared_cannot_be_written_anywhere() -> None:
    with pytest.raises(OrderInvalid):
        replace(ORDER, against=SnapshotId("20261122T030000Z-0a1b2c3d"))


def test_people_can_read_what_they_sign() -> None:
    assert recovery_order.render(ORDER).decode().splitlines()[4:] == [
        "expires 2027-01-15T09:00:00Z",
        "what snapshot=20261123T030000Z-0a1b2c3d sources=docs,mail path=経理/2026 年",
        "why 四半期の訓練 / quarterly drill",
        "destination /srv/restore",
    ]
    everything = replace(ORDER, sources=(), path=b"")
    assert b" sources=all path=-\n" in recovery_order.render(everything)
    assert recovery_order.parse(recovery_order.render(everything)) == everything


def test_what_could_deceive_the_eye_is_written_as_numbers() -> None:
    text = recovery_order.render(
        replace(ORDER, reason="drill\n\u202edestination /safe", destination=b"/\xff\x1b[2J")
    )
    assert b"why drill%0A%E2%80%AEdestination /safe\n" in text
    assert b"destination /%FF%1B[2J\n" in text


@pytest.mark.parametrize(
    "change",
    [
        {"path": b"/etc"},
        {"path": b"a/../../b"},
        {"path": b"a\0b"},
        {"destination": b"relative"},
        {"destination": b"/" + b"x" * 300},
        {"reason": ""},
        {"reason": " drill"},
        {"reason": "x" * 300},
        {"nonce": b"short"},
        {"sources": (SourceName("docs"), SourceName("docs"))},
        {"sources": (SourceName("all"),)},
        {"sources": (SourceName("a b"),)},
        {"sources": (SourceName(""),)},
        {"expires_s": 0},
        {"expires_s": 10**12},
    ],
    ids=str,
)
def test_an_order_that_is_unclear_or_reaches_too_far_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(OrderInvalid):
        replace(ORDER, **change)  # type: ignore[arg-type]


@pytest.mark.clause("THREATS 3.6")
def test_an_order_counts_for_its_vault_its_policy_and_its_time_only() -> None:
    recovery_order.check(ORDER, ORDER.vault_id, ORDER.policy, NOW)
    for vault, policy, now in (
        (VaultId(b"w" * 16), ORDER.policy, NOW),
        (ORDER.vault_id, b"q" * 32, NOW),
        (ORDER.vault_id, ORDER.policy, ORDER.expires_s),
        (ORDER.vault_id, ORDER.policy, ORDER.expires_s - 8 * 86_400),
    ):
        with pytest.raises(OrderInvalid) as caught:
            recovery_order.check(ORDER, vault, policy, now)
        assert caught.value.code == "IW-4204"


@pytest.mark.invariant("I13")
def test_no_changed_byte_leaves_the_text_canonical_and_its_meaning_the_same() -> None:
    text = recovery_order.render(ORDER)
    for place in range(len(text)):
        changed = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        try:
            order = recovery_order.parse(changed)
        except OrderInvalid:
            continue
        assert order != ORDER
        assert recovery_order.render(order) == changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path=", "path=%61"),
        ("sources=docs,mail", "sources=docs,docs"),
        ("sources=docs,mail", "sources=docs,mail,"),
        ("why ", "why  "),
        ("sha256:70", "sha256:7O"),
        ("iwato-recovery-order 1", "iwato-recovery-order 2"),
        ("09:00:00Z", "09:60:00Z"),
        ("vault", "Vault"),
        ("drill\n", "drill\n\n"),
    ],
)
def test_a_second_spelling_of_an_order_is_refused(old: str, new: str) -> None:
    text = recovery_order.render(ORDER).decode()
    assert old in text
    with pytest.raises(OrderInvalid):
        recovery_order.parse(text.replace(old, new, 1).encode())
