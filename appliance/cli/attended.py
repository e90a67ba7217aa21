"""Whoever attends the box, as the faces use it: the daemon, or this process where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from appliance.domain.request import AnyRequest


class Attended(Protocol):
    """The messages of DAEMON.md. Raises IwatoError."""

    def ask(self, request: AnyRequest) -> Mapping[str, Any]:
        """The answer's document."""
        ...

    def watch(self) -> Iterator[Mapping[str, Any]]:
        """The status about once a second. DaemonAbsent where no daemon attends the box."""
        ...
