"""Who really signed what: an observer's own judgement of a commit, that shares no code with the model's.

It looks at the text and the signatures as they went over the line, and answers how many holders of which
policy stand behind them. It knows nothing of nonces, times or phases.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firmware.model.facts import Policy
from firmware.model.state import Input, Received, State, Upload
from firmware.wire.codes import UploadKind
from firmware.wire.messages import UploadCommit

MEANING = {
    UploadKind.POLICY: "iwato-policy",
    UploadKind.RECOVERY_ORDER: "iwato-recovery-order",
    UploadKind.VETO: "iwato-policy-veto",
    UploadKind.OVERRIDE: "iwato-policy-override",
    UploadKind.RELEASE_ORDER: "iwato-release-order",
    UploadKind.TIME_ORDER: "iwato-time-order",
    UploadKind.UNSEAL_ORDER: "iwato-unseal-order",
}
KEY = re.compile(rb"^holder [0-9]+ ssh=ssh-ed25519:(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Deed:
    """A whole text that was committed, and the keys that signed it as what it says it is."""

    kind: UploadKind
    text: bytes
    keys: frozenset[bytes]

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.text).digest()

    def said(self, word: str) -> str:
        """What follows `word` on its line; nothing when there is no such line."""
        found = re.search(rf"^{word} (.*)$", self.text.decode("utf-8", "replace"), re.MULTILINE)
        return found[1] if found else ""

    def voters(self, policy: Policy | None) -> set[int]:
        """Numbers of the holders of `policy` who signed."""
        holders = policy.holders if policy is not None else ()
        return {n for n, holder in enumerate(holders, start=1) if holder.raw in self.keys}


def deed(before: State, event: Input) -> Deed | None:
    """What this event commits, if anything whole."""
    upload = before.upload
    if not isinstance(event, Received) or not isinstance(event.message, UploadCommit):
        return None
    if upload is None or len(upload.text) != upload.length:
        return None
    known = _keys(before, upload)
    kind, text = upload.kind, upload.text
    keys = {key for key in known for _, signature in upload.signatures if _signed(key, kind, text, signature)}
    return Deed(kind, text, frozenset(keys))


def _keys(before: State, upload: Upload) -> set[bytes]:
    """Every key that may count: of the policy in force, and those that the text itself names."""
    policy = before.fram.policy
    named = set() if upload.kind is not UploadKind.POLICY else _named(upload.text)
    return named | ({holder.raw for holder in policy.holders} if policy is not None else set())


def _named(text: bytes) -> set[bytes]:
    return {base64.b64decode(found) for found in KEY.findall(text)}


@lru_cache(maxsize=8192)
def _signed(key: bytes, kind: UploadKind, text: bytes, signature: bytes) -> bool:
    space = f"{MEANING[kind]}@v1".encode()
    parts = (space, b"", b"sha512", hashlib.sha512(text).digest())
    blob = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, blob)
    except (InvalidSignature, ValueError):
        return False
    return True
