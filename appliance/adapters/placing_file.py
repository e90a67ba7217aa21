"""ports.Placing in a folder of the local file system: written under a temporary name, then renamed.

Every durable step goes through the directory, which counts it and remembers failure. Knows no content.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from appliance.adapters import file_names, noreplace
from appliance.adapters.direct import Descriptor
from appliance.ports import Bytes


class Durable(Protocol):
    """The directory that a file is placed in."""

    def durably(self, label: str) -> AbstractContextManager[None]: ...

    def sync_folder(self, folder_fd: int, folder: str) -> None: ...

    def ended(self, name: str) -> None: ...


class PlacingFile:
    """ports.Placing. Durable and visible only after `place`."""

    def __init__(
        self, directory: Durable, folder_fd: int, descriptor: Descriptor, folder: str, leaf: str
    ) -> None:
        self._directory = directory
        self._folder_fd = folder_fd
        self._descriptor = descriptor
        self._folder = folder
        self._leaf = leaf
        self._name = file_names.join(folder, leaf)

    def pwrite(self, buffer: Bytes, offset: int) -> None:
        with self._directory.durably(f"write {self._name}"):
            self._descriptor.write_all(buffer, offset)

    def place(self, size: int, name: str | None = None) -> None:
        folder, leaf = file_names.split(name) if name is not None else (self._folder, self._leaf)
        if folder != self._folder:
            raise ValueError(f"{name} does not lie in the folder of {self._name}")
        try:
            self._sync(size)
            with self._directory.durably(f"rename {file_names.join(folder, leaf)}"):
                noreplace.rename(self._folder_fd, file_names.temporary(self._leaf), leaf)
            self._directory.sync_folder(self._folder_fd, self._folder)
        except FileExistsError:
            self.abandon()
            raise
        finally:
            self.close()

    def replace(self) -> None:
        """Like `place` at the present size, in the place of an older version. Scratch files only."""
        try:
            self._sync(os.fstat(self._descriptor.number).st_size)
            with self._directory.durably(f"rename {self._name}"):
                old = file_names.temporary(self._leaf)
                os.rename(old, self._leaf, src_dir_fd=self._folder_fd, dst_dir_fd=self._folder_fd)
            self._directory.sync_folder(self._folder_fd, self._folder)
        finally:
            self.close()

    def abandon(self) -> None:
        if self._folder_fd < 0:
            return
        try:
            with self._directory.durably(f"unlink {self._name}"), suppress(FileNotFoundError):
                os.unlink(file_names.temporary(self._leaf), dir_fd=self._folder_fd)
        finally:
            self.close()

    def close(self) -> None:
        """Give back the descriptors and nothing else; the temporary file stays for `sweep`."""
        if self._folder_fd < 0:
            return
        self._descriptor.close()
        os.close(self._folder_fd)
        self._folder_fd = -1
        self._directory.ended(self._name)

    def _sync(self, size: int) -> None:
        with self._directory.durably(f"fsync {self._name}"):
            os.ftruncate(self._descriptor.number, size)
            os.fsync(self._descriptor.number)
