"""ports.FolderStates of the dedup index: one query for all files of a folder, decoded one by one as they
are met. Opens no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.domain.file_state import Remembered


class KnownFolder:
    """`records` by the key that `leaf_key` gives a name; `remembered` decodes one, given the record, its
    place and the file's signature."""

    def __init__(
        self,
        leaf_key: Callable[[bytes], bytes],
        remembered: Callable[[bytes, bytes, bytes], Remembered | None],
        folder: bytes,
        records: Mapping[bytes, bytes],
    ) -> None:
        self._leaf_key, self._remembered = leaf_key, remembered
        self._folder, self._records = folder, records

    def find(self, leaf: bytes, signature: bytes) -> Remembered | None:
        if not self._records:
            return None
        name = self._leaf_key(leaf)
        content = self._records.get(name)
        if content is None:
            return None
        return self._remembered(content, self._folder + name, signature)
