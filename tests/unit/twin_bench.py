"""A whole emulated box for the twin's tests: plant, golden model, and the production controller parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.entropy import SeededEntropy
from appliance.adapters.interlock import InterlockClient
from appliance.domain.ids import Bay
from appliance.domain.phases import Phase
from appliance.errors import InterlockRefused, InterlockSilent
from appliance.service.keeper import Keeper
from appliance.service.pulse import InlinePulse
from firmware.wire import codes
from hw import profile
from hw.twin import commissioning, virtual_time
from hw.twin.loopback import LoopbackController
from hw.twin.memory import Memory, Steps, no_steps
from hw.twin.plant import Plant
from hw.twin.scenario import Scenario
from tests.firmware import box

BOARD = profile.load("emulated")
BAYS = box.DRIVES
DAY_S = box.NOON_S
WINDOW_S = box.NOON_S + 600  # the default policy's window: 120 s, link half 60 s
SCRUB_S = box.NOON_S + 3600


@dataclass
class Boot:
    """The production controller parts of one boot, over the loopback channel."""

    controller: LoopbackController
    entropy: SeededEntropy

    def __post_init__(self) -> None:
        self.channel = BoardChannel(self.controller, BOARD, self.controller)
        self.interlock = InterlockClient(
            self.channel, self.controller, pairing_key=box.PAIRING_KEY, nonce=self.entropy(8), bays=BAYS
        )
        self.bays = [Bay(number) for number in range(1, BAYS + 1)]
        self.keeper = Keeper(self.interlock, self.channel, self.controller, self.bays)
        self.pulse = InlinePulse(self.keeper, self.controller)


@dataclass
class Bench:
    """One box. `intake_ms` and `drive_ms`: how long an honest half works."""

    seed: int = 1
    scenario: Scenario = field(default_factory=Scenario)
    memory: Memory | None = None
    steps: Steps = no_steps
    intake_ms: int = 3000
    drive_ms: int = 2000
    stop_at_both: bool = True
    programs: Callable[[Boot], Callable[[LoopbackController], None] | None] | None = None
    policy: bytes = field(default_factory=box.policy_text)

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(self.seed)
        self.log: list[str] = []
        self.wish: Phase | None = None
        if self.memory is None:
            self.memory = commissioning.in_ram(
                pairing_key=box.PAIRING_KEY,
                witness_seed=box.WITNESS_SEED,
                start_unix_s=DAY_S,
                steps=self.steps,
            )
        self.power_on()

    def power_on(self) -> None:
        assert self.memory is not None
        self.plant = Plant(
            profile=BOARD,
            bays=BAYS,
            memory=self.memory,
            entropy=self.entropy,
            boot=self._boot,
            scenario=self.scenario,
            stop_at_both=self.stop_at_both,
        )

    def _boot(self, medium: str) -> LoopbackController:
        self.log.append(f"boot {medium}")
        return LoopbackController(self.plant.advance, lambda: self.plant.uptime_ms)

    def run(self, until: Callable[[Plant], bool], limit_s: float = 60) -> bool:
        return virtual_time.run(self.plant, programs=self._program, until=until, limit_s=limit_s)

    def _program(self, controller: LoopbackController) -> Callable[[LoopbackController], None] | None:
        boot = Boot(controller, self.entropy)
        if self.programs is not None:
            return self.programs(boot)
        return lambda _: self.honest(boot)

    # What an honest controller does.

    def honest(self, boot: Boot) -> None:
        try:
            facts = boot.keeper.boot()
            self.log.append(f"up {facts.phase}")
            match facts.phase:
                case Phase.ISOLATED:
                    self._at_home(boot)
                case Phase.SEAL | Phase.SCRUB | Phase.RECOVERY:
                    self._work(boot, facts.phase, self.drive_ms)
                case _:
                    pass
        except InterlockSilent:
            self.log.append("silent")
        except InterlockRefused as error:
            self.log.append(f"refused {error.values['cause']}")

    def _at_home(self, boot: Boot) -> None:
        wish, self.wish = self.wish, None
        if wish is Phase.INTAKE:
            boot.interlock.heartbeat(0)
            boot.keeper.request_link()
            while boot.keeper.phase is Phase.CONTACT_TEST:
                boot.pulse.wait(10)
            self._work(boot, Phase.INTAKE, self.intake_ms)
        elif wish is not None:
            boot.interlock.heartbeat(0)
            self.log.append(f"asked {wish} {boot.interlock.request(wish)}".strip())
            while True:
                boot.pulse.wait(500)

    def _work(self, boot: Boot, phase: Phase, duration_ms: int) -> None:
        while duration_ms > 0 and boot.keeper.phase is phase:
            boot.pulse.wait(50)
            duration_ms -= 50
        self.log.append(f"worked {boot.keeper.phase}")
        if boot.keeper.phase is phase:
            boot.keeper.work_done()

    # What people do.

    def birth(self) -> None:
        """Power on until ISOLATED and give the interlock its first policy, by the controller's line."""
        text = self.policy

        def ceremony(boot: Boot) -> Callable[[LoopbackController], None]:
            def run(_: LoopbackController) -> None:
                boot.interlock.hello()
                signed = box.sign(text, b"iwato-policy@v1", (1, 2, 3))
                self.log.append(f"policy {boot.interlock.upload_policy(text, signed)}".strip())

            return run

        self.programs, before = ceremony, self.programs
        self.plant.turn_key(turned=True)
        assert self.run(lambda plant: self.log[-1:] == ["policy"])
        self.plant.turn_key(turned=False)
        self.programs = before

    def restart(self) -> None:
        """The box's power off and on again, as between two commands."""
        self.plant.power_off()
        self.power_on()

    def window(self, limit_s: float = 150, *, day: int = 0) -> bool:
        """Restart at the window's begin and wish for an intake; True when the box came back ISOLATED."""
        self.restart()
        self.plant.jump(WINDOW_S + day * 86_400)
        self.wish = Phase.INTAKE
        seen: set[codes.Phase] = set()

        def home(plant: Plant) -> bool:
            seen.add(plant.phase)
            ended = plant.phase in (codes.Phase.ISOLATED, codes.Phase.FAULT, codes.Phase.SECURED)
            return ended and bool(seen & {codes.Phase.SEAL, codes.Phase.FAULT, codes.Phase.SECURED})

        return self.run(home, limit_s)
