"""The two texts of a file token: its public description and the secret keys under its passphrase.

Canonical, both directions. The description is authenticated by nothing but the policy, which names the
keys: `match` is where a stranger's token is told from a holder's. THREATS 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.custody import line_text
from appliance.custody.line_text import Fields, Lines
from appliance.custody.policy import Holder, Policy
from appliance.domain.ids import HolderNumber
from appliance.errors import IwatoError, TokenForeign
from appliance.format.age_recipient import Identity, Recipient
from appliance.format.ssh_key import SshKey

TEXT_BYTES_MAX = 8192  # bytes; an age1pq1 line has 1960
SERIAL_BYTES = 8  # bytes; random, tells tokens apart in a drawer
SIGNING_SEED_BYTES = 32  # bytes; Ed25519, RFC 8032

_DESCRIPTION = {
    "iwato-token": "(1)",
    "kind": r"([a-z]{1,16})",
    "serial": r"([0-9a-f]{16})",
    "holder": line_text.NUMBER,
    "recipient": r"(age1pq1[0-9a-z]+)",
    "ssh": r"(ssh-ed25519 [A-Za-z0-9+/=]+)",
}
_KEYS = {
    "iwato-token-keys": "(1)",
    "serial": r"([0-9a-f]{16})",
    "unseal": r"(AGE-SECRET-KEY-PQ-1[0-9A-Z]+)",
    "sign": r"([0-9a-f]{64})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a token says of itself, to anybody."""

    kind: str
    serial: bytes
    holder: HolderNumber
    recipient: Recipient
    ssh: SshKey

    def fields(self) -> dict[str, str]:
        """As `ports.Token.describe` gives it."""
        return {
            "kind": self.kind,
            "serial": self.serial.hex(),
            "holder": str(self.holder),
            "recipient": self.recipient.text(),
            "ssh": self.ssh.line(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKeys:
    """The secret half of a token. Its repr hides the signing key, as Identity's does the other."""

    serial: bytes
    unseal: Identity
    signing_seed: bytes = field(repr=False)

    def signer(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    def ssh(self) -> SshKey:
        """The public half of the signing key."""
        return SshKey.from_ed25519(self.signer().public_key().public_bytes_raw())


def render_description(token: Description) -> bytes:
    """`token.txt`."""
    lines = ["iwato-token 1", *(f"{name} {value}" for name, value in token.fields().items())]
    return ("\n".join(lines) + "\n").encode("ascii")


def parse_description(text: bytes) -> Description:
    """Inverse. ValueError for any other text."""
    lines = Lines(text, _DESCRIPTION)
    lines.one("iwato-token", _first)
    names = ("kind", "serial", "holder", "recipient", "ssh")
    token = describe({name: lines.one(name, _first) for name in names})
    lines.end()
    if render_description(token) != text:
        raise ValueError("not written in the one canonical way")
    return token


def describe(fields: Mapping[str, str]) -> Description:
    """Inverse of `Description.fields`: what a token of any kind says, checked. ValueError."""
    try:
        return Description(
            kind=fields["kind"],
            serial=bytes.fromhex(fields["serial"]),
            holder=HolderNumber(int(fields["holder"])),
            recipient=Recipient.from_text(fields["recipient"]),
            ssh=SshKey.from_line(fields["ssh"]),
        )
    except (IwatoError, KeyError) as error:
        raise ValueError(f"the description: {type(error).__name__}") from None


def render_keys(keys: TokenKeys) -> bytes:
    """The plaintext of `identity.age`. A secret."""
    lines = (
        "iwato-token-keys 1",
        f"serial {keys.serial.hex()}",
        f"unseal {keys.unseal.secret_text()}",
        f"sign {keys.signing_seed.hex()}",
    )
    return ("\n".join(lines) + "\n").encode("ascii")


def parse_keys(text: bytes) -> TokenKeys:
    """Inverse. ValueError, quoting nothing of it, for any other text."""
    lines = Lines(text, _KEYS)
    lines.one("iwato-token-keys", _first)
    serial, unseal, sign = (lines.one(name, _first) for name in ("serial", "unseal", "sign"))
    lines.end()
    try:
        identity = Identity.from_text(unseal)
    except IwatoError:
        raise ValueError("the unseal key") from None
    keys = TokenKeys(serial=bytes.fromhex(serial), unseal=identity, signing_seed=bytes.fromhex(sign))
    if render_keys(keys) != text:
        raise ValueError("not written in the one canonical way")
    return keys


def match(policy: Policy, token: Description, place: str) -> Holder:
    """The holder whose two keys this token has. TokenForeign, with `place` for the reader, unless both
    are that one holder's."""
    holder = policy.holder(token.holder)
    fingerprint = hashlib.sha256(token.recipient.public_key).digest()
    if holder is not None and (holder.ssh_key, holder.unseal) == (token.ssh.point, fingerprint):
        return holder
    raise TokenForeign(token=place, detail="its keys are not those of a holder in the policy")


def _first(fields: Fields) -> str:
    return fields[0]
