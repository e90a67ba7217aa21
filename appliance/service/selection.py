"""What of a snapshot a restore is asked for: sources, and one subtree of each. Reads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.format.ledger_entry import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of a snapshot is wanted. No `sources` are all; `subtree` raw, b"" is everything."""

    sources: frozenset[str] = frozenset()
    subtree: bytes = b""

    def has_source(self, name: str) -> bool:
        return not self.sources or name in self.sources

    def announced(self, snapshot: Seal) -> int:
        """Bytes that the ledger says its files have; 0 for a part of a source, of which it says nothing."""
        wanted = [part.bytes for part in snapshot.sources if self.has_source(part.name)]
        return 0 if self.subtree else sum(wanted)

    def has(self, path: bytes) -> bool:
        """The object itself is wanted."""
        return not self.subtree or path == self.subtree or path.startswith(self.subtree + b"/")

    def leads_to(self, path: bytes) -> bool:
        """A directory on the way to what is wanted."""
        return not path or self.subtree.startswith(path + b"/")

    def text(self) -> str:
        """The same for the same selection."""
        return f"sources={','.join(sorted(self.sources)) or 'all'} path={self.subtree.hex() or '-'}"
