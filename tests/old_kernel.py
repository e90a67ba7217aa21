"""Run a program on a kernel with an older Landlock, or with none: `python -m tests.old_kernel ABI PROGRAM …`.

A supervisor answers the one question that asks the kernel for its Landlock version (seccomp user
notification, Linux 5.5); everything else goes to the real kernel, which does for an old version's rules
exactly what that version did. ABI 2 is Debian 12's, 0 is a kernel without Landlock.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys
from contextlib import suppress

from tests.facilities import LANDLOCK_CREATE_RULESET_VERSION, SYS_LANDLOCK_CREATE_RULESET

_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_PR_SET_NO_NEW_PRIVS = 38
_ALLOW, _ASK = 0x7FFF_0000, 0x7FC0_0000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _FLAGS_AT = 0, 32  # offsets in struct seccomp_data; the flags are the third argument
_RECEIVE, _ANSWER = 0xC050_2100, 0xC018_2101  # ioctl numbers, linux/seccomp.h
_NOTICE_BYTES = 80  # struct seccomp_notif


def _word(operation: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("@HBBI", operation, yes, no, value)


def _listener() -> int:
    """Bind this process and its children; the descriptor on which the questions arrive."""
    code = [
        _word(_LOAD, _NUMBER_AT),
        _word(_EQUAL, SYS_LANDLOCK_CREATE_RULESET, no=3),
        _word(_LOAD, _FLAGS_AT),
        _word(_EQUAL, LANDLOCK_CREATE_RULESET_VERSION, no=1),
        _word(_RETURN, _ASK),
        _word(_RETURN, _ALLOW),
    ]
    buffer = ctypes.create_string_buffer(b"".join(code))
    head = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    number = int(libc.syscall(_SYS_SECCOMP[platform.machine()], _SET_MODE_FILTER, _NEW_LISTENER, head))
    if number < 0:
        raise OSError(ctypes.get_errno(), "seccomp listener")
    return number


def _answer_for_ever(listener: int, abi: int) -> None:
    """Until nobody is left who could ask."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while not any(event & select.POLLHUP for _, event in poll.poll()):
        notice = bytearray(_NOTICE_BYTES)
        with suppress(FileNotFoundError):  # who asked has ended meanwhile
            fcntl.ioctl(listener, _RECEIVE, notice)
            (asked,) = struct.unpack_from("=Q", notice)
            fcntl.ioctl(listener, _ANSWER, struct.pack("=Qqii", asked, abi, 0 if abi else -errno.ENOSYS, 0))


def main() -> None:
    """Become the program; the supervisor is a child of its own that holds the questions."""
    abi, program = int(sys.argv[1]), sys.argv[2:]
    mine, other = socket.socketpair()
    if os.fork() == 0:
        mine.close()
        _, (listener,), _, _ = socket.recv_fds(other, 1, 1)
        other.close()
        for number in range(3):
            os.close(number)  # whoever reads the program's output must see its end
        _answer_for_ever(listener, abi)
        os._exit(0)
    other.close()
    listener = _listener()
    socket.send_fds(mine, [b"."], [listener])
    os.close(listener)
    mine.close()
    os.execvp(program[0], program)  # noqa: S606 - the caller names it


if __name__ == "__main__":
    main()
