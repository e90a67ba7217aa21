"""The vault's public key as it lies beside the policy, which names it by fingerprint only.

A recipient has 1216 bytes, too long for a line that people read and a microcontroller streams. Nothing
is sealed to a key that this has not compared with a signed policy. THREATS 3.
"""

from __future__ import annotations

import hmac

from appliance.custody.policy import Policy
from appliance.errors import IwatoError, VaultKeyUnknown
from appliance.format.age_recipient import Recipient

TEXT_BYTES_MAX = 4096  # bytes; an age1pq1 line has 1960


def file_name(generation: int) -> str:
    """Its name in the policy's folder."""
    return f"vault-{generation}.age1pq"


def render(recipient: Recipient) -> bytes:
    """The file: one age1pq1 line."""
    return recipient.text().encode("ascii") + b"\n"


def check(policy: Policy, generation: int, text: bytes) -> Recipient:
    """The recipient in `text`, if it is the one that the policy names for this generation and is written
    in the one way; VaultKeyUnknown else."""
    named = next((item.vault for item in policy.generations if item.number == generation), None)
    try:
        recipient = Recipient.from_text(text.decode("ascii").removesuffix("\n"))
    except (IwatoError, UnicodeDecodeError):
        raise VaultKeyUnknown(generation=generation) from None
    if named is None or not hmac.compare_digest(recipient.fingerprint, named) or render(recipient) != text:
        raise VaultKeyUnknown(generation=generation)
    return recipient
