"""Orders to the interlock as the controller writes them are those that the golden model reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.custody import interlock_order
from appliance.custody.interlock_order import NO_FAULT, WHY_CHARS_MAX, Bound
from appliance.domain.ids import VaultId
from appliance.errors import OrderInvalid
from firmware.model import limits, order_lines
from firmware.wire.codes import Cause, UploadKind

BOUNDS = st.builds(
    Bound,
    vault_id=st.binary(min_size=16, max_size=16).map(VaultId),
    policy=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=16, max_size=16),
    expires_s=st.integers(limits.EPOCH_S, limits.CLOCK_S_MAX),
)
REASONS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@pytest.mark.clause("PROTOCOL 13.2")
@given(bound=BOUNDS, secured=st.booleans(), fault=st.sampled_from((Cause.NONE, *order_lines.RELEASABLE)),
       why=REASONS)  # fmt: skip
def test_a_release_says_to_the_interlock_exactly_what_it_was_made_for(
    bound: Bound, secured: bool, fault: Cause, why: str
) -> None:
    name = NO_FAULT if fault is Cause.NONE else fault.name
    text = interlock_order.release(bound, secured=secured, fault=name, why=why)
    read = order_lines.read(text, UploadKind.RELEASE_ORDER)
    assert (read.vault_id, read.policy, read.nonce) == (bound.vault_id, bound.policy, bound.nonce)
    assert (read.expires_s, read.secured, read.fault) == (bound.expires_s, secured, fault)


@pytest.mark.clause("PROTOCOL 13.4")
@given(bound=BOUNDS, time_s=st.integers(limits.EPOCH_S, limits.CLOCK_S_MAX), why=REASONS)
def test_a_time_order_says_to_the_interlock_exactly_what_it_was_made_for(
    bound: Bound, time_s: int, why: str
) -> None:
    read = order_lines.read(interlock_order.set_clock(bound, time_s=time_s, why=why), UploadKind.TIME_ORDER)
    assert (read.nonce, read.expires_s, read.time_s) == (bound.nonce, bound.expires_s, time_s)


@pytest.mark.parametrize("why", ["", "理" * (WHY_CHARS_MAX + 1), "\n" * (WHY_CHARS_MAX // 3 + 1)])
def test_a_reason_that_does_not_fit_on_its_line_is_refused_before_anybody_signs(why: str) -> None:
    bound = Bound(vault_id=VaultId(bytes(16)), policy=bytes(32), nonce=bytes(16), expires_s=limits.EPOCH_S)
    with pytest.raises(OrderInvalid):
        interlock_order.release(bound, secured=True, fault=NO_FAULT, why=why)


def test_the_namespaces_are_the_interlocks() -> None:
    assert interlock_order.RELEASE_NAMESPACE.encode() == order_lines.NAMESPACES[UploadKind.RELEASE_ORDER]
    assert interlock_order.TIME_NAMESPACE.encode() == order_lines.NAMESPACES[UploadKind.TIME_ORDER]
