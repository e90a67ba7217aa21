"""Names of files in a ports.Files: relative, '/'-separated, and never of a form that leads out.

Pure text; looks at no disk.
"""

from __future__ import annotations

import os

NAME_BYTES_MAX = 250  # bytes; ext4's 255 less the dot and ".tmp" of the temporary name


def temporary(leaf: str) -> str:
    """The name that `leaf` has while it is written."""
    return f".{leaf}.tmp"


def is_temporary(leaf: str) -> bool:
    """Whether a file of this name was never placed."""
    return leaf.startswith(".") and leaf.endswith(".tmp")


def split(name: str) -> tuple[str, str]:
    """(folder, leaf) of a file's name; ValueError for what cannot be one."""
    *folders, leaf = name.split("/")
    if not all(map(_is_component, (*folders, leaf))) or is_temporary(leaf):
        raise ValueError(f"not a file name: {name!r}")
    if len(os.fsencode(leaf)) > NAME_BYTES_MAX:
        raise ValueError(f"not a file name that fits: {leaf[:20]!r}...")
    return "/".join(folders), leaf


def parts(folder: str) -> list[str]:
    """The components of a folder's name, none for the root; ValueError for what cannot be one."""
    components = folder.split("/") if folder else []
    if not all(_is_component(component) for component in components):
        raise ValueError(f"not a folder name: {folder!r}")
    return components


def join(folder: str, leaf: str) -> str:
    """The inverse of `split`."""
    return f"{folder}/{leaf}" if folder else leaf


def _is_component(text: str) -> bool:
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text
