"""Makes the interlock's memory as the workshop would: pairing key, witness key, clock set once.

Does no ceremony and knows no policy: policy 1 is given to the running interlock (20-interlock).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware.model import fram
from hw.twin.memory import FileMemory, RamMemory, Steps, no_steps

FOLDER_MODE = 0o700  # the witness key lies in it


def commission(folder: Path, *, pairing_key: bytes, witness_seed: bytes, start_unix_s: int) -> None:
    """Write a factory-new memory into `folder`, which must be new or empty. All keys are 32 bytes."""
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(folder)
    memory = FileMemory(folder)
    slots = fram.commission(pairing_key=pairing_key, witness_seed=witness_seed, time_s=start_unix_s)
    for number, record in enumerate(slots):
        memory.write_slot(number, record)
    memory.write_rtc(start_unix_s * 1000)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def in_ram(
    *, pairing_key: bytes, witness_seed: bytes, start_unix_s: int, steps: Steps = no_steps
) -> RamMemory:
    """The same without files, for voyages on a virtual clock."""
    slots = fram.commission(pairing_key=pairing_key, witness_seed=witness_seed, time_s=start_unix_s)
    return RamMemory(slots, start_unix_s * 1000, steps=steps)


def witness_public_key(witness_seed: bytes) -> bytes:
    """32 bytes that the birth ceremony puts into the policy."""
    public = Ed25519PrivateKey.from_private_bytes(witness_seed).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
