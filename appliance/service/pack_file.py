"""An age file on its way into staging: sealed in memory, written piece by piece, named by its content.

One maker per worker: it owns the window that its files are sealed in, one file at a time. Plaintext
never leaves this process. FORMAT 3.1.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from appliance.domain.geometry import Geometry
from appliance.errors import IwatoError, StagingFailed, StagingFull
from appliance.format import age_file, age_recipient, batch
from appliance.pipeline import seal
from appliance.ports import Entropy, Placing, ScratchFiles
from appliance.service import buffers


class PackMaker:
    """`lane` names the temporary file, so that no two makers meet. What the disk says is raised as
    StagingFull or StagingFailed, because an OSError would look like one of the source's."""

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
        with failing_as_staging(self._staging):
            placing = self._placing = self._staging.begin(self._name)

        def emit(piece: memoryview, offset: int) -> None:
            with failing_as_staging(self._staging):
                placing.pwrite(piece, offset)

        return seal.PackSealer(
            sealer=age_file.sealer(self._recipient, self._entropy),
            window=self._window,
            data=self._data,
            emit=emit,
        )

    def close(self, sealer: seal.PackSealer) -> seal.SealedPack:
        """Finish the file; on return it is durable under its name."""
        assert self._placing is not None
        sealed = sealer.finish()
        with failing_as_staging(self._staging):
            self._placing.place(sealed.size, batch.pack_name(sealed.id))
        self._placing = None
        return sealed

    def abandon(self) -> None:
        """Give up the file that is open, if there is one. A disk that fails keeps it for the sweep."""
        placing, self._placing = self._placing, None
        if placing is not None:
            with suppress(OSError):
                placing.abandon()


@contextmanager
def failing_as_staging(staging: ScratchFiles) -> Iterator[None]:
    """Raise what the staging disk fails with as what it means to the person at the box."""
    try:
        yield
    except OSError as error:
        raise _meaning(staging, error) from error


def _meaning(staging: ScratchFiles, error: OSError) -> IwatoError:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return StagingFailed(detail=error.strerror or type(error).__name__)
    free = 0
    with suppress(OSError):
        free = staging.free_bytes()
    return StagingFull(free=free)
