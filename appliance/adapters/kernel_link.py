"""ports.Link on a real board: what the kernel says of its network interfaces in sysfs.

Only looks: opens no socket and changes nothing. An interface that is not up has no carrier. The box's own
link is the one that the board's settings name; whatever else carries is another network, whatever its name.
"""

from __future__ import annotations

import errno
import os

INTERFACES = "/sys/class/net"
_LOOPBACK = "772"  # ARPHRD_LOOPBACK; told by its type, since root can rename an interface
_ANSWER_BYTES_MAX = 32  # bytes; the files hold a number
# The kernel answers EINVAL for an interface that is not up; the others: it went while we looked.
_NO_CARRIER = frozenset({errno.EINVAL, errno.ENOENT, errno.ENODEV})


class KernelLink:
    """`interface`: the box's own link. OSError where the kernel shows no interfaces at all, or does not
    answer: nothing that cannot be seen counts as dark."""

    def __init__(self, interface: str, folder: str = INTERFACES) -> None:
        self._interface, self._folder = interface, folder

    def carrier(self) -> bool:
        return self._interface in os.listdir(self._folder) and self._carries(self._interface)

    def others(self) -> int:
        return sum(self._carries(name) for name in self._names())

    def _names(self) -> list[str]:
        names = [name for name in os.listdir(self._folder) if name != self._interface]
        return [name for name in names if self._read(name, "type") != _LOOPBACK]

    def _carries(self, name: str) -> bool:
        return self._read(name, "carrier") == "1"

    def _read(self, name: str, attribute: str) -> str:
        """The attribute; "" where the interface has none now. OSError as the system raised it."""
        try:
            with open(os.path.join(self._folder, name, attribute), "rb") as file:
                return file.read(_ANSWER_BYTES_MAX).decode("ascii", "replace").strip()
        except NotADirectoryError:
            return ""  # bonding_masters is a file among the interfaces
        except OSError as error:
            if error.errno in _NO_CARRIER:
                return ""
            raise
