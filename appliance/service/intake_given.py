"""What an intake is given beside sources and staging: the vault's public side, who looks on, settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.domain.geometry import Geometry
from appliance.format import age_recipient, zstd_frame
from appliance.pipeline import chunk, flow
from appliance.ports import Console, Entropy
from appliance.service.intake_report import IntakeProgress

THREADS = 3  # workers; 30-vault: the third saves a tenth of the time on two cores


def reserve_bytes(threads: int) -> int:
    """Bytes of staging that finish what is open: a pack for each worker, and the list of files."""
    return (threads + 1) * flow.PACK_BYTES


RESERVE_BYTES = reserve_bytes(THREADS)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSide:
    """What intake knows of the vault: its public key, how packs will be cut, the generation's dedup key
    (32 bytes), and where fresh randomness comes from."""

    recipient: age_recipient.Recipient
    geometry: Geometry
    dedup_key: bytes
    entropy: Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on. `stop` is asked after every step: the window ends soon."""

    console: Console
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[IntakeProgress], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """`threads=0` does everything in the caller's thread, in a fixed order. `full`: read and store all
    anew. `reserve_bytes` of staging stay free. `level` of zstd; `chunk_bytes` of an average chunk."""

    threads: int = THREADS
    full: bool = False
    reserve_bytes: int = RESERVE_BYTES
    level: int = zstd_frame.LEVEL
    chunk_bytes: int = chunk.AVERAGE_BYTES
