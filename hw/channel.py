"""What runs over the wire between the emulated board and its controller: one packet, one meaning.

UART bytes, the controller's output pins, and the inputs that it can read. Pure; the sockets are
elsewhere. Both ends treat what they receive as hostile: a packet that does not parse is
ChannelGarbage. Nothing else crosses: no files, no time, no commands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

PACKET_BYTES_MAX = 4096  # bytes; several of the longest interlock frames
LEVELS_MAX = (1 << 28) - 1  # GPIO 0 to 27

_UART, _PINS, _INPUTS = b"U", b"P", b"I"
_LEVELS = struct.Struct(">I")
_INPUT = struct.Struct(">IBHHBB")
BAYS_MAX = 16  # bays; the bits of a mask


class ChannelGarbage(ValueError):
    """Not a packet of this channel."""


@dataclass(frozen=True, slots=True)
class Uart:
    """Bytes on the serial line, in either direction."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PinLevels:
    """All output pins of the controller at once, a bit per BCM number."""

    levels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that the controller can read: sense pins by BCM number, the network carrier, and per bay
    (bit 0 is bay 1) whether its supply is live and whether a drive answers on its bus. `interfaces`: how
    many networks carry beside the box's own link. `order`: the bays as their drives came up, () in order."""

    levels: int = 0
    carrier: bool = False
    supplied: int = 0
    up: int = 0
    interfaces: int = 0
    order: tuple[int, ...] = ()


Packet: TypeAlias = Uart | PinLevels | Inputs


def encode(packet: Packet) -> bytes:
    """One packet's bytes."""
    match packet:
        case Uart(data=data):
            assert len(data) < PACKET_BYTES_MAX
            return _UART + data
        case PinLevels(levels=levels):
            return _PINS + _LEVELS.pack(levels)
        case Inputs():
            order = bytes(packet.order)
            fixed = packet.levels, packet.carrier, packet.supplied, packet.up, packet.interfaces, len(order)
            return _INPUTS + _INPUT.pack(*fixed) + order


def decode(raw: bytes) -> Packet:
    """The packet in `raw`. Raises ChannelGarbage."""
    kind, body = raw[:1], raw[1:]
    if len(raw) > PACKET_BYTES_MAX:
        raise ChannelGarbage("too long")
    if kind == _UART:
        return Uart(body)
    if kind == _PINS and len(body) == _LEVELS.size:
        (levels,) = _LEVELS.unpack(body)
        if levels > LEVELS_MAX:
            raise ChannelGarbage("pins that do not exist")
        return PinLevels(levels)
    if kind == _INPUTS and len(body) >= _INPUT.size:
        return _inputs(body)
    raise ChannelGarbage("no such packet")


def _inputs(body: bytes) -> Inputs:
    levels, carrier, supplied, up, interfaces, bays = _INPUT.unpack_from(body)
    order = tuple(body[_INPUT.size :])
    if carrier > 1 or levels > LEVELS_MAX:
        raise ChannelGarbage("inputs that do not exist")
    if len(order) != bays or bays > BAYS_MAX or sorted(order) != list(range(1, bays + 1)):
        raise ChannelGarbage("an order names each bay once")
    return Inputs(
        levels=levels,
        carrier=bool(carrier),
        supplied=supplied,
        up=up,
        interfaces=interfaces,
        order=order,
    )
