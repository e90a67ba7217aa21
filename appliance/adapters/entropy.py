"""ports.Entropy: the kernel's random bytes, and a seeded stream that replays."""

from __future__ import annotations

import hashlib
import os


class SystemEntropy:
    """getrandom(2): fit for keys."""

    def __call__(self, length: int, /) -> bytes:
        return os.urandom(length)


class SeededEntropy:
    """The same bytes for the same seed: for voyages that must replay, never for keys of a real box."""

    def __init__(self, seed: int) -> None:
        self._seed = seed.to_bytes(16, "big", signed=True)
        self._given = 0

    def __call__(self, length: int, /) -> bytes:
        self._given += 1
        return hashlib.shake_256(self._seed + self._given.to_bytes(8, "big")).digest(length)
