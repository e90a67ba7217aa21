"""The witness: appends to its own frontier and cosigns checkpoints (PROTOCOL 7.1; C2SP tlog-cosignature).

Never a lock-out: an identical retry gets the identical answer, everything else a refusal.
"""

from __future__ import annotations

import base64
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware.model import frontier, limits
from firmware.model.fram import Fram, Log
from firmware.wire.codes import Cause
from firmware.wire.messages import Cosign, Cosigned


def public_key(fram: Fram) -> bytes:
    """The witness key that policies must name, 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(fram.factory.witness_seed).public_key().public_bytes_raw()


def origin(vault_id: bytes) -> str:
    """The log's name in its checkpoints."""
    return f"iwato/{vault_id.hex()}"


def checkpoint(vault_id: bytes, size: int, root: bytes) -> bytes:
    """The C2SP checkpoint text, without signatures."""
    return f"{origin(vault_id)}\n{size}\n{base64.b64encode(root).decode('ascii')}\n".encode("ascii")


def cosigned_text(time_s: int, text: bytes) -> bytes:
    """What a cosignature/v1 signs."""
    return b"cosignature/v1\ntime %d\n" % time_s + text


def append(fram: Fram, request: Cosign, now_s: int) -> Fram | Cause:
    """The memory that may answer `request`, or why not."""
    log = fram.log
    if request.size == log.size and log.size > 0:
        return fram if request.leaf_hash == log.last_leaf else Cause.LOG_FORK
    if request.size != log.size + 1 or request.size > limits.LOG_LEAVES_MAX:
        return Cause.LOG_SIZE
    edge = frontier.append(log.size, log.edge, request.leaf_hash)
    after = Log(
        size=request.size, edge=edge, last_leaf=request.leaf_hash, last_time_s=max(now_s, log.last_time_s)
    )
    return replace(fram, log=after)


def answer(fram: Fram) -> Cosigned:
    """The cosignature over the newest checkpoint; Ed25519 makes it the same every time."""
    policy, log = fram.policy, fram.log
    assert policy is not None, "append was refused without a policy"
    root = frontier.root(log.edge)
    text = cosigned_text(log.last_time_s, checkpoint(policy.vault_id, log.size, root))
    key = Ed25519PrivateKey.from_private_bytes(fram.factory.witness_seed)
    return Cosigned(size=log.size, time_s=log.last_time_s, root=root, signature=key.sign(text))
