"""A box that writes down every event it takes and every output it makes, as the host program speaks them.

`replay` hands the events of many traces to the C program and compares what comes back, byte for byte.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from firmware.model.state import (
    Drive,
    Input,
    Output,
    Persist,
    PowerOn,
    Received,
    Send,
    Senses,
    SetClock,
    Tick,
)
from firmware.wire.messages import HelloAck, Message
from firmware.wire.session import Fault, Role, Session
from tests.firmware.box import Box

RTC_LOST = -1


def senses_bytes(senses: Senses) -> bytes:
    flags = (
        *(senses.k1_conducting, senses.k2_conducting, senses.k3_on_link),
        *(senses.cut_pressed, senses.key_turned, senses.controller_supplied),
    )
    return bytes(flags) + senses.drives_mask.to_bytes(4, "big")


def drive_bytes(drive: Drive) -> bytes:
    flags = (drive.permit_link, drive.permit_drives, drive.k3_on_link, drive.controller_power)
    return bytes(flags) + bytes([drive.boot_medium == "sealing"]) + drive.drive_mask.to_bytes(4, "big")


def blob(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@dataclass
class Record:
    """`events[i]` is answered by `outputs[i]`."""

    events: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)

    def begin(self, event: bytes) -> None:
        self.events.append(event)
        self.outputs.append(b"")

    def put(self, output: bytes) -> None:
        self.outputs[-1] += output


@dataclass
class RecordingBox(Box):
    """A Box whose every step is on record."""

    record: Record = field(default_factory=Record)

    def entropy(self) -> bytes:
        """What is fresh at this power-on."""
        return b"inner%03d" % self.boots

    def _take(self, event: Input) -> None:
        entropy = self.entropy()
        match event:
            case PowerOn():
                self.record.begin(
                    b"P" + entropy + blob(event.fram_bytes_slot_a) + blob(event.fram_bytes_slot_b)
                )
            case Tick():
                rtc_s = RTC_LOST if event.rtc_s is None else event.rtc_s
                times = (rtc_s, event.uptime_ms)
                clock = b"".join(time.to_bytes(8, "big", signed=True) for time in times)
                self.record.begin(b"T" + senses_bytes(event.senses) + clock)
            case Received():
                pass  # on record as the bytes that it came from
        super()._take(event)
        if isinstance(event, PowerOn):  # the key is what the memory holds, zeros where it is lost
            self.inner = Session(Role.INTERLOCK, self.state.fram.factory.pairing_key, entropy)

    def _perform(self, output: Output) -> None:
        match output:
            case Persist(fram=record):
                self.slots[record.slot] = record.encode()
                self.record.put(b"W" + bytes([record.slot]) + blob(self.slots[record.slot]))
                return
            case Drive():
                self.record.put(b"D" + drive_bytes(output))
            case SetClock(rtc_s=rtc_s):
                self.record.put(b"C" + rtc_s.to_bytes(8, "big"))
            case Send(message=message):
                data = self.inner.send(message)
                if data:
                    self.record.put(b"S" + blob(data))
                # The controller's end opens its session with the answer's bytes; it takes the rest as said.
                heard = (
                    self.outer.receive(data) if isinstance(message, HelloAck) else [message] if data else []
                )
                for item in heard:
                    self._controller_hears(item)
                return
        super()._perform(output)

    def raw(self, data: bytes) -> list[Message | Fault]:
        """Frame by frame, as a serial line delivers them."""
        self.heard = []
        for piece in _pieces(data):
            self.record.begin(b"R" + blob(piece))
            for item in self.inner.receive(piece):
                self._take(Received(message=item))
        return self.heard


def _pieces(data: bytes) -> list[bytes]:
    """`data` cut behind each zero."""
    parts = data.split(b"\0")
    pieces = [part + b"\0" for part in parts[:-1]]
    return [*pieces, parts[-1]] if parts[-1] else pieces


def replay(program: Path, records: list[Record]) -> str:
    """What the program does otherwise than the record says, in words; "" when nothing."""
    stream = b"".join(event for record in records for event in record.events)
    done = subprocess.run([str(program)], input=stream, capture_output=True, check=False)
    if done.returncode:
        return f"the program ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
    at = 0
    for number, record in enumerate(records):
        for step, (event, expected) in enumerate(zip(record.events, record.outputs, strict=True)):
            wanted = expected + b"."
            if not done.stdout.startswith(wanted, at):
                got = done.stdout[at : at + len(wanted) + 40]
                where = f"trace {number} step {step}\nevent    {event.hex()}"
                return f"{where}\nexpected {wanted.hex()}\ngot      {got.hex()}"
            at += len(wanted)
    return "" if at == len(done.stdout) else "more came than was expected"
