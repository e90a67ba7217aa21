"""Page-aligned memory for one stripe: all n columns, one after the other. One per working thread.

Anonymous mappings begin at a page, so every column can go around the page cache (O_DIRECT).
"""

from __future__ import annotations

import mmap

from appliance.domain.geometry import BLOCK_BYTES, Geometry, Stripe
from appliance.pipeline import scatter


class StripeBuffer:
    """Room for the largest stripe of a geometry."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._memory = memoryview(mmap.mmap(-1, geometry.drives * BLOCK_BYTES))

    def columns(self, stripe: Stripe) -> list[memoryview]:
        """The n columns of `stripe`."""
        return scatter.columns_of(self._memory, stripe.column, self._geometry.drives)

    def data(self, stripe: Stripe) -> memoryview:
        """The stripe's bytes of the pack: its data columns without the zero-filled tail."""
        return self._memory[: stripe.length]

    def pad(self, stripe: Stripe) -> None:
        """Zero what the data columns hold beyond the pack's bytes."""
        end = self._geometry.data * stripe.column
        self._memory[stripe.length : end] = bytes(end - stripe.length)
