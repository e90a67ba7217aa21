"""All ledger files that the drives hold, each distinct content read and verified once.

Six drives hold the same bytes six times; comparing them is cheap, hashing and checking them is not.
Puts nothing in order and chooses nothing. FORMAT 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import CheckpointRefused, LedgerMalformed
from appliance.format import ledger_segment
from appliance.format.ledger_segment import Gap
from appliance.ledger import checkpoint, growth
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.ledger.copies import Copy
from appliance.ledger.growth import Key, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """`links` are the readable segments in an order that does not depend on where they came from;
    `witnessed` the trees of the checkpoints that verify."""

    links: tuple[Link, ...]
    witnessed: frozenset[Key]
    owners: Mapping[Link, frozenset[str]]
    by_content: Mapping[bytes, Link | None]
    names: Mapping[bytes, str]
    verified: Mapping[bytes, Witnessed | None]

    @classmethod
    def read(cls, found: Sequence[Copy], keys: Keys) -> Shelf:
        """Read everything; what cannot be read is kept as such."""
        contents = {content for copy in found for content in copy.segments.values()}
        notes = {content for copy in found for content in copy.checkpoints.values()}
        by_content = {content: _link(content) for content in contents}
        links = [link for link in by_content.values() if link]
        verified = {note: _verified(note, keys) for note in notes}
        return cls(
            links=tuple(sorted(links, key=lambda link: (link.segment.first, link.leaves))),
            witnessed=frozenset((said.size, said.root) for said in verified.values() if said),
            owners=_owners(found, by_content),
            by_content=by_content,
            names={content: ledger_segment.name(content) for content, link in by_content.items() if link},
            verified=verified,
        )

    @property
    def gapped(self) -> bool:
        """Whether any segment holds a bare hash."""
        return any(isinstance(record, Gap) for link in self.links for record in link.segment.records)

    def segments(self, copy: Copy) -> dict[str, Link | None]:
        """The copy's segments by name; nothing for a file that is damaged or not what its name says."""
        return {
            name: self.by_content[content] if self.names.get(content) == name else None
            for name, content in sorted(copy.segments.items())
        }

    def checkpoints(self, copy: Copy) -> dict[str, bool]:
        """Whether each of the copy's checkpoints verifies and is what its name says."""
        return {
            name: (said := self.verified[note]) is not None and said.size == checkpoint.size_named(name)
            for name, note in sorted(copy.checkpoints.items())
        }

    def notes(self) -> dict[int, bytes]:
        """The checkpoints that verify, by size."""
        return {said.size: note for note, said in sorted(self.verified.items()) if said}

    def holders(self, links: Iterable[Link]) -> int:
        """How many copies hold at least one of these segments."""
        return len(frozenset[str]().union(*(self.owners[link] for link in links)))


def _owners(found: Sequence[Copy], by_content: Mapping[bytes, Link | None]) -> dict[Link, frozenset[str]]:
    owners: dict[Link, set[str]] = {link: set() for link in by_content.values() if link}
    for copy in found:
        for content in copy.segments.values():
            if link := by_content[content]:
                owners[link].add(copy.label)
    return {link: frozenset(labels) for link, labels in owners.items()}


def _link(content: bytes) -> Link | None:
    try:
        return growth.link_of(ledger_segment.decode(content))
    except LedgerMalformed:
        return None


def _verified(note: bytes, keys: Keys) -> Witnessed | None:
    try:
        return checkpoint.verify(note, keys)
    except CheckpointRefused:
        return None
