"""The controller's end of the emulated board: serial bytes, relay pins, inputs (hw/channel.py).

Implements the serial line for the interlock client, ports.Relays, ports.Link's carrier and the bays'
supply. Decides nothing. Safe to use from several threads; whoever reads takes in everybody's packets.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from appliance.domain.ids import Bay
from appliance.domain.senses import Senses
from appliance.ports import Clock
from hw import channel
from hw.channel import Inputs, PinLevels, Uart
from hw.profile import BoardProfile

CHANNEL_FD = 3  # where the board puts this process's end
SLICE_MS = 20  # ms; the longest wait after which a reader looks whether another one took its bytes
UART_BYTES_MAX = 2048  # bytes in one packet
BACKLOG_BYTES_MAX = 64 << 10  # bytes of serial data that nobody read; more is a board gone mad


class Endpoint(Protocol):
    """Packets to and from the board. OSError when the board is gone."""

    def send(self, raw: bytes) -> None: ...

    def take(self) -> bytes | None:
        """The next packet that is there, else None."""
        ...

    def wait(self, timeout_ms: int) -> None:
        """Until a packet may be there."""
        ...


class SocketEndpoint:
    """The inherited socket."""

    def __init__(self, descriptor: int = CHANNEL_FD) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)

    def send(self, raw: bytes) -> None:
        while True:
            try:
                self._socket.send(raw)
                return
            except BlockingIOError:
                self._poll(select.POLLOUT, SLICE_MS)

    def take(self) -> bytes | None:
        try:
            raw = self._socket.recv(channel.PACKET_BYTES_MAX + 1)
        except BlockingIOError:
            return None
        if not raw:
            raise ConnectionResetError("the board is gone")
        return raw

    def wait(self, timeout_ms: int) -> None:
        self._poll(select.POLLIN, max(0, timeout_ms))

    def _poll(self, event: int, timeout_ms: int) -> None:
        """poll(2): select(2) knows no descriptor above 1023."""
        poll = select.poll()
        poll.register(self._socket, event)
        poll.poll(timeout_ms)


class BoardChannel:
    """One boot's view of the board. All pins start released."""

    def __init__(self, endpoint: Endpoint, profile: BoardProfile, clock: Clock) -> None:
        self._endpoint, self._pins, self._clock = endpoint, profile.pins, clock
        self._turn = threading.RLock()
        self._heard = bytearray()
        self._inputs = Inputs()
        self._losses = [0] * profile.bays_max
        self._link = self._drives = 0

    # The serial line.

    def write(self, data: bytes) -> None:
        """Bytes for the interlock."""
        for start in range(0, len(data), UART_BYTES_MAX):
            self._endpoint.send(channel.encode(Uart(data[start : start + UART_BYTES_MAX])))

    def read(self, timeout_ms: int) -> bytes:
        """Bytes from the interlock; none after `timeout_ms`."""
        end_ms = self._clock.monotonic_ms() + timeout_ms
        while True:
            with self._turn:
                self._take_in()
                if self._heard:
                    heard, self._heard = bytes(self._heard), bytearray()
                    return heard
            left_ms = end_ms - self._clock.monotonic_ms()
            if left_ms <= 0:
                return b""
            self._endpoint.wait(min(left_ms, SLICE_MS))

    # Relays.

    def energise_link(self, k1: bool, k2: bool) -> None:
        """The controller's half of K1's and K2's coils."""
        with self._turn:
            self._link = k1 << self._pins.link[0] | k2 << self._pins.link[1]
            self._set_pins()

    def energise_drives(self, bays: Iterable[Bay]) -> None:
        """The controller's half of exactly these bays' coils."""
        with self._turn:
            self._drives = sum(1 << self._pins.drives[bay - 1] for bay in set(bays))
            self._set_pins()

    def _set_pins(self) -> None:
        self._endpoint.send(channel.encode(PinLevels(self._link | self._drives)))

    # Inputs.

    def inputs(self) -> Inputs:
        """What the board shows now."""
        with self._turn:
            self._take_in()
            return self._inputs

    def senses(self) -> Senses:
        """What the sense pins and the bays' supply show now."""
        shown, pins = self.inputs(), self._pins
        k1, k2 = pins.sense_link
        by_pin = (k1, k2, pins.sense_k3, pins.sense_cut, pins.sense_key)
        high = [bool(shown.levels >> pin & 1) for pin in by_pin]
        return Senses(
            k1_conducting=high[0],
            k2_conducting=high[1],
            k3_on_link=high[2],
            cut_pressed=high[3],
            key_turned=high[4],
            drives=tuple(bool(shown.supplied >> place & 1) for place in range(len(pins.drives))),
        )

    def carrier(self) -> bool:
        return self.inputs().carrier

    def others(self) -> int:
        """How many networks carry beside the link."""
        return self.inputs().interfaces

    def order(self) -> Sequence[int]:
        """The bays in the order in which their drives came up on the bus; none: as they are numbered."""
        return self.inputs().order

    def losses(self, bay: Bay) -> int | None:
        """How often the drive in `bay` has gone so far; None while none answers there."""
        up = self.inputs().up >> (bay - 1) & 1
        return self._losses[bay - 1] if up else None

    def _take_in(self) -> None:
        while (raw := self._endpoint.take()) is not None:
            try:
                packet = channel.decode(raw)
            except channel.ChannelGarbage:
                continue
            match packet:
                case Uart(data=data):
                    self._heard += data[: BACKLOG_BYTES_MAX - len(self._heard)]
                case Inputs():
                    self._note_losses(packet)
                    self._inputs = packet
                case PinLevels():
                    pass  # the board has no pins to tell us of

    def _note_losses(self, after: Inputs) -> None:
        gone = self._inputs.up & ~after.up
        for place in range(len(self._losses)):
            self._losses[place] += gone >> place & 1


def from_environment(profile: BoardProfile, clock: Clock) -> BoardChannel:
    """The channel that the board gave this process. The descriptor is not passed on to children."""
    os.set_inheritable(CHANNEL_FD, False)
    return BoardChannel(SocketEndpoint(), profile, clock)
