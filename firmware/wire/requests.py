"""What the controller says (PROTOCOL 3.4). Values only; messages.py gives each its number and its fields."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.wire.codes import Phase, UploadKind

NONCE_BYTES = 8  # bytes; a session nonce must never repeat under one pairing key, 2^32 sessions are plenty
CHUNK_BYTES_MAX = 480  # bytes; leaves room for offset and id inside one 512-byte payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Opens a session. `nonce` is the opener's fresh nonce (the session fills it when it is zeros)."""

    nonce: bytes = bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The work makes progress. `stamp_ms` echoes the newest stamp of the interlock's HelloAck or Status."""

    progress: int
    stamp_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPhase:
    """Asks for INTAKE, SEAL, SCRUB, RECOVERY, ISOLATED (cut now) or SECURED."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work of `phase` is finished; a Done for another phase than the present one is refused."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBegin:
    """A text of `length` bytes follows in chunks; any upload under way is forgotten."""

    kind: UploadKind
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadChunk:
    """The next bytes, which begin at `offset`."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSignature:
    """Raw signature over the text's SSHSIG blob. `signer`: number of a holder of the policy in force, or 128
    plus the number of a holder whom the uploaded policy itself names (PROTOCOL 12.2)."""

    signer: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCommit:
    """Everything is here: check and accept, or refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosign:
    """Asks for the cosignature over the log of `size` leaves whose last leaf hash is `leaf_hash`."""

    size: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRead:
    """Asks for the oldest event whose sequence is greater than `after`."""

    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeRead:
    """Asks for the challenge that a time order has to name; repeated, it gets the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRead:
    """Asks what policy is in force, what is pending, and which drive group may be fed."""
