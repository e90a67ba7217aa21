"""All ledger files that the drives hold, each distinct content read and verified once.

Six drives hold the same bytes six times; comparing them is cheap, hashing and checking them is not.
Puts nothing in order and chooses nothing. FORMAT 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import CheckpointRefused, LedgerMalformed
from appliance.format import ledger_segment
from appliance.format.ledger_segment import Gap
from appliance.ledger import checkpoint, growth
from appliance.ledger.checkpoint import Keys, Witnessed
from appliance.ledger.copies import Copy
from appliance.ledger.growth import Key, Link
from appliance.ledger.verdict import Finding, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """`links` are the readable segments in an order that does not depend on where they came from;
    `witnessed` the trees of the checkpoints that verify; `refused` what no honest box leaves on a drive:
    checkpoints that do not verify and whole files under wrong names."""

    links: tuple[Link, ...]
    witnessed: frozenset[Key]
    refused: tuple[Finding, ...]
    by_content: Mapping[bytes, Link | None]
    owners: Mapping[Link, frozenset[str]]

    @classmethod
    def read(cls, found: Sequence[Copy], keys: Keys) -> Shelf:
        """Read everything; what cannot be read is kept as such."""
        contents = {content for copy in found for content in copy.segments.values()}
        notes = {content for copy in found for content in copy.checkpoints.values()}
        by_content = {content: _link(content) for content in contents}
        names = {content: ledger_segment.name(content) for content, link in by_content.items() if link}
        links = [link for link in by_content.values() if link]
        verified = {note: _verified(note, keys) for note in notes}
        return cls(
            links=tuple(sorted(links, key=lambda link: (link.segment.first, link.leaves))),
            witnessed=frozenset((said.size, said.root) for said in verified.values() if said),
            refused=tuple(
                finding
                for copy in found
                for finding in (*_misnamed(copy, names), *_refused(copy, verified))
            ),
            by_content=by_content,
            owners=_owners(found, by_content),
        )

    @property
    def gapped(self) -> bool:
        """Whether any segment holds a bare hash."""
        return any(isinstance(record, Gap) for link in self.links for record in link.segment.records)

    def of(self, copy: Copy) -> list[Link]:
        """The copy's readable segments."""
        return [link for content in copy.segments.values() if (link := self.by_content[content])]

    def damaged(self, copy: Copy) -> list[str]:
        """Names of the copy's files that are no segments."""
        return [name for name, content in sorted(copy.segments.items()) if not self.by_content[content]]

    def holders(self, links: Iterable[Link]) -> int:
        """How many copies hold at least one of these segments."""
        return len(frozenset[str]().union(*(self.owners[link] for link in links)))


def _misnamed(copy: Copy, names: Mapping[bytes, str]) -> Iterator[Finding]:
    for name, content in sorted(copy.segments.items()):
        if names.get(content, name) != name:
            yield Finding(kind=Kind.COPY_DAMAGED, where=copy.label, detail=name)


def _refused(copy: Copy, verified: Mapping[bytes, Witnessed | None]) -> Iterator[Finding]:
    for name, note in sorted(copy.checkpoints.items()):
        said = verified[note]
        if said is None or checkpoint.file_name(said.size) != name:
            yield Finding(kind=Kind.CHECKPOINT_REFUSED, where=copy.label, detail=name)


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
