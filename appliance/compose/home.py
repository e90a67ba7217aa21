"""The home directory of an emulated appliance: where what lies, and who may hold it.

    DIR/policy         signed texts, public
    DIR/tokens         the holders' file tokens (never granted to intake)
    DIR/bay/1..N       the drives
    DIR/staging        the always-powered scratch disk: ciphertext only
    DIR/intake-state   what intake remembers: keyed hashes, its pairing key
    DIR/seal-state     what the drive phases remember: ledger copy, log key, pairing key
    DIR/pending        policies that were handed to the interlock and wait for their delay
    DIR/emulated       the interlock's memory, its clock, the twin's state
    DIR/daemon         what iwatod remembers: windows, alarms
    DIR/run            iwatod's socket, while it runs
    DIR/unborn         only while `init` works: first there, last gone

One command at a time: `lock` raises HomeBusy for a second one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BirthInterrupted, HomeBusy, HomeMissing, HomeNotEmpty, OwnFileMissing, PathUnsafe

PRIVATE_DIRECTORY = 0o700


@dataclass(frozen=True, slots=True)
class Home:
    """Paths only; nothing is read here."""

    root: Path

    @property
    def policy(self) -> Path:
        return self.root / "policy"

    @property
    def tokens(self) -> Path:
        return self.root / "tokens"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def intake_state(self) -> Path:
        return self.root / "intake-state"

    @property
    def seal_state(self) -> Path:
        return self.root / "seal-state"

    @property
    def emulated(self) -> Path:
        return self.root / "emulated"

    @property
    def pending(self) -> Path:
        return self.root / "pending"

    @property
    def bays(self) -> Path:
        return self.root / "bay"

    @property
    def daemon_record(self) -> Path:
        return self.root / "daemon" / "record.json"

    @property
    def socket(self) -> Path:
        return self.root / "run" / "iwatod.sock"

    @property
    def unborn(self) -> Path:
        """The mark of an unfinished birth. A mark of a finished one would say of a home that lost it
        that it may be removed, with all that it keeps."""
        return self.root / "unborn"

    def bay(self, number: int) -> Path:
        """The directory that stands for the drive in bay `number` (from 1)."""
        return self.bays / str(number)

    def token(self, holder: int) -> Path:
        return self.tokens / f"holder-{holder}"

    def require_vacant(self) -> None:
        """HomeNotEmpty where something is there already; BirthInterrupted where that is a half-made home."""
        self.require_born()
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            raise HomeNotEmpty(path=self.root)

    def create(self, drives: int) -> None:
        """Make the empty layout."""
        places = [self.policy, self.tokens, self.staging, self.intake_state, self.seal_state, self.emulated]
        for place in [*places, *(self.bay(number) for number in range(1, drives + 1))]:
            place.mkdir(parents=True, mode=PRIVATE_DIRECTORY)

    def require(self) -> None:
        """HomeMissing unless an appliance was made here, or is being made; OwnFileMissing where it was,
        and has lost its policy since."""
        is_there = any(path.is_file() for path in self.policy.glob("policy-*.txt"))
        if self.unborn.exists() or (is_there and self.emulated.is_dir()):
            return
        self.require_bench()
        raise OwnFileMissing(path=self.policy / "policy-1.txt")

    def require_bench(self) -> None:
        """HomeMissing where neither an interlock nor a bay is left of an appliance."""
        if not (self.emulated.is_dir() and self.bays.is_dir()):
            raise HomeMissing(path=self.root)

    def bay_count(self) -> int:
        """The highest bay that there is."""
        return max((int(path.name) for path in self.bays.iterdir() if path.name.isdecimal()), default=0)

    def require_born(self) -> None:
        """BirthInterrupted for a half-made home. Under the lock only: else its birth may still go on."""
        if self.unborn.exists():
            raise BirthInterrupted(path=self.root)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for one command. The kernel lets go when the process dies."""
        self.root.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise HomeBusy(path=self.root) from error
        try:
            yield
        finally:
            os.close(fd)


def keep_apart(home: Path, others: dict[str, Path]) -> None:
    """The home, the sources and the targets must not contain one another: a source that holds the
    home would grant its keys to intake and would back up its own backup. PathUnsafe otherwise."""
    inner = home.resolve()
    for other in others.values():
        outer = other.resolve()
        if inner == outer or inner.is_relative_to(outer):
            raise PathUnsafe(inner=inner, outer=outer)
        if outer.is_relative_to(inner):
            raise PathUnsafe(inner=outer, outer=inner)
