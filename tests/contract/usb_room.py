"""A USB tree that does not exist, as umockdev shows it to this process: for test_bay_devices.

Run under umockdev-wrapper. One command a line: `plug PORT NAME SEQUENCE`, `plug-nowhere NAME SEQUENCE`,
`unplug FOLDER`, `renumber FOLDER SEQUENCE`, `show`, `there NODE`; one answer a line. umockdev is spoken to
through its C library.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from appliance.adapters.bay_devices import BayDevice, BayDevices

PORTS = ("1.1", "1.2", "1.4.1", "2.1")


class Testbed:
    """umockdev's, as far as it is needed."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libumockdev.so.0")
        self._lib.umockdev_testbed_new.restype = ctypes.c_void_p
        self._bed = ctypes.c_void_p(self._lib.umockdev_testbed_new())

    def add(self, text: str) -> None:
        error = ctypes.c_void_p()
        done = self._lib.umockdev_testbed_add_from_string(self._bed, text.encode(), ctypes.byref(error))
        if not done:
            raise ValueError(text)

    def remove(self, folder: str) -> None:
        self._lib.umockdev_testbed_remove_device(self._bed, folder.encode())

    def number(self, folder: str, sequence: str) -> None:
        given = (folder.encode(), b"diskseq", f"{sequence}\n".encode())
        self._lib.umockdev_testbed_set_attribute(self._bed, *given)


def main() -> None:
    bed = Testbed()
    bays, known = BayDevices(PORTS), dict[str, BayDevice]()
    sockets = set[str]()
    for line in sys.stdin:
        match line.split():
            case ["plug", port, name, sequence]:
                bed.add(("" if port in sockets else _usb(port)) + _disk(port, name, sequence))
                sockets.add(port)
                answer: object = "done"
            case ["plug-nowhere", name, sequence]:
                bed.add(_block(f"/devices/virtual/block/{name}", name, sequence))
                answer = "done"
            case ["unplug", folder]:
                bed.remove(f"{folder}/{Path(folder).name}1")
                bed.remove(folder)
                answer = "done"
            case ["renumber", folder, sequence]:
                bed.number(folder, sequence)
                answer = "done"
            case ["show"]:
                known.update({device.node: device for device in bays.present()})
                answer = [(device.bay, device.node, device.folder) for device in bays.present()]
            case ["there", node]:
                answer = bays.is_there(known[node])
            case other:
                raise ValueError(other)
        print(json.dumps(answer), flush=True)


def _usb(port: str) -> str:
    return f"P: /devices/pci0/usb1/1-{port}\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n\n"


def _disk(port: str, name: str, sequence: str) -> str:
    scsi = f"/devices/pci0/usb1/1-{port}/1-{port}:1.0/host0/target0:0:0/0:0:0:0"
    disk = _block(f"{scsi}/block/{name}", name, sequence)
    return disk + _block(f"{scsi}/block/{name}/{name}1", f"{name}1", sequence, kind="partition")


def _block(folder: str, name: str, sequence: str, *, kind: str = "disk") -> str:
    minor = sum(name.encode())
    return (
        f"P: {folder}\nN: {name}\nE: SUBSYSTEM=block\nE: DEVTYPE={kind}\nE: DEVNAME=/dev/{name}\n"
        f"E: MAJOR=8\nE: MINOR={minor}\nA: diskseq={sequence}\\n\nA: dev=8:{minor}\\n\n\n"
    )


@dataclass
class UsbRoom:
    """The test's side."""

    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            ["umockdev-wrapper", sys.executable, "-m", "tests.contract.usb_room"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def plug(self, port: str, name: str, sequence: int) -> None:
        self._ask(f"plug {port} {name} {sequence}")

    def plug_nowhere(self, name: str, sequence: int) -> None:
        """A disk that is on no USB port: a card, a loop device."""
        self._ask(f"plug-nowhere {name} {sequence}")

    def unplug(self, name: str) -> None:
        folder = next(folder for _, node, folder in self._shown() if node.endswith(f"/{name}"))
        self._ask(f"unplug {folder}")

    def replug(self, name: str, sequence: int) -> None:
        """The disk leaves and comes back between two looks, at the same place under the same name."""
        folder = next(folder for _, node, folder in self._shown() if node.endswith(f"/{name}"))
        self._ask(f"renumber {folder} {sequence}")

    def bays(self) -> list[tuple[int, str]]:
        """(bay, device name) of every disk, in the order in which they came up."""
        return [(bay, Path(node).name) for bay, node, _ in self._shown()]

    def is_there(self, name: str) -> bool:
        """Of the disk that was last shown under this name."""
        return bool(self._ask(f"there /dev/{name}"))

    def close(self) -> None:
        self.process.communicate("")

    def _shown(self) -> list[tuple[int, str, str]]:
        answer = self._ask("show")
        assert isinstance(answer, list)
        return [(bay, node, folder) for bay, node, folder in answer]

    def _ask(self, line: str) -> object:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"{line}: the room is gone"
        return json.loads(answer)


if __name__ == "__main__":
    main()
