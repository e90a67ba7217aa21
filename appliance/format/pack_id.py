"""The name of a pack: BLAKE3 over the hashes of its data blocks. FORMAT 3.1.

The blocks are the data columns that scattering makes (domain/geometry.py), so whoever reads a pack to
scatter it has checked it against its name without another pass. Zero padding counts as content.
"""

from __future__ import annotations

from blake3 import blake3

from appliance.domain.ids import PackId


class PackIdHasher:
    """Takes a pack's stripes in order. `data` is k, the number of data columns."""

    def __init__(self, data: int) -> None:
        self._data = data
        self._outer = blake3()

    def add(self, stripe: memoryview, column: int) -> None:
        """`stripe` holds `data` columns of `column` bytes, zero-filled behind the pack's end."""
        assert stripe.nbytes == self._data * column
        for start in range(0, stripe.nbytes, column):
            self._outer.update(blake3(stripe[start : start + column]).digest())

    def id(self) -> PackId:
        """The name, once all stripes were added."""
        return PackId(self._outer.digest())
