"""Inputs, outputs and the state between them (PROTOCOL 5). Values only; step.py moves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from firmware.model.fram import Fram
from firmware.model.order_lines import Order
from firmware.wire.codes import Cause, Phase, UploadKind
from firmware.wire.messages import Message
from firmware.wire.session import Fault

Medium = Literal["intake", "sealing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """What the contacts, switches and supplies really do. `drives_live`: bay 1 first."""

    k1_conducting: bool = False
    k2_conducting: bool = False
    k3_on_link: bool = False
    drives_live: tuple[bool, ...] = ()
    cut_pressed: bool = False
    key_turned: bool = False
    controller_supplied: bool = False

    @property
    def link_touched(self) -> bool:
        """Any contact of the link conducts; the network path needs both."""
        return self.k1_conducting or self.k2_conducting

    @property
    def link_conducting(self) -> bool:
        return self.k1_conducting and self.k2_conducting

    @property
    def drives_mask(self) -> int:
        """Bit 0 for bay 1."""
        return sum(1 << bay for bay, live in enumerate(self.drives_live) if live)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOn:
    """The interlock starts with what its memory holds; an unreadable slot is b''."""

    fram_bytes_slot_a: bytes
    fram_bytes_slot_b: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """At least every 100 ms. `uptime_ms` counts from power-on; `rtc_s`: Unix time, None if it was lost."""

    uptime_ms: int
    rtc_s: int | None
    senses: Senses


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One item of `Session.receive`."""

    message: Message | Fault


Input = PowerOn | Tick | Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Persist:
    """Write `fram.encode()` to slot `fram.slot` and make it durable before the outputs that follow."""

    fram: Fram


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say this to the controller."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock:
    """Set the battery clock to `rtc_s`, Unix seconds; the holders ordered it."""

    rtc_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """Levels of all outputs, from now until the next Drive. `drive_mask`: bit 0 for bay 1."""

    permit_link: bool = False
    permit_drives: bool = False
    drive_mask: int = 0
    k3_on_link: bool = False
    controller_power: bool = False
    boot_medium: Medium = "intake"


Output = Persist | SetClock | Send | Drive


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A text that is arriving. `signatures`: (signer as in UploadSignature, 64 bytes)."""

    kind: UploadKind
    length: int
    text: bytes = b""
    signatures: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The controller's supply: ordered, about to be withdrawn (`leaving`), and since when it is measured
    dark or booted. Times are uptimes in ms."""

    ordered: bool = False
    leaving: bool = False
    medium: Medium = "intake"
    since_ms: int = 0
    dark_since_ms: int | None = None
    booted_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTest:
    """What the contact test has seen so far."""

    k1_alone: bool = False
    k2_alone: bool = False
    conducted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything. `fram` is what survives; `saved` what was last persisted. Times are uptimes in ms.
    `order` and `unseal` wait to be served; `set_clock_s` lives within one step only."""

    fram: Fram
    saved: Fram
    saved_ms: int = 0
    phase: Phase = Phase.UNKNOWN
    cause: Cause = Cause.STARTED
    target: Phase = Phase.ISOLATED
    phase_since_ms: int = 0
    uptime_ms: int = 0
    rtc_s: int | None = None
    rtc_raw_s: int | None = None
    rtc_moved_ms: int = 0
    senses: Senses = field(default_factory=Senses)
    orders: Drive = field(default_factory=Drive)
    supply: Supply = field(default_factory=Supply)
    clean: bool = False
    heard_ms: int | None = None
    hold_until_ms: int | None = None
    link_since_ms: int | None = None
    cut_before_s: int = 0
    test: ContactTest = field(default_factory=ContactTest)
    mismatches: tuple[tuple[Cause, int], ...] = ()
    cut_since_ms: int | None = None
    warned_s: int | None = None
    upload: Upload | None = None
    order: Order | None = None
    unseal: Order | None = None
    ripe_since_ms: int | None = None
    challenge: bytes | None = None
    challenge_ms: int = 0
    set_clock_s: int | None = None
