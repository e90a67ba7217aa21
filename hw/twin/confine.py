"""Landlock and friends: takes away from a process what its phase must not reach (05-settled 2).

No root needed. `apply` binds the calling thread and all its later children for ever. Covers opening,
making, removing, moving and running files, TCP, abstract sockets, signals to and tracing of processes
outside. What Landlock does not cover (other sockets, chmod, chown, utimes; on older kernels truncation and
signals) syscall_filter.py takes away;
stat of a known name stays possible: hw/README.md says so.
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import struct
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.twin import syscall_filter

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system call numbers, equal on all architectures
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CAPSET_VERSION_3 = 0x20080522

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR = (1 << bit for bit in range(4, 8))
_MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK = (1 << bit for bit in range(8, 12))
_MAKE_SYM, _REFER, _TRUNCATE, _IOCTL_DEV = (1 << bit for bit in range(12, 16))

_READ = _READ_FILE | _READ_DIR
_CHANGE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
_NODES = _MAKE_CHAR | _MAKE_BLOCK | _MAKE_SOCK | _MAKE_FIFO
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_ABI_REFER, _ABI_TRUNCATE, _ABI_TCP, _ABI_IOCTL, _ABI_SCOPE = 2, 3, 4, 5, 6
_TCP_BIND_CONNECT = 3
_SCOPE_ABSTRACT_AND_SIGNAL = 3

# What file work needs when the appliance runs as root; the rest (SYS_ADMIN, SYS_PTRACE, SYS_TIME,
# SYS_BOOT, NET_ADMIN, …) would let a captured controller leave the emulated board.
_CAPABILITIES_KEPT = (0, 1, 2, 3, 4, 14, 27, 31)  # CHOWN DAC_* FOWNER FSETID IPC_LOCK MKNOD SETFCAP
_CAPABILITIES_MOST = 63


class ConfinementFailed(OSError):
    """The kernel refused a step. The process must not go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What stays reachable; paths that do not exist are skipped, everything else is denied.

    `write` includes reading; `nodes` are write paths where FIFOs, sockets and devices may be made too
    (a restore target). `execute` includes reading.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        return {key: list(value) for key, value in asdict(self).items()}


def interpreter(*packages: str) -> Rules:
    """What running this Python needs, and `packages` (folders of our code) to read."""
    system = ("/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
    kernel = ("/proc/self", "/proc/meminfo", "/dev/urandom", "/dev/zero")
    around = (*kernel, "/etc/ld.so.cache", "/etc/localtime")
    own = (sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent))
    return Rules(read=(*packages, *around), write=("/dev/null",), execute=(*own, *system))


def join(*rules: Rules) -> Rules:
    """Everything that any of `rules` allows."""
    return Rules(
        read=tuple(path for rule in rules for path in rule.read),
        write=tuple(path for rule in rules for path in rule.write),
        nodes=tuple(path for rule in rules for path in rule.nodes),
        execute=tuple(path for rule in rules for path in rule.execute),
    )


def abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)))


def apply(rules: Rules) -> None:
    """Confine the calling thread. Raises ConfinementFailed; without Landlock only privileges go."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys
    _drop_capabilities()
    _check(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    version = abi()
    if version:
        _landlock(rules, version)
    syscall_filter.apply(restoring=bool(rules.nodes))


def _landlock(rules: Rules, version: int) -> None:
    handled = _handled(version)
    ruleset = _ruleset(handled, version)
    for paths, access in (
        (rules.read, _READ),
        (rules.execute, _READ | _EXECUTE),
        (rules.write, _READ | _CHANGE | _MAKE_FIFO | _MAKE_SOCK),
        (rules.nodes, _READ | _CHANGE | _NODES),
    ):
        _allow(ruleset, paths, access & handled)
    _check(_libc().syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _handled(version: int) -> int:
    handled = (_MAKE_SYM << 1) - 1
    if version >= _ABI_REFER:
        handled |= _REFER
    if version >= _ABI_TRUNCATE:
        handled |= _TRUNCATE
    if version >= _ABI_IOCTL:
        handled |= _IOCTL_DEV
    return handled


def _ruleset(handled: int, version: int) -> int:
    attributes = struct.pack("=Q", handled)
    if version >= _ABI_TCP:
        attributes += struct.pack("=Q", _TCP_BIND_CONNECT)
    if version >= _ABI_SCOPE:
        attributes += struct.pack("=Q", _SCOPE_ABSTRACT_AND_SIGNAL)
    ruleset = int(_libc().syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    _check(ruleset, "landlock_create_ruleset")
    return ruleset


def _allow(ruleset: int, paths: Sequence[str], access: int) -> None:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = struct.pack("=Qi", access if folder else access & _ON_FILES, descriptor)
        _check(_libc().syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0), path)
        os.close(descriptor)


def _drop_capabilities() -> None:
    """Root keeps only what file work needs; anybody else has nothing to drop."""
    if os.geteuid() != 0:
        return
    libc = _libc()
    for number in range(_CAPABILITIES_MOST + 1):
        if number not in _CAPABILITIES_KEPT:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # fails only for numbers the kernel has not
    kept = sum(1 << number for number in _CAPABILITIES_KEPT)
    kept &= _permitted()
    low, high = kept & 0xFFFF_FFFF, kept >> 32
    header = struct.pack("=Ii", _CAPSET_VERSION_3, 0)
    _check(libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)), "capset")


def _permitted() -> int:
    header = struct.pack("=Ii", _CAPSET_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    _check(_libc().capget(header, data), "capget")
    words = struct.unpack("=6I", data.raw)
    return int(words[1]) | int(words[4]) << 32


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise ConfinementFailed(number, f"{what}: {os.strerror(number)}")
