"""An age file on its way into staging: sealed in memory, written piece by piece, named by its content.

One maker per worker: it owns the window that its files are sealed in, one file at a time. Plaintext
never leaves this process. FORMAT 3.1.
"""

from __future__ import annotations

from appliance.domain.geometry import Geometry
from appliance.format import age_file, age_recipient, batch
from appliance.pipeline import seal
from appliance.ports import Entropy, Placing, ScratchFiles
from appliance.service import buffers


class PackMaker:
    """`lane` names the temporary file, so that no two makers meet."""

    def __init__(
        self,
        staging: ScratchFiles,
        recipient: age_recipient.Recipient,
        entropy: Entropy,
        *,
        geometry: Geometry,
        lane: str,
    ) -> None:
        self._staging = staging
        self._recipient = recipient
        self._entropy = entropy
        self._data = geometry.data
        self._name = f"{batch.PACKS_FOLDER}/{lane}"
        self._window = buffers.aligned(seal.window_bytes(self._data))
        self._placing: Placing | None = None

    def open(self) -> seal.PackSealer:
        """Begin a file."""
        assert self._placing is None
        self._placing = self._staging.begin(self._name)
        return seal.PackSealer(
            sealer=age_file.sealer(self._recipient, self._entropy),
            window=self._window,
            data=self._data,
            emit=self._placing.pwrite,
        )

    def close(self, sealer: seal.PackSealer) -> seal.SealedPack:
        """Finish the file; on return it is durable under its name."""
        assert self._placing is not None
        sealed = sealer.finish()
        self._placing.place(sealed.size, batch.pack_name(sealed.id))
        self._placing = None
        return sealed

    def abandon(self) -> None:
        """Give up the file that is open, if there is one."""
        placing, self._placing = self._placing, None
        if placing is not None:
            placing.abandon()
