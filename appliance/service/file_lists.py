"""A snapshot's lists of files as a restore reads them: entry by entry, for the sources that are wanted.

Parsed as hostile: whoever knew the public key could write one. A list that is lost is reported once, by
its own name, and has no entries from then on. Lives in the key process only. FORMAT 4.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from appliance.domain.file_entry import FileEntry
from appliance.domain.ids import PackId
from appliance.errors import VaultError
from appliance.format import age_file, manifest
from appliance.pipeline import seal
from appliance.service.gather import Gatherer
from appliance.service.selection import Selection

PIECE_BYTES = 1 << 20  # bytes of a list read at a time


@dataclass(slots=True, kw_only=True)
class Walked:
    """Of one source: entries met, and how many its last segment says there are."""

    entries: int = 0
    said: int | None = None


class FileLists:
    """`failed` gets the name and error of a lost list, `moved` is called at every entry. `walked` is by
    source, `lost` are segments."""

    def __init__(
        self,
        gatherer: Gatherer,
        identity: age_file.Unwraps,
        failed: Callable[[bytes, VaultError], None],
        moved: Callable[[], None],
    ) -> None:
        self.lost: set[str] = set()
        self.walked: dict[str, Walked] = {}
        self._gatherer, self._identity = gatherer, identity
        self._failed, self._moved = failed, moved

    def entries(
        self, segment: str, selection: Selection, *, count: bool
    ) -> Iterator[tuple[bytes, FileEntry]]:
        """(source, entry) of one segment, also of objects beside the subtree. `count` them as met."""
        if segment in self.lost:
            return
        try:
            with closing(pieces(self._gatherer, self._identity, segment)) as opened:
                reader = manifest.Reader(opened)
                source = reader.head.source
                if not selection.has_source(source):
                    return
                walked = self.walked.setdefault(source, Walked())
                for entry in reader:
                    self._moved()  # most of a segment may need no byte of a pack
                    walked.entries += count
                    yield source.encode("ascii"), entry
                if reader.end is not None and reader.end.last:
                    walked.said = reader.end.entries
        except VaultError as error:
            self.lost.add(segment)
            self._failed(b"manifest " + segment.encode("ascii"), error)

    def content_bytes(self, segments: Sequence[str], selection: Selection) -> int:
        """Bytes that the files of the selection hold: what a restore has to write. A chunk counts as often
        as it is named, so a short list may come to terabytes."""
        return sum(
            entry.content_bytes
            for segment in segments
            for _source, entry in self.entries(segment, selection, count=False)
            if selection.has(entry.path)
        )


def pieces(gatherer: Gatherer, identity: age_file.Unwraps, segment: str) -> Generator[bytes, None, None]:
    """The opened bytes of a segment, for manifest.Reader. VaultError where they cannot be had."""
    with closing(gatherer.open(PackId(bytes.fromhex(segment)))) as packed:
        plain = seal.Plaintext(identity, packed.pread_into, packed.size)
        for offset in range(0, plain.length, PIECE_BYTES):
            yield plain.read(offset, min(PIECE_BYTES, plain.length - offset))
