"""A whole box in this thread: real home, real services, golden model, virtual clock.

The commands are the product's own (`EmulatedAppliance`); only processes and real time are exchanged
(`compose.emulation`). `Cut` counts every durable step of the controller and of the interlock's memory and
takes the power away after one of them; the next command is a power-on from the same directory.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.adapters import reed_solomon
from appliance.adapters.attributes import Wanted
from appliance.adapters.board_channel import BoardChannel
from appliance.adapters.directory import Directory
from appliance.adapters.drives_emulated import EmulatedDrive
from appliance.adapters.entropy import SeededEntropy
from appliance.adapters.restore_target import RestoreTarget
from appliance.adapters.token_file import FileToken
from appliance.adapters.tree_compare import compare
from appliance.compose import controller as controller_program
from appliance.compose import operational_keys
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import Box
from appliance.compose.home import Home
from appliance.compose.job import AnyJob
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.machine import EmulatedParts, Machine
from appliance.compose.policy_files import PolicyFiles
from appliance.domain.ids import Bay
from appliance.domain.phases import Medium, Reading
from appliance.errors import IwatoError
from appliance.format.age_recipient import Identity
from appliance.format.ledger_entry import Seal
from appliance.pipeline.scatter import Code
from appliance.ports import Birth, Entropy
from appliance.service import drive_set, vault_opening
from appliance.service.gather import Gatherer
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.pulse import InlinePulse
from appliance.service.restore import Restore
from appliance.service.selection import Selection
from hw import profile
from hw.twin import virtual_time
from hw.twin.loopback import LoopbackController
from hw.twin.measured import Measured
from hw.twin.memory import FileMemory
from hw.twin.plant import Plant
from hw.twin.recorder import Recorder, TracedPlant
from hw.twin.wear import Wear

BOARD = profile.load("emulated")
START_S = 1_800_000_000  # unix seconds; any day will do, and the same one replays
SOURCE = "docs"


class PowerCut(BaseException):  # nobody's handler survives it
    """The power went."""


@dataclass
class Cut:
    """Takes the power after durable step `after` (from 1; 0: never). `labels` are the steps so far."""

    after: int = 0
    labels: list[str] = field(default_factory=list)

    def __call__(self, label: str) -> None:
        if self.after and len(self.labels) >= self.after:
            raise PowerCut  # dead machines do nothing more
        self.labels.append(label)
        if len(self.labels) == self.after:
            raise PowerCut


class VirtualEmulation:
    """See compose.emulation.Emulation."""

    def __init__(self, seed: int, steps: Callable[[str], None]) -> None:
        self.entropy: Entropy = SeededEntropy(seed)
        self._steps = steps
        self.recorder: Recorder | None = None
        self._programs: dict[int, Callable[[LoopbackController], None]] = {}

    def now_s(self) -> int:
        return START_S

    def power_on(self, home: Home, box: Box) -> Plant:
        plant = TracedPlant(
            profile=box.profile,
            bays=box.bays,
            memory=FileMemory(home.emulated, steps=self._steps),
            entropy=self.entropy,
            boot=box.boot,
            scenario=box.scenario,
            watchers=box.watchers,
            wear=Wear(home.emulated),
            stop_at_both=True,
        )
        plant.record(self.recorder, box.bays)
        return plant

    def controller(
        self, plant: Plant, home: Home, medium: Medium, job: AnyJob, sources: tuple[str, ...]
    ) -> LoopbackController:
        assert home.root.is_dir()
        assert all(sources)
        made = LoopbackController(plant.advance, lambda: plant.uptime_ms)

        def program(_: LoopbackController) -> None:
            machine = Machine(
                clock=made,
                console=made,
                board=EmulatedParts(BoardChannel(made, BOARD, made)),
                entropy=self.entropy,
                pulse=lambda keeper: InlinePulse(keeper, made),
                steps=self._steps,
                threads=0,
                harden=lambda: None,  # the tests' own process is not a key process
            )
            controller_program.run(machine, medium, job)

        self._programs[id(made)] = program
        return made

    def live(
        self, plant: Plant, watch: Callable[[Measured], None], until: Callable[[Plant], bool], limit_s: float
    ) -> None:
        seen = None

        def over(plant: Plant) -> bool:
            nonlocal seen
            if plant.phase is not seen:
                seen = plant.phase
                watch(plant.measured())
            return until(plant)

        virtual_time.run(
            plant, programs=lambda made: self._programs.get(id(made)), until=over, limit_s=limit_s
        )
        watch(plant.measured())


class Nobody:
    """A watcher that remembers the readings."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    def reading(self, reading: Reading) -> None:
        self.readings.append(reading)

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        """Not looked at."""


@dataclass(frozen=True)
class VirtualBox:
    """One home on disk. Every command is a fresh power-on."""

    root: Path

    @property
    def home(self) -> Home:
        return Home(self.root)

    def appliance(self, cut: Cut | None = None, seed: int = 1) -> EmulatedAppliance:
        return EmulatedAppliance(self.root, VirtualEmulation(seed, cut or Cut()))

    def copy(self, root: Path) -> VirtualBox:
        shutil.copytree(self.root, root, symlinks=True)
        return VirtualBox(root)

    def run_window(self, cut: Cut | None = None, scenario: Path | None = None) -> Mapping[str, object]:
        path = str(scenario) if scenario else None
        return self.appliance(cut).run_window(Nobody(), path)

    def snapshots(self) -> list[Seal]:
        return LedgerRecord(self.home, PolicyFiles(self.home.policy)).snapshots()

    def identity(self, holders: Sequence[int]) -> Identity:
        """The vault's key from these holders' tokens."""
        policy = PolicyFiles(self.home.policy).policy
        tokens = [FileToken(str(self.home.token(holder))) for holder in holders]
        return vault_opening.open_vault(policy, policy.generation.number, tokens).identity

    def restore(
        self, snapshot: Seal, identity: Identity, target: Path, bays: Sequence[int]
    ) -> list[tuple[bytes, IwatoError | OSError]]:
        """What recovery restores from these bays alone; gives what could not be restored."""
        texts = PolicyFiles(self.home.policy)
        attached = [EmulatedDrive(Bay(bay), Directory(self.home.bay(bay))) for bay in bays]
        drives = drive_set.identify(attached, texts.set_facts, texts.keys.log)
        entries = list(LedgerRecord(self.home, texts).entries())
        code = Code(texts.policy.geometry, reed_solomon.choose())
        gatherer = Gatherer(drives, code, PackCatalogue(entries).facts)
        into = RestoreTarget(target, Wanted())
        restore = Restore(gatherer, identity, into, lambda _done: None)
        return list(restore.run(snapshot, Selection()).failed)

    def pairing_key(self) -> bytes:
        return operational_keys.read(self.home.intake_state, operational_keys.PAIRING)


def born(root: Path, source: Path, seed: int = 1, data_shards: int = 4) -> VirtualBox:
    """A box of six drives that was just born, with one source. Another seed is another vault."""
    box = VirtualBox(root)
    birth = Birth(
        drives=6,
        data_shards=data_shards,
        holders=5,
        quorum=3,
        window="03:00-05:00 daily",
        sources=((SOURCE, str(source)),),
    )
    box.appliance(seed=seed).create(birth, Nobody())
    return box


def same(source: Path, restored: Path) -> list[tuple[bytes, str]]:
    """Differences between a tree and what was restored of it."""
    return compare(source, restored / SOURCE, owners=False).differences
