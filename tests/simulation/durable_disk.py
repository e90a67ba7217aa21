"""What of a directory tree survives a power cut when the disk keeps only what it was told to keep.

Page cache is lost: of a file only the bytes of its last fsync are left, of a folder only the names of its
last fsync. That is the harshest disk that keeps its promises; the mildest keeps everything. `Cache` listens
to os.fsync and turns a tree into what such a disk would show. It does not reorder and does not tear.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Cache:
    """Inode numbers to what is durable of them: bytes of a file, names of a folder."""

    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    is_over: bool = False

    def lose_power(self) -> None:
        """Nothing becomes durable from now on, whatever is still tried."""
        self.is_over = True

    def settle(self, root: Path) -> None:
        """Everything below `root` is durable now, as after a clean shutdown."""
        for folder, _, names in os.walk(root):
            self._keep_folder(Path(folder))
            for name in names:
                self._keep_file(Path(folder, name))

    def synced(self, descriptor: int) -> None:
        """After an fsync of this descriptor."""
        if self.is_over:
            return
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._keep_folder(place)
        else:
            self._keep_file(place)

    def lose_the_rest(self, root: Path) -> list[str]:
        """Turn the tree into what the disk kept; gives the names that lost something."""
        lost: list[str] = []
        self._lose_in(root, root, lost)
        return lost

    def _keep_file(self, path: Path) -> None:
        self.files[path.stat().st_ino] = path.read_bytes()

    def _keep_folder(self, path: Path) -> None:
        self.folders[path.stat().st_ino] = {item.name: item.lstat().st_ino for item in path.iterdir()}

    def _lose_in(self, folder: Path, root: Path, lost: list[str]) -> None:
        kept = self.folders.get(folder.stat().st_ino, {})
        here = {item.name: item.lstat().st_ino for item in folder.iterdir()}
        inodes = {number: name for name, number in here.items()}
        for name, number in here.items():
            path = folder / name
            if kept.get(name) == number:
                continue
            lost.append(str(path.relative_to(root)))
            if path.is_dir():
                shutil.rmtree(path)  # a folder whose name was not kept takes its content with it
            elif number not in kept.values():
                path.unlink()
        for name, number in kept.items():
            path = folder / name
            now = inodes.get(number)
            if now is not None and now != name and (folder / now).exists():
                (folder / now).rename(path)  # a rename that was not kept
            elif now is None and number in self.files:
                path.write_bytes(self.files[number])  # an unlink that was not kept
                self.files[path.stat().st_ino] = self.files[number]
                lost.append(str(path.relative_to(root)))
        for path in list(folder.iterdir()):
            if path.is_dir():
                self._lose_in(path, root, lost)
            else:
                self._lose_bytes(path, root, lost)

    def _lose_bytes(self, path: Path, root: Path, lost: list[str]) -> None:
        kept = self.files.get(path.stat().st_ino, b"")
        if path.read_bytes() != kept:
            path.write_bytes(kept)
            lost.append(str(path.relative_to(root)))


def listening(cache: Cache, fsync: Callable[[int], None]) -> Callable[[int], None]:
    """An os.fsync that tells the cache."""

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        cache.synced(descriptor)

    return sync
