"""ports.Link: the emulated board's answer and the kernel's, held to the same promises.

The kernel's networks are real ones, in a namespace of the test's own (network_room.py).
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.clock import VirtualClock
from appliance.adapters.kernel_link import KernelLink
from appliance.adapters.link import BoardLink
from hw import profile
from hw.channel import Inputs
from hw.twin.loopback import LoopbackController
from tests.contract.network_room import LINK, Room


class Networks(Protocol):
    """A box's networks, and what its link adapter says of them. `set_carrier` is the far end's doing."""

    def network(self, name: str) -> None: ...

    def set_carrier(self, up: bool, name: str = LINK) -> None: ...

    def carrier(self) -> bool: ...

    def others(self) -> int: ...

    def close(self) -> None: ...


class Emulated:
    """The emulated board's networks, as its inputs tell them."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self._board = LoopbackController(clock.sleep_ms, clock.monotonic_ms)
        self._link = BoardLink(BoardChannel(self._board, profile.load("emulated"), clock))
        self._up = {LINK: False}

    def network(self, name: str) -> None:
        self._up[name] = False

    def set_carrier(self, up: bool, name: str = LINK) -> None:
        self._up[name] = up
        others = sum(self._up.values()) - self._up[LINK]
        self._board.push(Inputs(carrier=self._up[LINK], interfaces=others))

    def carrier(self) -> bool:
        return self._link.carrier()

    def others(self) -> int:
        return self._link.others()

    def close(self) -> None:
        pass


MAKERS: dict[str, Callable[[], Networks]] = {"emulated": Emulated, "kernel": Room}


@pytest.fixture(params=["emulated", pytest.param("kernel", marks=pytest.mark.needs("netns"))])
def networks(request: pytest.FixtureRequest) -> Iterator[Networks]:
    made = MAKERS[request.param]()
    yield made
    made.close()


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


def test_a_link_without_a_carrier_is_dark_and_no_network_is_beside_it(networks: Networks) -> None:
    assert (networks.carrier(), networks.others()) == (False, 0)


def test_the_link_carries_from_the_carriers_coming_to_its_going(networks: Networks) -> None:
    networks.set_carrier(True)
    assert (networks.carrier(), networks.others()) == (True, 0)
    networks.set_carrier(False)
    assert not networks.carrier()


def test_another_network_counts_once_it_carries_whatever_its_name(networks: Networks) -> None:
    networks.network("wlan0")
    networks.network("lo7")
    assert networks.others() == 0
    networks.set_carrier(True, "wlan0")
    networks.set_carrier(True, "lo7")
    assert (networks.carrier(), networks.others()) == (False, 2)
    networks.set_carrier(False, "wlan0")
    assert networks.others() == 1


@pytest.mark.needs("netns")
def test_an_interface_that_is_down_or_gone_does_not_carry(room: Room) -> None:
    room.set_carrier(True)
    room.run(f"ip link set {LINK} down")
    assert not room.carrier()
    room.run(f"ip link set {LINK} up")
    assert room.carrier()
    room.run(f"ip link del {LINK}")
    assert not room.carrier()


@pytest.mark.needs("netns")
def test_the_link_under_another_name_is_another_network(room: Room) -> None:
    """Root that renames the link gains nothing: a foreign network ends the phase as well."""
    room.set_carrier(True)
    room.run(f"ip link set {LINK} down")
    room.run(f"ip link set {LINK} name end7")
    room.run("ip link set end7 up")
    assert (room.carrier(), room.others()) == (False, 1)


@pytest.fixture
def interfaces(tmp_path: Path) -> Path:
    """A folder as the kernel shows it: link0, lo by its type, and a file that is no interface."""
    for name, kind in ((LINK, "1"), ("lo", "772"), ("wlan0", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "type").write_text(f"{kind}\n")
        (tmp_path / name / "carrier").write_text("1\n")
    (tmp_path / "bonding_masters").write_text("\n")
    return tmp_path


def test_the_loopback_is_told_by_its_type_and_a_file_is_no_interface(interfaces: Path) -> None:
    link = KernelLink(LINK, str(interfaces))
    assert (link.carrier(), link.others()) == (True, 1)
    (interfaces / "wlan0" / "type").write_text("772\n")
    assert link.others() == 0


@pytest.mark.parametrize("look", [KernelLink.carrier, KernelLink.others])
def test_a_kernel_that_shows_nothing_is_an_error_and_not_darkness(interfaces: Path, look: object) -> None:
    assert callable(look)
    with pytest.raises(OSError, match="absent"):
        look(KernelLink(LINK, str(interfaces / "absent")))


def test_a_carrier_that_cannot_be_read_is_an_error_and_not_darkness(interfaces: Path) -> None:
    carrier = interfaces / LINK / "carrier"
    carrier.unlink()
    os.symlink(carrier.name, carrier)  # ELOOP, as an I/O error would be
    with pytest.raises(OSError, match="carrier"):
        KernelLink(LINK, str(interfaces)).carrier()
