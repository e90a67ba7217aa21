"""The controller's copies of policies that were handed to the interlock: `DIR/pending/HASH/`.

    policy-2.txt   1.sig   4.sig   132.sig          (the number as the interlock counts signers)

Written before the interlock is asked, and never removed: what is no successor of the policy in force any more
is not looked at. Every byte is judged anew when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.adapters import small_file
from appliance.adapters.directory import ScratchDirectory
from appliance.compose.home import PRIVATE_DIRECTORY
from appliance.custody import policy as policy_text
from appliance.custody import policy_files
from appliance.errors import StateFailed

HASH_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A text with the signatures beside it, as `.sig` texts by file name."""

    text: bytes
    signatures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PendingPolicies:
    """Of one home; `folder` need not exist."""

    folder: Path

    def of_version(self, version: int) -> dict[bytes, Kept]:
        """Hash to text, of this version. What cannot be read is not there."""
        found = {}
        for place in sorted(self.folder.glob("?" * HASH_CHARS)):
            text = _read(place / policy_files.policy_name(version), policy_text.TEXT_BYTES_MAX)
            if text is not None and policy_text.digest(text).hex() == place.name:
                found[policy_text.digest(text)] = Kept(text=text, signatures=_signatures(place))
        return found

    def keep(self, version: int, text: bytes, signatures: Mapping[str, str]) -> None:
        """Durable on return, in the place of a copy that was damaged since. StateFailed."""
        place = policy_text.digest(text).hex()
        files = {name: armored.encode() for name, armored in signatures.items()}
        try:
            self.folder.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            shelf = ScratchDirectory(self.folder)
            for name, content in (files | {policy_files.policy_name(version): text}).items():
                shelf.replace(f"{place}/{name}", content)
        except OSError as error:
            raise StateFailed(detail=f"{error.strerror}: {error.filename}") from error


def _signatures(place: Path) -> dict[str, str]:
    found = {path.name: _read(path, policy_files.SIGNATURE_BYTES_MAX) for path in place.glob("*.sig")}
    return {name: text.decode("ascii", "replace") for name, text in found.items() if text is not None}


def _read(path: Path, limit: int) -> bytes | None:
    try:
        return small_file.read(path, limit)
    except (OSError, ValueError):
        return None
