"""What is kept of a ceremony: who did what, in order, under one nonce. Text without any secret.

Written only, never parsed. Every holder signs it under `iwato-ceremony@v1`: one nonce for all, so that
no part of another ceremony can be slipped in. THREATS 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.custody import line_text
from appliance.custody.birth import Act, Step
from appliance.custody.policy import Policy
from appliance.custody.quorum import Margin
from appliance.domain.ids import HolderNumber
from appliance.format.age_recipient import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One act that was done."""

    step: Step
    act: Act


def birth_text(
    nonce: bytes,
    policy: Policy,
    policy_hash: bytes,
    vault: Recipient,
    serials: Sequence[tuple[HolderNumber, bytes]],
    done: Sequence[Line],
    margin: Margin,
) -> bytes:
    """The birth's transcript, ASCII, LF."""
    lines = [
        "iwato-birth 1",
        f"nonce {nonce.hex()}",
        f"vault-id {policy.vault_id.hex()}",
        f"policy {line_text.write_hash(policy_hash)}",
        f"generation {policy.generation.number} vault={line_text.write_hash(vault.fingerprint)}",
        *(f"token {holder} serial={serial.hex()}" for holder, serial in serials),
        *(f"done {line.step.value}{_by(line.act)}" for line in done),
        f"margin {margin.needed} needed, {margin.exist} exist, {margin.proven} proven",
    ]
    return ("\n".join(lines) + "\n").encode("ascii")


def _by(act: Act) -> str:
    return ": " + " ".join(map(str, act)) if act else ""
