"""What a face may ask of the policies of one box (ports.Appliance.policies). Declares no behaviour.

The mappings that come back are the commands' JSON. Raises IwatoError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class AskPassphrase(Protocol):
    """As ports.Ask."""

    def __call__(self, token: str, holder: int | None) -> str | None: ...


class Policies(Protocol):
    """The policy in force, the one that waits, and those that people are preparing. Each method is one
    command."""

    def in_force(self) -> Mapping[str, Any]:
        """Text, facts in words, and what is pending."""

    def compared(self, draft: bytes) -> Mapping[str, Any]:
        """An edited copy against the policy in force: its findings, or its canonical text, changes and
        capture sets before and after."""

    def signed(
        self, text: bytes, tokens: Sequence[str], ask: AskPassphrase | None
    ) -> Mapping[str, Any]:
        """Signatures of these tokens' holders on the next policy, as `.sig` texts by file suffix."""

    def submitted(self, text: bytes, signatures: Mapping[str, str]) -> Mapping[str, Any]:
        """Hand the next policy to the interlock; `signatures` by file name."""

    def objected(
        self, tokens: Sequence[str], ask: AskPassphrase | None, why: str, *, override: bool
    ) -> Mapping[str, Any]:
        """A veto against the pending policy, or the override of all vetoes that stand."""

    def verified(
        self, text: bytes | None, place: str, signatures: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Every policy from the first to the one in force, or the one at `place` that is being signed, with
        the signatures beside it, by path."""

    def capture_sets(self, draft: bytes | None, board: str = "") -> Mapping[str, Any]:
        """Who must be captured for what, now and under a draft; on this board, or on the one of this name."""
