"""Bugs that a command can be given, so that the judge of these tests is judged too."""

from __future__ import annotations

import os
from contextlib import suppress

from appliance.adapters.direct import Descriptor
from appliance.ports import Bytes
from appliance.service import pack_placing


def plant(name: str) -> None:
    """In this process; "" is none."""
    if name:
        {"deaf": _ignore_fsync, "hasty": _ignore_short, "rude": _raise_bare, "stuck": _hang}[name]()


def _ignore_fsync() -> None:
    fsync = os.fsync

    def deaf(descriptor: int) -> None:
        with suppress(OSError):
            fsync(descriptor)

    os.fsync = deaf  # type: ignore[assignment]


def _ignore_short() -> None:
    """A short write is taken for a whole one, and nothing is read back."""

    def hasty(self: Descriptor, buffer: Bytes, offset: int) -> None:
        self._write(memoryview(buffer).cast("B"), offset)

    Descriptor.write_all = hasty  # type: ignore[method-assign]
    setattr(pack_placing, "read_back", lambda *_: True)  # noqa: B010 - its own import


def _raise_bare() -> None:
    """An error of the disk ends the program."""

    def rude(self: Descriptor, buffer: Bytes, offset: int) -> None:
        try:
            os.pwrite(self.number, buffer, offset)
        except OSError as error:
            raise ZeroDivisionError from error

    Descriptor.write_all = rude  # type: ignore[method-assign]


def _hang() -> None:
    """An error of the disk is tried again for ever."""

    def stuck(self: Descriptor, buffer: Bytes, offset: int) -> None:
        while True:
            try:
                os.pwrite(self.number, buffer, offset)
            except OSError:
                continue
            return

    Descriptor.write_all = stuck  # type: ignore[method-assign]
