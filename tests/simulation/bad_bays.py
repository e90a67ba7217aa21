"""Drives that misbehave under the product's own commands: full, read-only, unreadable, hung, yanked.

The file operations are the real adapter's on real directories. What ails a bay is told by the adapter's own
two hooks: the step that a drive fails, or that it is gone. Disks that are really full or read-only are in
tests/block.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from appliance.adapters.directory import Directory
from appliance.compose import machine

SHARDS = "shards/"


class Ailment(Protocol):
    """Of one bay. `step` comes after every durable step and may raise; `alive` false: nothing answers."""

    def step(self, label: str) -> None: ...

    def alive(self) -> bool: ...


@dataclass
class Failing:
    """Gives this error from its durable step number `after` on, counted among those that name `word`."""

    error: int
    after: int = 0
    word: str = SHARDS

    def step(self, label: str) -> None:
        if self.word in label:
            self.after -= 1
            if self.after < 0:
                raise OSError(self.error, os.strerror(self.error))

    def alive(self) -> bool:
        return True


@dataclass
class Yanked:
    """Answers nothing after its `after`th step on a shard; again from the `back`th question on that it left
    without an answer."""

    after: int
    back: int | None = None
    unanswered: int = 0

    def step(self, label: str) -> None:
        self.after -= SHARDS in label

    def alive(self) -> bool:
        if self.after > 0 or (self.back is not None and self.unanswered >= self.back):
            return True
        self.unanswered += 1
        return False


@dataclass
class Hung:
    """After its `after`th step on a shard nothing comes back any more: every call takes as long as `wait`."""

    wait: Callable[[], None]
    after: int = 0

    def step(self, label: str) -> None:
        self.after -= SHARDS in label

    def alive(self) -> bool:
        if self.after <= 0:
            self.wait()
        return True


class BadBays:
    """What ails which bay; a bay that is not named is well. Lasts until it is taken out again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ails: dict[int, Ailment] = {}
        monkeypatch.setattr(machine, "Directory", self._directory)

    def _directory(
        self, path: Path, *, steps: Callable[[str], None], alive: Callable[[], bool]
    ) -> Directory:
        ailment = self.ails.get(int(path.name))
        if ailment is None:
            return Directory(path, steps=steps, alive=alive)

        def step(label: str) -> None:
            steps(label)
            ailment.step(label)

        return Directory(path, steps=step, alive=lambda: alive() and ailment.alive())
