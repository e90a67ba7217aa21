"""What holders sign, as a tool of their own would write it: the texts of PROTOCOL 7, 12, 13, and the votes.

`Pen` writes for one box: under the policy that is in force there, by the time that is there.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.model import order_lines, sshsig
from firmware.model.facts import Policy
from firmware.wire.codes import Cause, UploadKind
from firmware.wire.messages import Challenge, ChallengeRead, Message
from firmware.wire.session import Fault
from tests.firmware.box import HOLDERS, KEYS, Box, policy_text

Vote = tuple[int, bytes]
K = (1, 2, 3)
TWO_GROUPS = ("drives 2+1 write=3", "drives 2+1 write=3 sealed")


def stamp(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def votes(kind: UploadKind, text: bytes, holders: Sequence[int] = K) -> list[Vote]:
    """By holders of the first policy; 128 and more: by KEYS, as holders whom only the text names."""
    blob = sshsig.blob(order_lines.NAMESPACES[kind], text)
    return [(n, HOLDERS[n - 1].sign(blob)) for n in holders]


def entering(kind: UploadKind, text: bytes, places: dict[int, Ed25519PrivateKey]) -> list[Vote]:
    """Votes of holders whom only the text names: number there, key."""
    blob = sshsig.blob(order_lines.NAMESPACES[kind], text)
    return [(0x80 | n, key.sign(blob)) for n, key in places.items()]


def replaced(*numbers: int) -> tuple[Ed25519PrivateKey, ...]:
    """The five holders, each of `numbers` replaced by somebody new."""
    return tuple(KEYS[n + 9] if n + 1 in numbers else key for n, key in enumerate(HOLDERS))


class Pen:
    """Writes under the policy in force of `box`."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.nonce = 0

    @property
    def policy(self) -> Policy:
        policy = self.box.state.fram.policy
        assert policy is not None
        return policy

    def successor(self, **changes: object) -> bytes:
        """The next policy's text; at least the delay differs, so that two are two texts."""
        policy = self.policy
        said = {"version": policy.version + 1, "previous": policy.digest, **changes}
        return policy_text(**said)  # type: ignore[arg-type]

    def entering(self, text: bytes) -> list[Vote]:
        """Votes of everybody whom a policy's text names and the policy in force does not."""
        known = {holder.raw for holder in self.policy.holders}
        named = [line.split()[2].split(b":")[1] for line in text.splitlines() if line.startswith(b"holder ")]
        keys = {base64.b64encode(key.public_key().public_bytes_raw()): key for key in KEYS}
        fresh = {n: keys[one] for n, one in enumerate(named, start=1) if base64.b64decode(one) not in known}
        return entering(UploadKind.POLICY, text, fresh)

    def order(self, kind: UploadKind, *lines: str, life_s: int = 3600, nonce: bytes | None = None) -> bytes:
        """An order of `kind`; `lines` stand between expiry and reason."""
        self.nonce += 1
        now_s = self.box.rtc_s or self.box.state.fram.time_floor_s
        title = order_lines.LINES[kind][0][0]
        head = self._head(title, f"nonce {(nonce or self.nonce.to_bytes(16, 'big')).hex()}")
        return _join(*head, f"expires {stamp(now_s + life_s)}", *lines, "why drill")

    def recovery(self, life_s: int = 3600) -> bytes:
        text = self.order(UploadKind.RECOVERY_ORDER, "what all", life_s=life_s)
        return text + b"destination /mnt/target\n"

    def release(self, *, secured: bool, fault: Cause = Cause.NONE, life_s: int = 3600) -> bytes:
        name = "-" if fault is Cause.NONE else fault.name
        lines = f"secured {'yes' if secured else 'no'}", f"fault {name}"
        return self.order(UploadKind.RELEASE_ORDER, *lines, life_s=life_s)

    def unseal(self, group: int, life_s: int = 3600) -> bytes:
        return self.order(UploadKind.UNSEAL_ORDER, f"group {group}", life_s=life_s)

    def time(self, unix_s: int, life_s: int = 3600, challenge: bytes | None = None) -> bytes:
        """It was `unix_s` when the box made its present challenge."""
        head = self._head("iwato-time-order", f"nonce {(challenge or self.challenge()).hex()}")
        return _join(*head, f"expires {stamp(unix_s + life_s)}", f"time {stamp(unix_s)}", "why drill")

    def challenge(self) -> bytes:
        answer = self.box.answer(ChallengeRead())
        assert isinstance(answer, Challenge)
        return answer.challenge

    def veto(self) -> bytes:
        return _join(*self._head("iwato-policy-veto", self._pending()), "why no")

    def override(self, *vetoed_by: int) -> bytes:
        named = "vetoed-by " + ",".join(str(number) for number in vetoed_by)
        return _join(*self._head("iwato-policy-override", self._pending()), named, "why yes")

    def hand_in(self, kind: UploadKind, text: bytes, holders: Sequence[int] = K) -> Message | Fault:
        return self.box.upload(kind, text, votes(kind, text, holders))

    def _head(self, title: str, third: str) -> tuple[str, ...]:
        policy = self.policy
        return (
            f"{title} 1",
            f"vault-id {policy.vault_id.hex()}",
            f"policy sha256:{policy.digest.hex()}",
            third,
        )

    def _pending(self) -> str:
        pending = self.box.state.fram.pending
        assert pending is not None
        return f"pending sha256:{pending.policy.digest.hex()}"


def _join(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()
