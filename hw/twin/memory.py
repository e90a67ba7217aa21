"""What the interlock keeps without power: two FRAM slots and the battery clock.

`FileMemory` keeps them in a folder, FRAM made durable before it returns; `RamMemory` is for voyages on a
virtual clock. `steps` is called around every write, so that a test can cut the power there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from firmware.model.fram import SLOTS
from hw.twin import kept_file

RECORD_BYTES_MAX = 64 << 10  # bytes; a damaged file must not fill the memory
_RTC_BYTES = 20  # bytes; decimal milliseconds of Unix time, always in the same place
_FRAM = tuple(f"fram-{slot}" for slot in range(SLOTS))
_RTC = "rtc"

Steps = Callable[[str], None]


class Memory(Protocol):
    """The interlock's memory chip and clock chip."""

    def slot(self, number: int) -> bytes: ...

    def write_slot(self, number: int, record: bytes) -> None: ...

    def rtc_ms(self) -> int | None:
        """Unix time in ms; None when the battery was lost."""
        ...

    def write_rtc(self, unix_ms: int) -> None: ...


def no_steps(_: str) -> None:
    """Nobody wants to cut the power."""


class RamMemory:
    """Lost with the process."""

    def __init__(self, slots: tuple[bytes, bytes], rtc_ms: int | None, *, steps: Steps = no_steps) -> None:
        self._slots = list(slots)
        self._rtc_ms = rtc_ms
        self._steps = steps

    def slot(self, number: int) -> bytes:
        return self._slots[number]

    def write_slot(self, number: int, record: bytes) -> None:
        self._steps("fram begins")
        self._slots[number] = record[: len(record) // 2]
        self._steps("fram half written")
        self._slots[number] = record
        self._steps("fram written")

    def rtc_ms(self) -> int | None:
        return self._rtc_ms

    def write_rtc(self, unix_ms: int) -> None:
        self._rtc_ms = unix_ms


class FileMemory:
    """`folder`/fram-0, fram-1 and rtc. The folder is the plant's alone (no controller may reach it).
    Reading raises kept_file.KeptInvalid."""

    def __init__(self, folder: Path, *, steps: Steps = no_steps) -> None:
        self._folder = folder
        self._steps = steps

    def slot(self, number: int) -> bytes:
        try:
            return kept_file.read(self._folder / _FRAM[number], RECORD_BYTES_MAX)
        except FileNotFoundError:
            return b""

    def write_slot(self, number: int, record: bytes) -> None:
        self._steps("fram begins")
        descriptor = os.open(self._folder / _FRAM[number], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            middle = len(record) // 2
            os.ftruncate(descriptor, 0)
            _write_all(descriptor, record[:middle], 0)
            self._steps("fram half written")
            _write_all(descriptor, record[middle:], middle)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._steps("fram written")

    def rtc_ms(self) -> int | None:
        try:
            text = kept_file.read(self._folder / _RTC, _RTC_BYTES)
        except FileNotFoundError:
            return None
        try:
            return int(text) if len(text) == _RTC_BYTES else None
        except ValueError:
            return None

    def write_rtc(self, unix_ms: int) -> None:
        """Not fsynced: a power cut of the box is the plant's death, which leaves the page cache whole."""
        descriptor = os.open(self._folder / _RTC, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, f"{unix_ms:0{_RTC_BYTES}d}".encode(), 0)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    """A full host disk writes part of it and says so by the count; only the next call fails."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
