"""A board of copper: its pins, its serial line, its networks, as its profile and the settings name them.

Whatever way the program goes on leaving, but SIGKILL, every coil is released. Loads no twin.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from appliance.adapters import header_pins, kernel_link
from appliance.adapters.bay_devices import BayDevices
from appliance.adapters.block_drives import Devices
from appliance.adapters.clock import SystemClock
from appliance.adapters.entropy import SystemEntropy
from appliance.adapters.header_pins import HeaderPins
from appliance.adapters.interlock import InterlockClient
from appliance.adapters.kernel_link import KernelLink
from appliance.adapters.serial_port import SerialPort
from appliance.compose import operational_keys
from appliance.compose.home import Home
from appliance.compose.machine import NONCE_BYTES
from appliance.config import Board
from appliance.domain.ids import Bay
from appliance.errors import BoardUnknown
from appliance.ports import Clock
from appliance.service.line_bench import Bench
from appliance.service.pulse import Pulse
from hw import profile
from hw.profile import BoardProfile, ProfileInvalid

CONTACT_SHARE = 2  # times the operate time and bounce of the slowest relay
SIGNALLED = 128  # added to a signal's number, as a shell does


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where the wires end: gpiozero's pin factory, the kernel's networks, the disks on the bays' ports,
    and the machine's clock."""

    pins: Callable[[], Any] = header_pins.lgpio_factory
    networks: str = kernel_link.INTERFACES
    disks: Callable[[Sequence[str]], Devices] = BayDevices
    clock: Callable[[], Clock] = SystemClock


def profile_of(name: str) -> BoardProfile:
    """BoardUnknown."""
    try:
        return profile.load(name)
    except ProfileInvalid as error:
        raise BoardUnknown(name=name, detail=str(error)) from None


def ports_of(parts: BoardProfile) -> Sequence[str]:
    """The hub port of each bay."""
    return parts.wired.ports if parts.wired is not None else ()


@contextmanager
def opened(home: Home, settings: Board, parts: BoardProfile, ends: Ends | None = None) -> Iterator[Bench]:
    """The bench, every coil released before and after. PinsUnusable, SerialUnusable, SerialBusy,
    OwnFileMissing without the pairing key."""
    ends = ends or Ends()
    clock = ends.clock()
    pairing = operational_keys.read(home.seal_state, operational_keys.PAIRING)
    with released_at_the_end(parts, ends.pins) as pins:
        port = SerialPort(settings.serial, clock)
        try:
            disks = ends.disks(ports_of(parts))
            port.open()
            nonce = SystemEntropy()(NONCE_BYTES)
            interlock = InterlockClient(
                port, clock, pairing_key=pairing, nonce=nonce, bays=parts.bays_max
            )
            yield Bench(
                relays=pins,
                senses=lambda: pins.senses(_seen(disks, parts.bays_max)),
                link=KernelLink(settings.link, ends.networks),
                interlock=interlock,
                clock=clock,
                bays=tuple(Bay(number) for number in range(1, parts.bays_max + 1)),
                pulse=lambda keeper: Pulse(keeper, clock),
                settle_ms=CONTACT_SHARE * (parts.relay.operate_ms + parts.relay.bounce_ms),
                carrier_ms=CONTACT_SHARE * parts.carrier_ms,
            )
        finally:
            port.close()


def _seen(disks: Devices, count: int) -> tuple[bool | None, ...]:
    """A disk that answers has supply; a port on which none answers says nothing."""
    up = {device.bay for device in disks.present()}
    return tuple(True if number in up else None for number in range(1, count + 1))


@contextmanager
def released_at_the_end(parts: BoardProfile, factory: Callable[[], Any]) -> Iterator[HeaderPins]:
    """The pins, every coil released before and after, also where a signal ends the program."""
    with _ended_by_sigterm():
        pins = HeaderPins(parts, factory())
        try:
            yield pins
        finally:
            pins.close()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM, SIGHUP and SIGINT end the program as an exception does: through every `finally`, which no
    second signal cuts short."""

    def leave(number: int, _frame: object) -> None:
        for every in numbers:
            signal.signal(every, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(SIGNALLED + number)

    is_main = threading.current_thread() is threading.main_thread()  # nobody else may have handlers
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT) if is_main else ()
    before = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
