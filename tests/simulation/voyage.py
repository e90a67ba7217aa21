"""One seeded voyage of the whole box: days of windows, scrubs, restores, faults and power cuts.

Every command runs on the product's own code (virtual_box), every step of it under a bystander's eyes
(observed_plant); between commands the media are judged. `python -m tests.simulation.voyage SEED` replays
one voyage and tells what happened in it.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from appliance.adapters import key_process
from appliance.adapters.directory import ScratchDirectory
from appliance.compose.emulated_appliance import EmulatedAppliance
from appliance.compose.emulation import Box
from appliance.compose.home import Home
from appliance.compose.ledger_record import LedgerRecord
from appliance.compose.policy_files import PolicyFiles
from appliance.errors import IwatoError
from appliance.format.age_recipient import Identity
from appliance.format.ledger_entry import Seal
from appliance.ledger import history
from appliance.ports import CopyRequest, RestoreRequest
from appliance.service import stripe_workers
from appliance.service.ledger_copies import STATE
from appliance.service.ledger_folder import read_copy
from firmware.model import fram
from firmware.model.fram import Fram
from hw.twin import scenario
from hw.twin.memory import FileMemory
from hw.twin.plant import Plant
from hw.twin.scenario import Scenario
from hw.twin.wear import NAME as DAMAGE
from hw.twin.wear import Wear
from tests.simulation import virtual_box
from tests.simulation.observed_plant import ObservedPlant, Violation, must
from tests.simulation.virtual_box import Cut, Nobody, PowerCut, VirtualBox, VirtualEmulation

BAYS, HOLDERS = range(1, 7), range(1, 6)
FAULTY_MAX = 2  # drives: n - k
STEPS_MAX = 260  # durable steps after which a cut may come; a window has some 200
COPPER = {  # two such faults at once are outside what can be seen
    *("weld", "break", "stick", "stick_k3", "bounce"),
    *("open_coil", "short_driver", "short_pump", "lose_pull", "open_sense"),
}
MARKER = b"voyage-plaintext-marker"
REPLAY = "python -m tests.simulation.voyage"


class SteadyCut(Cut):
    """Does not count the making of folders: which shard folders a drive has already, the ciphertext's
    names decide, and a voyage has to replay without them (I16)."""

    def __call__(self, label: str) -> None:
        if not label.startswith("mkdir") and label not in {"fsync-folder .", "fsync-folder shards"}:
            super().__call__(label)


class Emulation(VirtualEmulation):
    """Adds the bystander, and a scenario to every power-on of the command."""

    def __init__(self, seed: int, cut: Cut, drawn: Scenario) -> None:
        super().__init__(seed, cut)
        self._cut, self._drawn = cut, drawn

    def power_on(self, home: Home, box: Box) -> Plant:
        return ObservedPlant(
            profile=box.profile,
            bays=box.bays,
            memory=FileMemory(home.emulated, steps=self._cut),
            entropy=self.entropy,
            boot=box.boot,
            scenario=self._drawn,
            watchers=box.watchers,
            wear=Wear(home.emulated),
            stop_at_both=True,
        )


@dataclass
class World:
    """What all voyages of one process share: a box that was just born, and its key for the judge."""

    place: Path
    count: int = 0
    born: VirtualBox = field(init=False)
    identity: Identity = field(init=False)

    def __post_init__(self) -> None:
        self.source.mkdir()
        self.born = virtual_box.born(self.place / "born", self.source)
        self.identity = self.born.identity([1, 2, 3])

    @property
    def source(self) -> Path:
        return self.place / "source"


@dataclass
class Voyage:
    """One seed. `log` tells what was done; `trees` what the source was in each window."""

    world: World
    seed: int
    log: list[str] = field(default_factory=list)
    trees: dict[int, list[Path]] = field(default_factory=dict)
    faulty: set[int] = field(default_factory=set)
    acknowledged: dict[str, int] = field(default_factory=dict)
    leaves: tuple[bytes, ...] = ()
    files: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def run(self, days: int = 4) -> Voyage:
        """The voyage and its quiet end. Violation, or whatever else went wrong."""
        self.dice = random.Random(self.seed)
        self.world.count += 1
        self.place = self.world.place / f"voyage-{self.world.count}"
        self.place.mkdir()
        self.box = self.world.born.copy(self.place / "home")
        shutil.rmtree(self.world.source)
        self.world.source.mkdir()
        self.memory = self._memory()
        try:
            for _ in range(days):
                self._day()
            self._come_home()
        finally:
            shutil.rmtree(self.place)
        return self

    # What happens -------------------------------------------------------------------------------------

    def _day(self) -> None:
        self._work_at_the_source()
        chance = self.dice.random()
        if chance < 0.6:
            self._window()
        elif chance < 0.75:
            self._break_a_drive()
            self._command("scrub", lambda box: box.scrub(Nobody()))
        elif chance < 0.85:
            self._command("restore", self._restoring(self.place / f"order-{len(self.log)}"))
        else:
            days = self.dice.randint(1, 40)
            self._command("clock", lambda box: box.advance_clock(days * 86_400))
        if self.dice.random() < 0.5:
            self._mend()

    def _work_at_the_source(self) -> None:
        for _ in range(self.dice.randint(1, 3)):
            path = self.world.source / f"f{self.dice.randint(1, 5)}"
            path.write_bytes(MARKER + self.dice.randbytes(self.dice.randint(0, 60_000)))

    def _window(self) -> None:
        tree = self.place / f"tree-{len(self.log)}"
        shutil.copytree(self.world.source, tree)
        self._command("window", lambda box: box.run_window(Nobody()))
        self.trees.setdefault(self.memory.window.number, []).append(tree)
        self._judge_snapshots()

    def _restoring(self, target: Path) -> Callable[[EmulatedAppliance], Mapping[str, Any]]:
        holders = self.dice.sample(HOLDERS, 3)
        tokens = tuple(str(self.box.home.token(holder)) for holder in holders)
        request = RestoreRequest(copy=CopyRequest(snapshot="latest", tokens=tokens), target=str(target))
        return lambda box: box.restore(request, Nobody())

    def _break_a_drive(self) -> None:
        """Damage one shard of one drive, of at most n - k drives between two scrubs that end well."""
        bay = self.dice.choice(BAYS)
        shards = sorted(self.box.home.bay(bay).glob("shards/*/*"))
        if not shards or len(self.faulty | {bay}) > FAULTY_MAX:
            return
        self.faulty.add(bay)
        shard = self.dice.choice(shards)
        how = self.dice.choice(["flip", "cut short", "lose"])
        content = bytearray(shard.read_bytes())
        content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
        if how == "lose":
            shard.unlink()
        else:
            shard.write_bytes(content if how == "flip" else content[: len(content) // 2])
        self.log.append(f"bay {bay}: {how} {shard.suffix}")
        self.files = self._drive_files()

    def _mend(self) -> None:
        """A person replaces what is broken in the copper."""
        (self.box.home.emulated / DAMAGE).unlink(missing_ok=True)

    def _command(self, name: str, act: Callable[[EmulatedAppliance], Mapping[str, Any]]) -> None:
        """One command, perhaps with faults, perhaps with a power cut; then everything is judged."""
        drawn = Scenario()
        if name != "clock" and self.dice.random() < 0.5:
            seed = self.dice.randrange(1 << 30)
            drawn = single_fault(scenario.draw(seed, bays=len(BAYS), within_ms=20_000))
        cut = SteadyCut(self.dice.randint(1, STEPS_MAX) if self.dice.random() < 0.5 else 0)
        deeds = ", ".join(deed.do for deed in drawn.deeds)
        before = self.memory
        try:
            said = act(EmulatedAppliance(self.box.root, Emulation(self.seed, cut, drawn)))
            ended = f"exit {said.get('exit', 0)}"
            must("I3", not said.get("both_ms", 0), "link and drives were live together")
            if name == "scrub" and said["finished"] and not said["unrepaired"] and not said["missing"]:
                self.faulty.clear()
        except PowerCut:
            ended = f"power cut after {len(cut.labels)}: {cut.labels[-1].partition('/')[0]}"
        except IwatoError as error:
            ended = error.code
        self.log.append(f"{name} [{deeds}] {ended}")
        self.memory = self._memory()
        self._judge_memory(before, self.memory)
        self._judge_media()

    # What must hold -----------------------------------------------------------------------------------

    def _memory(self) -> Fram:
        memory = FileMemory(self.box.home.emulated)
        newest = fram.newest(memory.slot(0), memory.slot(1))
        assert newest is not None
        return newest

    def _judge_memory(self, before: Fram, after: Fram) -> None:
        """I5 over commands and power cuts."""
        must("I5", after.sequence >= before.sequence, "the record sequence decreased")
        must("I5", after.log.size >= before.log.size, "the log counter decreased")
        must("I5", after.window.number >= before.window.number, "the window counter decreased")
        must("I5", after.policies == before.policies, "the policy changed")
        same = after.log == before.log
        must("I10", same or after.log.size > before.log.size, "two heads of one size")
        must("I5", after.secured or not before.secured, "SECURED was left")

    def _judge_media(self) -> None:
        """I8, I10, I11 on the disks as they lie there."""
        copy = read_copy(ScratchDirectory(self.box.home.seal_state), STATE)
        found = history.assemble([copy], PolicyFiles(self.box.home.policy).keys).history
        log = self.memory.log
        must("I10", found.leaves[: len(self.leaves)] == self.leaves, "the ledger is not a prefix of itself")
        must("I10", found.witnessed <= log.size, "a head was signed that the interlock does not remember")
        must("I7", found.size >= log.size, f"entry {log.size} was witnessed and is not in the ledger")
        must("I7", not log.size or found.leaves[log.size - 1] == log.last_leaf, "another entry was witnessed")
        self.leaves = found.leaves[: log.size]
        files = self._drive_files()
        changed = [name for name, facts in self.files.items() if files.get(name) != facts]
        must("I8", not changed, f"{changed[:3]} on the drives changed")
        self.files = files
        for path in self.box.root.rglob("*"):
            if path.is_file() and self.box.home.tokens not in path.parents:
                must("I11", MARKER not in path.read_bytes(), f"plaintext in {path}")

    def _drive_files(self) -> dict[str, tuple[int, int, int]]:
        """Every placed file of every drive: inode, length, time of change."""
        found = {}
        for path in self.box.home.bays.rglob("*"):
            if path.is_file() and not path.name.endswith(".tmp") and not path.name.startswith("."):
                facts = path.stat()
                key = str(path.relative_to(self.box.root))
                found[key] = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        return found

    def _judge_snapshots(self, subsets: int = 1, *, everyone: bool = False) -> None:
        """I6, I7: every committed snapshot is one of the trees of its window, from any k sound drives.
        Until the next quiet drive phase those are the drives that the ledger names (05-settled 8);
        `everyone`: all of them hold everything by now."""
        sound = {bay for bay in BAYS if bay not in self.faulty}
        entries = LedgerRecord(self.box.home, PolicyFiles(self.box.home.policy)).entries()
        for _, entry in () if everyone else entries:
            if isinstance(entry, Seal):
                sound &= {index + 1 for index in entry.drives}
        choices = list(combinations(sorted(sound), 4))
        for snapshot in self.box.snapshots():
            self.acknowledged[snapshot.snapshot] = snapshot.window
            for bays in self.dice.sample(choices, min(subsets, len(choices))):
                target = self.place / "judged"
                failed = self.box.restore(snapshot, self.world.identity, target, bays)
                must("I6", not failed, f"{snapshot.snapshot} from {bays}: {failed[:1]}")
                trees = self.trees.get(snapshot.window, [])
                whole = any(not virtual_box.same(tree, target) for tree in trees)
                must("I6", whole or not snapshot.complete, f"{snapshot.snapshot} from {bays} differs")
                shutil.rmtree(target)
        known = {snapshot.snapshot for snapshot in self.box.snapshots()}
        must("I6", known >= self.acknowledged.keys(), "a committed snapshot is gone")

    def _come_home(self) -> None:
        """Liveness: mended and left alone, the box works again, unless it waits for people."""
        self._mend()
        if self.memory.fault or self.memory.secured:
            self.log.append(f"latched: {self.memory.fault.name}")
            self._judge_snapshots()
            return
        self._quiet(lambda box: box.scrub(Nobody()))
        self.faulty.clear()
        self._work_at_the_source()
        tree = self.place / "tree-home"
        shutil.copytree(self.world.source, tree)
        said = self._quiet(lambda box: box.run_window(Nobody()))
        said = self._quiet(lambda box: box.run_window(Nobody()))
        for number in (self.memory.window.number - 1, self.memory.window.number):
            self.trees.setdefault(number, []).append(tree)
        must("I15", said["complete"], f"two quiet windows end with {said['warnings']}")
        status = self._quiet(EmulatedAppliance.status)
        must("I1", status["isolated"] and not status["alarms"], f"status {status}")
        verdict = self._quiet(lambda box: box.verify_ledger(None, Nobody()))
        must("I10", verdict["verdict"] == "verified", f"the ledger is {verdict['verdict']}")
        self._judge_snapshots(subsets=3, everyone=True)

    def _quiet(self, act: Callable[[EmulatedAppliance], Mapping[str, Any]]) -> Mapping[str, Any]:
        """A command on a mended box, which has to end well."""
        try:
            return act(EmulatedAppliance(self.box.root, Emulation(self.seed, Cut(), Scenario())))
        except IwatoError as error:
            raise Violation(f"I15 a mended box refuses: {error.code} {error}") from error
        finally:
            before, self.memory = self.memory, self._memory()
            self._judge_memory(before, self.memory)
            self._judge_media()


def single_fault(drawn: Scenario) -> Scenario:
    """At most one fault of the copper, any number of others."""
    copper = [deed for deed in drawn.deeds if deed.do in COPPER][:1]
    return replace(drawn, deeds=(*copper, *(deed for deed in drawn.deeds if deed.do not in COPPER)))


def in_this_process(program: Callable[[bytes, Callable[[str], None]], bytes], request: bytes) -> Any:
    """Stands for adapters/key_process.run: the ceremony's code without its process."""
    hardening = key_process.Hardening(undumpable=True, no_core=True, locked=True, swap=False)
    return key_process.Answer(body=program(request, lambda _line: None), hardening=hardening)


def settle(put: Callable[[object, str, object], None]) -> None:
    """Exchange what has no fixed order or is slow: `put` is setattr, or a test's monkeypatch."""
    put(key_process, "run", in_this_process)
    put(stripe_workers, "WORKERS", 1)


def main(seed: int) -> None:
    """Replay one voyage, telling what happens."""
    with tempfile.TemporaryDirectory() as place:
        settle(setattr)
        voyage = Voyage(World(Path(place)), seed)
        try:
            voyage.run()
        finally:
            print(*voyage.log, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
