"""Power cuts at a chosen durable step: the harness that files, index and intake are tried with.

Give `cut.step` to every Directory and SqliteIndex as `steps` and `cut.alive` as `alive`. At step N the
power fails: PowerCut is raised there and at everything durable that is tried afterwards.
"""

from __future__ import annotations


class PowerCut(BaseException):
    """No `except Exception` survives a power cut."""


class Power:
    """Fails after `steps` durable steps; never, when that is None. `labels` are the steps so far."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps = steps
        self.labels: list[str] = []

    def step(self, label: str) -> None:
        self.labels.append(label)
        if self.steps is not None and len(self.labels) >= self.steps:
            raise PowerCut(f"after step {len(self.labels)}: {label}")

    def alive(self) -> bool:
        if self.steps is not None and len(self.labels) >= self.steps:
            raise PowerCut("still no power")
        return True
