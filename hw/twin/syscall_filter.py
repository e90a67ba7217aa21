"""Takes system calls away that Landlock does not see: sockets, metadata by path, hold of other processes.

Signals and truncation too: the Landlock of Linux 6.1 (Debian 12) governs neither.

A seccomp filter (seccomp(2), no root needed): what is listed here fails with EACCES for the calling thread
and all its later children, everything else is as before. A local service that listens on a named Unix
socket (a bus, a container engine) would otherwise do unconfined what a captured controller asks for.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_ALLOW = 0x7FFF_0000
_REFUSE = 0x0005_0000 | errno.EACCES
# classic BPF, linux/bpf_common.h
_LOAD, _AND, _EQUAL, _GREATER_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # offsets in struct seccomp_data
_FOREIGN_ABI = 0x4000_0000  # x32 calls on x86-64; no other architecture has numbers like these


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """System call numbers of one architecture. `own_only`: (number, place of the process id), allowed
    with id 0, the caller itself. `restoring`: what a restore needs and nobody else, modes, owners, times and
    attributes of a path. `signals`: calls whose first argument is the process that gets one. `owners`:
    (number, command), which hand the signals of a descriptor to any process. `opening`: (number, place of
    the flags); to open a file for reading and cut it off in one asks the Landlock before Linux 6.2 for
    reading alone."""

    audit: int
    refused: tuple[int, ...]
    own_only: tuple[tuple[int, int], ...]
    restoring: tuple[int, ...]
    signals: tuple[int, ...]
    owners: tuple[tuple[int, int], ...]
    opening: tuple[tuple[int, int], ...]


# Numbers from the kernel's tables. Refused, in this order: socket, io_uring_setup (makes sockets too),
# ptrace, process_vm_readv and _writev, pidfd_getfd, mount, umount2, pivot_root, chroot, open_tree,
# move_mount, fsopen, fsmount, mount_setattr, unshare, setns, bpf, perf_event_open, userfaultfd, add_key,
# request_key, keyctl, shmget, shmat, msgget, semget, mq_open (what these four make outlives its process),
# inotify_add_watch, fanotify_mark, open_by_handle_at, ioprio_set, truncate, tkill, pidfd_send_signal.
# Own only: prlimit64, sched_setaffinity, sched_setscheduler, sched_setparam, sched_setattr, setpriority.
# Restoring: chmod, fchmodat, fchmodat2, chown, lchown, fchownat, setxattr, lsetxattr, removexattr,
# lremovexattr, setxattrat, removexattrat, utime, utimes, futimesat, utimensat, file_setattr, openat2 (its
# flags cannot be seen here). Signals: kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo. Owners: fcntl with
# F_SETOWN and F_SETOWN_EX, ioctl with FIOSETOWN and SIOCSPGRP. Opening: openat, open.
_ARCHITECTURES = {
    "x86_64": _Calls(
        audit=0xC000_003E,
        refused=(
            *(41, 425, 101, 310, 311, 438, 165, 166, 155, 161, 428, 429, 430, 432, 442, 272, 308, 321, 298),
            *(323, 248, 249, 250, 29, 30, 68, 64, 240, 254, 301, 304, 251, 76, 200, 424),
        ),
        own_only=((302, 0), (203, 0), (144, 0), (142, 0), (314, 0), (141, 1)),
        restoring=(90, 268, 452, 92, 94, 260, 188, 189, 197, 198, 463, 466, 132, 235, 261, 280, 469, 437),
        signals=(62, 234, 129, 297),
        owners=((72, 8), (72, 15), (16, 0x8901), (16, 0x8902)),
        opening=((257, 2), (2, 1)),
    ),
    "aarch64": _Calls(
        audit=0xC000_00B7,
        refused=(
            *(198, 425, 117, 270, 271, 438, 40, 39, 41, 51, 428, 429, 430, 432, 442, 97, 268, 280, 241),
            *(282, 217, 218, 219, 194, 196, 186, 190, 180, 27, 263, 265, 30, 45, 130, 424),
        ),
        own_only=((261, 0), (122, 0), (119, 0), (118, 0), (274, 0), (140, 1)),
        restoring=(53, 452, 54, 5, 6, 14, 15, 463, 466, 88, 469, 437),
        signals=(129, 131, 138, 240),
        owners=((25, 8), (25, 15), (29, 0x8901), (29, 0x8902)),
        opening=((56, 2),),
    ),
}


class FilterRefused(OSError):
    """The kernel did not take the filter."""


def known() -> bool:
    """Whether this machine's system calls are known here; elsewhere nothing is filtered."""
    return platform.machine() in _ARCHITECTURES


def apply(*, restoring: bool) -> None:
    """Bind the calling thread, which must have no_new_privs; it may signal no process but this one. With
    `restoring` it may still change modes, owners, times and attributes by path, as a restore has to, and
    end the process that holds the key. FilterRefused."""
    calls = _ARCHITECTURES.get(platform.machine())
    if calls is None:
        return
    program = _program(calls, os.getpid(), restoring=restoring)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, head, 0, 0) < 0:
        raise FilterRefused(ctypes.get_errno(), "seccomp filter")


def _program(calls: _Calls, own: int, *, restoring: bool) -> bytes:
    refused = calls.refused if restoring else calls.refused + calls.restoring
    code = [
        _word(_LOAD, _ARCHITECTURE_AT),
        _word(_EQUAL, calls.audit, yes=1),
        _word(_RETURN, _REFUSE),  # another ABI of the same processor has other numbers
        _word(_LOAD, _NUMBER_AT),
        _word(_GREATER_EQUAL, _FOREIGN_ABI, no=1),
        _word(_RETURN, _REFUSE),
    ]
    for number in refused:
        code += [_word(_EQUAL, number, no=1), _word(_RETURN, _REFUSE)]
    for number, place in calls.own_only:
        code += _only(number, place, 0)
    for number in () if restoring else calls.signals:
        code += _only(number, 0, own)
    for number, command in calls.owners:
        code += [
            _word(_EQUAL, number, no=4),
            _word(_LOAD, _ARGUMENTS_AT + 8),
            _word(_EQUAL, command, no=1),
            _word(_RETURN, _REFUSE),
            _word(_LOAD, _NUMBER_AT),
        ]
    for number, place in calls.opening:
        code += [
            _word(_EQUAL, number, no=5),
            _word(_LOAD, _ARGUMENTS_AT + 8 * place),
            _word(_AND, os.O_ACCMODE | os.O_TRUNC),
            _word(_EQUAL, os.O_RDONLY | os.O_TRUNC, no=1),
            _word(_RETURN, _REFUSE),
            _word(_LOAD, _NUMBER_AT),
        ]
    return b"".join([*code, _word(_RETURN, _ALLOW)])


def _only(number: int, place: int, value: int) -> list[bytes]:
    """Allow the call `number` with this value of one argument, and refuse it with any other."""
    return [
        _word(_EQUAL, number, no=4),
        _word(_LOAD, _ARGUMENTS_AT + 8 * place),  # little-endian, and an id has 32 bits
        _word(_EQUAL, value, no=1),
        _word(_RETURN, _ALLOW),
        _word(_RETURN, _REFUSE),
    ]


def _word(operation: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction; a comparison skips `yes` or `no` instructions."""
    return struct.pack("@HBBI", operation, yes, no, value)
