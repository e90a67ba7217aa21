"""Two network namespaces of a test's own: the box's interfaces, and the far ends of their cables.

`Room` is the test's side, `main` what runs inside. Needs the facility `netns`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.adapters.kernel_link import KernelLink

ENTER = ["unshare", "--net", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
LINK = "link0"


class Room:
    """A veth pair for each network; the box's own link is there from the beginning, without a carrier."""

    def __init__(self) -> None:
        self._far = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        program = [sys.executable, "-m", "tests.contract.network_room"]
        self._process = subprocess.Popen(
            ENTER + program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self._ask("ip link set lo up")
        self.network(LINK)

    def network(self, name: str) -> None:
        """A veth pair, whose near end is up: it carries once the far end is up as well."""
        self._ask(f"ip link add {name} type veth peer name far-{name} netns {self._far.pid}")
        self._ask(f"ip link set {name} up")

    def set_carrier(self, up: bool, name: str = LINK) -> None:
        there = f"nsenter --net=/proc/{self._far.pid}/ns/net"
        self._ask(f"{there} ip link set far-{name} {'up' if up else 'down'}")

    def run(self, command: str) -> None:
        """Any other command of iproute2."""
        self._ask(command)

    def carrier(self) -> bool:
        return self._ask("carrier") == "True"

    def others(self) -> int:
        return int(self._ask("others"))

    def close(self) -> None:
        self._process.communicate("")
        self._far.communicate(b"")

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, f"{line}: the room is gone"
        assert not answer.startswith("failed"), f"{line}: {answer}"
        return answer


def main() -> None:
    """Answer one line for each line."""
    link = KernelLink(LINK)
    for line in sys.stdin:
        match line.split():
            case ["carrier"]:
                print(link.carrier(), flush=True)
            case ["others"]:
                print(link.others(), flush=True)
            case command:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                print("done" if done.returncode == 0 else f"failed {done.stderr.strip()}", flush=True)


if __name__ == "__main__":
    main()
