"""What the acts of the demo share: the scene, what came out so far, and how an act speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.cli import sentence
from appliance.cli.face import Face
from appliance.cli.live import LiveScreen
from appliance.errors import DemoFailed, IwatoError
from appliance.ports import Appliance, Scene

ACTS = 7


@dataclass(slots=True, kw_only=True)
class Show:
    """What the acts share and what the table at the end is made of."""

    face: Face
    screen: LiveScreen
    scene: Scene
    appliance: Appliance
    windows: list[Mapping[str, Any]] = field(default_factory=list)
    restored: Mapping[str, Any] = field(default_factory=dict)
    compared: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[dict[str, object]] = field(default_factory=list)

    def act(self, number: int, title: str) -> None:
        """Begin an act."""
        self.screen.begin()
        self.screen.log("")
        self.screen.log(f"[{number}/{ACTS}] {self.face.text(title)}", style="bold")

    def say(self, msgid: str, **values: object) -> None:
        """A sentence under the act's title."""
        self.screen.log("      " + self.face.text(msgid, **values))

    def lacks(self, error: IwatoError) -> None:
        """What this machine or this source could not show: said now, listed last."""
        self.warnings.append({"code": error.code, "values": error.values})
        self.screen.warn(sentence.of(self.face.catalogue, self.warnings[-1]))

    def require(self, holds: bool, claim: str) -> None:
        """The demo fails unless the claim holds."""
        if not holds:
            raise DemoFailed(claim=claim)
