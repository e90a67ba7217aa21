"""The emulated box: copper, interlock, controller slot and clock, moved by `advance`.

One power-on from UNKNOWN per `Plant`. Time moves only here; steps are exact where something moves and
long where nothing does. The plant follows the interlock's outputs and decides nothing. It never speaks
the protocol, so nothing here could grant anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from firmware.model import limits, status
from firmware.wire.codes import Phase
from hw.channel import Inputs, PinLevels, Uart
from hw.profile import BoardProfile
from hw.twin import circuit as copper
from hw.twin import faults, monitor, senses
from hw.twin.agenda import Agenda
from hw.twin.circuit import Circuit, Drawn
from hw.twin.crystal import Crystal
from hw.twin.device import NONCE_BYTES, Device, InterlockDevice, MakeDevice
from hw.twin.faults import Hands
from hw.twin.measured import Measured
from hw.twin.memory import Memory
from hw.twin.monitor import BothLive, Totals
from hw.twin.scenario import Deed, Scenario
from hw.twin.senses import Side
from hw.twin.serial_line import SerialLine
from hw.twin.slot import Controller, Implant, Removal, Watchers
from hw.twin.wear import Wear

IDLE_STEP_MS = limits.TICK_MS_MAX  # ms; the longest time the interlock may be left alone
FINE_STEP_MS = 5  # ms; while contacts move or bytes travel
PACKETS_MAX = 256  # packets taken from the controller at once; the rest waits in its own queue
PINS_QUEUE_MAX = 64  # pin changes that wait for their millisecond; of more, the oldest are skipped
SAY_BYTES_MAX = 2048  # bytes of serial data in one packet
WATCHDOG_MS = 50  # ms; 20-interlock: the interlock's own, which only its safety step feeds
DARK_MS = 200  # ms; pump decay, release times and supply fall together, x2

Boot = Callable[[str], Controller]


class PowerCut(BaseException):  # the box is gone: no handler of anybody's code may survive it
    """A scenario cut the power of the whole box."""


class Plant:
    """See the module. `boot(medium)` makes the controller of a boot, medium "intake" or "sealing".

    `entropy(n)` gives n random bytes. `wear` keeps damage between two power-ons. `rootkit` is what the
    deed plant_rootkit plants. With `stop_at_both`, a step with link and drives live raises BothLive
    instead of only being counted.
    """

    def __init__(  # noqa: PLR0913 - a box has that many parts
        self,
        *,
        profile: BoardProfile,
        bays: int,
        memory: Memory,
        entropy: Callable[[int], bytes],
        boot: Boot,
        scenario: Scenario | None = None,
        rootkit: Implant | None = None,
        watchers: Watchers | None = None,
        wear: Wear | None = None,
        stop_at_both: bool = False,
        make_device: MakeDevice = InterlockDevice,
    ) -> None:
        self._profile, self._memory, self._entropy, self._boot = profile, memory, entropy, boot
        self._rootkit, self._stop_at_both, self._make_device = rootkit, stop_at_both, make_device
        self._watchers = watchers or Watchers()
        self._agenda = Agenda((scenario or Scenario()).deeds)
        self.circuit: Circuit = copper.build(profile, bays)
        self.hands = Hands()
        self._wear = wear
        if wear is not None:
            self.circuit = wear.load(self.circuit, self.hands)
        self.totals = Totals()
        self.uptime_ms = 0
        self._reset_at_ms = 0
        self._crystal = Crystal(memory, self.hands)
        self._line = SerialLine(bytes_per_ms=profile.uart_bytes_per_ms, queue_bytes=profile.uart_queue_bytes)
        self._pins: deque[int] = deque(maxlen=PINS_QUEUE_MAX)
        self._gpio: int | None = None  # nobody drives the pins
        self._shown: Inputs | None = None
        self._undead = False
        self.controller: Controller | None = None
        self.removals: list[Removal] = []
        self.device: Device = make_device(memory, entropy(NONCE_BYTES), self._crystal.order)

    # Looking.

    @property
    def phase(self) -> Phase:
        return self.device.state.phase

    @property
    def unix_ms(self) -> int:
        """The emulated clock; 0 while it is lost."""
        return self._crystal.unix_ms

    @property
    def serial_dropped(self) -> int:
        """Bytes of a flood that did not fit the serial line."""
        return self._line.dropped

    def measured(self) -> Measured:
        return Measured(
            report=status.report(self.device.state),
            uptime_ms=self.uptime_ms,
            unix_ms=self.unix_ms,
            link_conducting=self.circuit.link_conducting,
            carrier=self.circuit.carrier,
            drives_live=self.circuit.drives_live,
            drives_up=self.circuit.drives_up,
            controller=self.controller is not None,
            totals=self.totals,
        )

    # Hands of the bench: never reachable by a message.

    def jump(self, unix_s: int) -> None:
        """Move the crystal."""
        self._crystal.set(unix_s)

    def turn_key(self, *, turned: bool) -> None:
        self.hands.key_turned = turned

    def press_cut(self, *, pressed: bool) -> None:
        self.hands.cut_pressed = pressed

    def do(self, deed: Deed) -> None:
        """Perform one deed now, whatever its trigger."""
        after = faults.on_copper(self.circuit, deed)
        if after is not None:
            self.circuit = after
        elif not faults.on_hands(self.hands, deed):
            self._do_to_machines(deed)
        self._keep_wear()

    def power_off(self) -> None:
        """Take the box's supply away in order, and end the controller. The copper is dark afterwards."""
        self._remove_controller()
        self.device.lose_power()
        left_ms = DARK_MS
        while left_ms > 0:
            left_ms -= self._move(left_ms)
        self._crystal.keep()
        self._keep_wear()

    def _keep_wear(self) -> None:
        if self._wear is not None:
            self._wear.save(self.circuit, self.hands)

    # Time.

    def advance(self, duration_ms: int) -> None:
        """Let the box live for `duration_ms`."""
        left_ms = duration_ms
        while left_ms > 0:
            left_ms -= self._step(left_ms)

    def _step(self, most_ms: int) -> int:
        self._hear_controller()
        for deed in self._agenda.take_due(self.uptime_ms):
            self.do(deed)
        dt_ms = self._move(most_ms)
        if not self.hands.serial_unplugged:
            self.device.hear(self._line.take(dt_ms))
        uptime_ms = self.uptime_ms - self._reset_at_ms
        rtc_s, seen = self._crystal.second(), self._senses(Side.INTERLOCK)
        self.device.tick(uptime_ms=uptime_ms, rtc_s=rtc_s, senses=seen)
        self._agenda.entered(self.phase, self.uptime_ms)
        self._follow_supply()
        self._tell_controller()
        return dt_ms

    def _move(self, most_ms: int) -> int:
        """Copper and clock, by the longest exact step up to `most_ms`."""
        if self._pins:
            self._gpio = self._pins.popleft()
        drawn = self._drawn()
        dt_ms = min(most_ms, self._step_ms(drawn))
        self.circuit = copper.step(self.circuit, drawn, dt_ms)
        self.totals = monitor.observe(self.totals, self.circuit, dt_ms)
        if self._stop_at_both and not self.totals.never_both:
            raise BothLive(f"at {self.uptime_ms} ms")
        self.uptime_ms += dt_ms
        self._crystal.move(dt_ms, self.hands.drift_ppm)
        return dt_ms

    def _step_ms(self, drawn: Drawn) -> int:
        due_ms = [IDLE_STEP_MS]
        moving = copper.due_ms(self.circuit, drawn)
        if moving is not None:
            due_ms += [moving, FINE_STEP_MS]
        arriving = self._line.due_ms()
        if arriving is not None:
            due_ms += [arriving, FINE_STEP_MS]
        if self._pins:
            due_ms.append(1)
        deed_ms = self._agenda.next_ms()
        if deed_ms is not None:
            due_ms.append(max(1, deed_ms - self.uptime_ms))
        return min(due_ms)

    def _drawn(self) -> Drawn:
        drive = self.device.drive
        return Drawn(
            permit_link=drive.permit_link,
            permit_drives=drive.permit_drives,
            drive_mask=drive.drive_mask,
            k3_on_link=drive.k3_on_link,
            controller_power=drive.controller_power or self._undead,
            gpio=self._gpio,
            cut_pressed=self.hands.cut_pressed,
        )

    def _senses(self, side: Side) -> senses.Senses:
        turned, stuck = self.hands.key_turned, self.hands.stuck
        return senses.read(self.circuit, self._drawn(), key_turned=turned, stuck=stuck, side=side)

    # The controller's slot.

    def _hear_controller(self) -> None:
        if self.controller is None:
            return
        for packet in self.controller.arrived(PACKETS_MAX):
            match packet:
                case Uart(data=data):
                    self._line.put(data)
                case PinLevels(levels=levels):
                    self._pins.append(levels)
                case Inputs():
                    pass  # nobody but the board says what the inputs are
        for said in self.controller.said():
            self._watchers.said(said)
        for ended in self.controller.ended():
            self._watchers.ended(ended)

    def _tell_controller(self) -> None:
        said = self.device.take_said()
        if self.controller is None:
            return
        for start in range(0, 0 if self.hands.serial_unplugged else len(said), SAY_BYTES_MAX):
            self.controller.push(Uart(said[start : start + SAY_BYTES_MAX]))
        shown = senses.inputs(self.circuit, self._senses(Side.CONTROLLER), self.hands.network)
        if shown != self._shown:
            self._shown = shown
            self.controller.push(shown)

    def _follow_supply(self) -> None:
        """Power ordered away ends everything at once; power that has come boots the selected medium."""
        ordered = self.device.drive.controller_power
        if not ordered:
            self._remove_controller()
        elif self.controller is None and self.circuit.controller_supplied and not self._undead:
            self._shown = None
            self.controller = self._boot(self.device.drive.boot_medium)

    def _remove_controller(self) -> None:
        if self.controller is None:
            return
        controller, self.controller = self.controller, None
        removal = controller.remove_supply()
        self._undead = bool(removal.left)  # then the supply is sensed as still there, which is the truth
        self._pins.clear()
        self._gpio = None
        self._line.clear()
        for said in controller.said():
            self._watchers.said(said)
        self.removals.append(removal)
        self._watchers.removed(removal)

    def _do_to_machines(self, deed: Deed) -> None:
        match deed.do:
            case "hang_controller" if self.controller is not None:
                self.controller.hang()
            case "kill_controller" if self.controller is not None:
                self.controller.crash()
            case "plant_rootkit" if self.controller is not None and self._rootkit is not None:
                self.controller.plant(self._rootkit)
            case "noise":
                self._line.put(self._entropy(deed.bytes))
            case "hang_interlock":
                if not self.device.hang():
                    self._agenda.add("reset_interlock", self.uptime_ms + WATCHDOG_MS)
            case "reset_interlock":
                self._reset_at_ms = self.uptime_ms
                self.device = self._make_device(self._memory, self._entropy(NONCE_BYTES), self._crystal.order)
                self._follow_supply()
            case "cut_power":
                raise PowerCut
