"""The trace of a bench command: recorded while it runs, written when it ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.compose.emulation import Emulation
from appliance.errors import TraceUnwritten
from hw import trace
from hw.twin.recorder import Recorder


@contextmanager
def traced(emulation: Emulation, path: str) -> Iterator[None]:
    """Record what the box does into the new file `path`; nothing for an empty path. TraceUnwritten, before
    anything is connected, where the file is there already or cannot come into being."""
    if not path:
        yield
        return
    place = Path(path)
    if place.exists() or place.is_symlink():
        raise TraceUnwritten(path=path, detail="it is there already")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise TraceUnwritten(path=path, detail="there is no such folder, or it may not be written")
    emulation.recorder = recorder = Recorder()
    try:
        yield
    except BaseException:
        with suppress(TraceUnwritten):  # the command's own error is the news
            _write(place, recorder)
        raise
    finally:
        emulation.recorder = None
    _write(place, recorder)


def _write(place: Path, recorder: Recorder) -> None:
    try:
        with place.open("x", encoding="ascii") as file:
            file.write(trace.encode(recorder.trace()))
    except OSError as error:
        raise TraceUnwritten(path=str(place), detail=error.strerror or str(error)) from None
