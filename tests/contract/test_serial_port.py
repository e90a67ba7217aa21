"""The serial port to the interlock: bytes as they are, gone and back again, nobody else's meanwhile."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.clock import SystemClock, VirtualClock
from appliance.adapters.serial_port import READ_BYTES_MAX, REOPEN_MS, SerialPort
from appliance.errors import SerialBusy, SerialUnusable
from tests.contract.man_in_the_middle import PTY_MS, Cable

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    os.close(cable.far)


@pytest.fixture
def port(cable: Cable) -> Iterator[SerialPort]:
    port = SerialPort(cable.path, SystemClock())
    port.open()
    yield port
    port.close()


def heard(port: SerialPort, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = port.read(PTY_MS)
        assert piece
        data += piece
    return data


def test_every_byte_goes_through_unchanged_in_both_directions(cable: Cable, port: SerialPort) -> None:
    """No echo, no flow control, no signal by a control character, no line ends."""
    port.write(EVERY_BYTE)
    assert cable.heard(256) == EVERY_BYTE
    cable.say(EVERY_BYTE)
    assert heard(port, 256) == EVERY_BYTE
    assert port.read(0) == b""


@given(pieces=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
def test_bytes_that_come_in_pieces_are_the_same_bytes(pieces: list[bytes]) -> None:
    cable = Cable()
    port = SerialPort(cable.path, SystemClock())
    port.open()
    for piece in pieces:
        cable.say(piece)
    assert heard(port, sum(map(len, pieces))) == b"".join(pieces)
    port.close()
    os.close(cable.far)


def test_a_silent_line_returns_nothing_after_its_time(port: SerialPort) -> None:
    assert port.read(30) == b""


def test_a_waiting_reader_is_woken_by_the_first_bytes(cable: Cable, port: SerialPort) -> None:
    threading.Timer(0.02, cable.say, [b"late"]).start()
    assert port.read(60_000) != b""


def test_a_flood_is_taken_in_bounded_pieces(cable: Cable, port: SerialPort) -> None:
    sent = 0
    while sent < 2 * READ_BYTES_MAX:
        try:
            sent += os.write(cable.far, b"x" * READ_BYTES_MAX)
        except BlockingIOError:
            break
    assert 0 < len(port.read(PTY_MS)) <= READ_BYTES_MAX


def test_a_line_that_takes_nothing_is_silence_and_not_a_hang(cable: Cable) -> None:
    clock = VirtualClock()
    port = SerialPort(cable.path, clock)
    port.open()
    for _ in range(100):
        port.write(b"x" * READ_BYTES_MAX)  # nobody reads: after a moment the port gives up, and lives
        if port._port is None:
            break
    assert port._port is None
    with suppress(OSError):  # EIO: what was sent is read, and nobody holds the other end
        while os.read(cable.far, 1 << 16):
            pass
    clock.sleep_ms(REOPEN_MS)
    port.write(b"again")
    assert cable.heard(5) == b"again"
    port.close()


# Unplugged ------------------------------------------------------------------------------------------------


def test_a_line_that_was_unplugged_is_silent_and_is_had_again_when_it_is_back(tmp_path: Path) -> None:
    cable, name = Cable(), tmp_path / "interlock"
    name.symlink_to(cable.path)
    clock = VirtualClock()
    port = SerialPort(str(name), clock)
    port.open()
    cable.pull()
    name.unlink()
    assert port.read(10 * REOPEN_MS) == b""
    port.write(b"lost, as on a cut wire")
    assert port.opened == 1
    cable.plug()
    name.symlink_to(cable.path)
    clock.sleep_ms(REOPEN_MS)
    port.write(b"back")
    assert port.opened == 2
    assert cable.heard(4) == b"back"
    cable.say(b"and forth")
    assert heard(port, 9) == b"and forth"
    port.close()
    os.close(cable.far)


def test_a_line_that_is_gone_is_not_tried_without_end() -> None:
    clock = VirtualClock()
    port = SerialPort("/dev/absent-interlock", clock)
    tries: list[int] = []
    original = port._open

    def counted() -> None:
        tries.append(clock.monotonic_ms())
        original()

    port._open = counted  # type: ignore[method-assign]
    assert port.read(10 * REOPEN_MS) == b""
    assert 9 <= len(tries) <= 11


# Whose it is ----------------------------------------------------------------------------------------------


def test_nobody_else_of_ours_gets_the_line_while_it_is_held(cable: Cable, port: SerialPort) -> None:
    with pytest.raises(SerialBusy, match="IW-2122"):
        SerialPort(cable.path, SystemClock()).open()
    port.close()
    second = SerialPort(cable.path, SystemClock())
    second.open()
    second.close()


@pytest.mark.needs("root", "setpriv")
def test_no_other_user_gets_the_line_while_it_is_held(cable: Cable, port: SerialPort) -> None:
    """The terminal's own exclusive mode, also against programs that know nothing of file locks."""
    os.chmod(cable.path, 0o666)  # noqa: S103 - so that nothing but the lock can refuse
    opening = "import os, sys; os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY))"
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-S", "-c", opening, cable.path]
    refused = subprocess.run(nobody, capture_output=True, text=True, check=False)
    assert "busy" in refused.stderr
    port.close()
    assert subprocess.run(nobody, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("path", ["/dev/absent-interlock", "/dev/null", __file__])
def test_what_is_no_serial_line_is_an_error_with_a_code(path: str) -> None:
    with pytest.raises(SerialUnusable, match="IW-2121"):
        SerialPort(path, SystemClock()).open()


def test_a_port_that_is_closed_holds_no_descriptor() -> None:
    far, near = pty.openpty()
    path = os.ttyname(near)
    before = set(os.listdir("/proc/self/fd"))
    port = SerialPort(path, SystemClock())
    port.open()
    port.close()
    port.close()
    assert set(os.listdir("/proc/self/fd")) == before
    os.close(far)
    os.close(near)
