"""Page-aligned memory for transfers around the page cache. Allocates; never frees early."""

from __future__ import annotations

import mmap


def aligned(length: int) -> memoryview:
    """`length` zero bytes that begin on a page."""
    return memoryview(mmap.mmap(-1, length))[:length]
