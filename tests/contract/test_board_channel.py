"""The controller's end of the emulated board: over the real socket and over the loopback, the same."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.board_channel import BoardChannel, Endpoint, SocketEndpoint
from appliance.adapters.clock import SystemClock, VirtualClock
from appliance.adapters.link import BoardLink
from appliance.domain.ids import Bay
from appliance.ports import Clock
from hw import channel, profile
from hw.channel import ChannelGarbage, Inputs, Packet, PinLevels, Uart
from hw.twin.loopback import LoopbackController

BOARD = profile.load("emulated")


@dataclass
class Board:
    """The other end."""

    endpoint: Endpoint
    clock: Clock
    far: socket.socket | None = None
    loop: LoopbackController | None = None
    sent: list[Packet] = field(default_factory=list)

    def push(self, packet: Packet) -> None:
        if self.far is not None:
            self.far.send(channel.encode(packet))
        else:
            assert self.loop is not None
            self.loop.push(packet)

    def heard(self) -> list[Packet]:
        if self.loop is not None:
            return list(self.loop.arrived(1000))
        assert self.far is not None
        packets = []
        while True:
            try:
                packets.append(channel.decode(self.far.recv(channel.PACKET_BYTES_MAX)))
            except BlockingIOError:
                return packets


@pytest.fixture(params=["socket", "loopback"])
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    if request.param == "loopback":
        clock = VirtualClock()
        loop = LoopbackController(clock.sleep_ms, clock.monotonic_ms)
        yield Board(loop, clock, loop=loop)
        return
    far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    far.setblocking(False)
    endpoint = SocketEndpoint(near.detach())
    with far:
        yield Board(endpoint, SystemClock(), far=far)
    endpoint._socket.close()


@pytest.fixture
def line(board: Board) -> BoardChannel:
    return BoardChannel(board.endpoint, BOARD, board.clock)


def test_serial_bytes_arrive_in_order_whatever_lies_between(board: Board, line: BoardChannel) -> None:
    board.push(Uart(b"one "))
    board.push(Inputs(carrier=True))
    board.push(Uart(b"two"))
    assert line.read(1000) == b"one two"
    assert line.carrier()


def test_a_silent_line_returns_nothing_after_its_time(line: BoardChannel) -> None:
    assert line.read(30) == b""


def test_long_writes_are_cut_into_packets(board: Board, line: BoardChannel) -> None:
    data = bytes(range(256)) * 20
    line.write(data)
    assert b"".join(packet.data for packet in board.heard() if isinstance(packet, Uart)) == data


def test_relays_are_whole_pin_states(board: Board, line: BoardChannel) -> None:
    line.energise_link(k1=True, k2=False)
    line.energise_drives([Bay(1), Bay(3)])
    line.energise_link(k1=False, k2=False)
    line.energise_drives([])
    pins = BOARD.pins
    one_three = 1 << pins.drives[0] | 1 << pins.drives[2]
    assert board.heard() == [
        PinLevels(1 << pins.link[0]),
        PinLevels(1 << pins.link[0] | one_three),
        PinLevels(one_three),
        PinLevels(0),
    ]


def test_the_link_carries_when_the_board_says_so_and_not_before(board: Board, line: BoardChannel) -> None:
    link = BoardLink(line)
    assert not link.carrier()
    board.push(Inputs(carrier=True))
    assert link.carrier()
    board.push(Inputs(carrier=False))
    assert not link.carrier()


def test_other_networks_are_counted_and_the_bus_order_is_the_boards(board: Board, line: BoardChannel) -> None:
    link = BoardLink(line)
    assert (link.others(), line.order()) == (0, ())
    board.push(Inputs(interfaces=2, order=(3, 1, 2)))
    assert (link.others(), line.order()) == (2, (3, 1, 2))


def test_a_drive_that_went_and_came_back_is_another_drive(board: Board, line: BoardChannel) -> None:
    assert line.losses(Bay(1)) is None
    board.push(Inputs(up=1))
    before = line.losses(Bay(1))
    assert before is not None
    board.push(Inputs(up=0))
    board.push(Inputs(up=1))
    after = line.losses(Bay(1))
    assert after is not None
    assert after != before


@given(st.binary(max_size=channel.PACKET_BYTES_MAX + 10))
def test_any_bytes_are_a_packet_or_garbage(raw: bytes) -> None:
    try:
        packet = channel.decode(raw)
    except ChannelGarbage:
        return
    assert channel.encode(packet) == raw


@given(
    st.one_of(
        st.builds(Uart, st.binary(max_size=4000)),
        st.builds(PinLevels, st.integers(0, channel.LEVELS_MAX)),
        st.builds(
            Inputs,
            levels=st.integers(0, channel.LEVELS_MAX),
            carrier=st.booleans(),
            supplied=st.integers(0, 65535),
            up=st.integers(0, 65535),
        ),
    )
)
def test_every_packet_survives_the_way(packet: Packet) -> None:
    assert channel.decode(channel.encode(packet)) == packet


def test_a_board_that_is_gone_is_an_error_not_silence() -> None:
    far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line = BoardChannel(SocketEndpoint(near.detach()), BOARD, SystemClock())
    far.close()
    with pytest.raises(OSError, match="gone"):
        line.read(1000)
    line._endpoint._socket.close()  # type: ignore[attr-defined]


