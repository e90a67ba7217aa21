"""A sealing medium's world on real directories: drives, staging, state, and the real witness.

The interlock's witness is the golden model's (firmware.model.witness) over its own memory, which
survives every power cut. `boot` is a new process: new Directory objects, headers read anew, nothing
remembered. A power cut is a BaseException out of a durable step; after it no step succeeds.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.adapters import reed_solomon
from appliance.adapters.directory import Directory, ScratchDirectory
from appliance.domain.geometry import Geometry
from appliance.domain.ids import Bay, DriveIndex, PackId, SourceName, VaultId
from appliance.domain.phases import BootFacts, Cosignature, InterlockStatus, Medium, Phase
from appliance.errors import InterlockRefused
from appliance.format import age_file, batch, ledger_entry
from appliance.format.age_recipient import Identity
from appliance.format.batch import Batch, SourceFacts, StagedPack, StagedSegment
from appliance.format.drive_header import DriveSetFacts
from appliance.format.pack_id import PackIdHasher
from appliance.ledger import checkpoint
from appliance.pipeline.scatter import Code
from appliance.ports import Files
from appliance.service import drive_set, stripe_workers
from appliance.service.drive_set import DriveSet
from appliance.service.gather import Gatherer
from appliance.service.ledger_copies import LedgerCopies
from appliance.service.pack_catalogue import PackCatalogue
from appliance.service.scrub import Scrubber, ScrubReport
from appliance.service.seal_entry import SealFacts
from appliance.service.seal_report import SealReport
from appliance.service.sealing import Sealing, Watch
from firmware.model import facts as model_facts
from firmware.model import frontier, witness
from firmware.model.fram import Factory, Fram
from firmware.wire.codes import Cause
from firmware.wire.messages import Cosign

BEGAN_S = 1_800_000_000
VAULT = VaultId(hashlib.sha256(b"bench vault").digest()[:16])
LOG_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"bench log").digest())
WITNESS_SEED = hashlib.sha256(b"bench witness").digest()
IDENTITY = Identity.from_seed(hashlib.sha256(b"bench vault key").digest())
FOUR_TWO = Geometry(data=4, parity=2, write_quorum=5)
COMBINE = reed_solomon.choose()
DOCS = SourceName("docs")


class PowerCut(BaseException):
    """The supply went. Nothing of the process survives."""


class Supply:
    """Counts durable steps; the step after `left` of them is the cut, and so is every later one.
    `until`: the cut is at the first step with this label."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.until = ""
        self.steps: list[str] = []

    def step(self, label: str) -> None:
        self.steps.append(label)
        if label == self.until:
            self.left, self.until = 0, ""
        if self.left is not None:
            if self.left <= 0:
                raise PowerCut(label)
            self.left -= 1


class Witness:
    """ports.Interlock as far as a drive phase goes: `cosign` by the golden model. `supply` is cut
    before the model persists or after it, as the counter falls."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        slot = model_facts.Slot(begin_s=0, end_s=3600, offset_s=0)
        policy = model_facts.Policy(
            version=1,
            digest=bytes(32),
            vault_id=VAULT,
            quorum=1,
            holders=(),
            windows=(),
            scrubs=(slot,),
            groups=(model_facts.Group(bays=6),),
            generation=1,
            vault=bytes(32),
            log_key=bytes(32),
            witness_key=bytes(32),
            delay_s=60,
        )
        factory = Factory(pairing_key=bytes(32), witness_seed=WITNESS_SEED)
        self.memory = Fram(factory=factory, policies=(policy,))
        self.now_s = BEGAN_S
        self.asked: list[tuple[int, bytes]] = []

    @property
    def public_key(self) -> bytes:
        return witness.public_key(self.memory)

    def facts(self, window: int) -> BootFacts:
        log = self.memory.log
        return BootFacts(
            phase=Phase.SEAL,
            medium=Medium.SEALING,
            session_nonce=bytes(16),
            policy_version=1,
            policy_hash=bytes(32),
            log_size=log.size,
            log_root=frontier.root(log.edge),
            last_leaf=log.last_leaf if log.size else b"",
            unix_s=self.now_s,
            window_number=window,
        )

    def cosign(self, size: int, leaf_hash: bytes) -> Cosignature:
        self.asked.append((size, leaf_hash))
        self.supply.step("witness asked")
        after = witness.append(self.memory, Cosign(size=size, leaf_hash=leaf_hash), self.now_s)
        if isinstance(after, Cause):
            raise InterlockRefused(request="cosign", cause=after.name)
        self.memory = after
        self.supply.step("witness persisted")
        said = witness.answer(self.memory)
        return Cosignature(size=said.size, root=said.root, unix_s=said.time_s, signature=said.signature)

    # A drive phase asks nothing else of the interlock in these tests.
    def hello(self) -> BootFacts:
        raise AssertionError

    def heartbeat(self, progress: int) -> InterlockStatus:
        raise AssertionError

    def cut_soon(self) -> bool:
        raise AssertionError

    def request(self, phase: Phase) -> str:
        raise AssertionError

    def done(self) -> None:
        raise AssertionError

    def upload_policy(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        raise AssertionError

    def upload_order(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        raise AssertionError

    def events(self, after: int) -> Sequence[tuple[int, int, str, int]]:
        raise AssertionError


class StillClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 0

    def monotonic_ms(self) -> int:
        return self.ms

    def sleep_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms


@dataclass
class Attached:
    bay: Bay
    files: Files


@dataclass
class Booted:
    """One drive phase of one process."""

    drives: DriveSet
    ledger: LedgerCopies
    staging: ScratchDirectory
    code: Code
    facts: BootFacts

    def seal(self, stop: Callable[[], bool] = stripe_workers.never) -> SealReport:
        watch = Watch(stop=stop)
        run = Sealing(
            staging=self.staging, drives=self.drives, code=self.code, ledger=self.ledger, watch=watch
        )
        return run.run(SealFacts(boot=self.facts, recipient=IDENTITY.recipient.fingerprint, link_s=60))

    def scrub(self) -> ScrubReport:
        scrubber = Scrubber(self.drives, self.code, self.ledger, StillClock(), lambda _: None)
        return scrubber.run(unix_s=self.facts.unix_s)

    def catalogue(self) -> PackCatalogue:
        return PackCatalogue(self.ledger.history.entries())

    def gatherer(self) -> Gatherer:
        return Gatherer(self.drives, self.code, self.catalogue().facts)


@dataclass
class Bench:
    root: Path
    geometry: Geometry = FOUR_TWO
    wrap: Callable[[Bay, Files], Files] = lambda _bay, files: files
    contents: dict[PackId, bytes] = field(default_factory=dict)
    supply: Supply = field(default_factory=Supply)
    window: int = 0

    def __post_init__(self) -> None:
        self.witness = Witness(self.supply)
        log_key = LOG_KEY.public_key().public_bytes_raw()
        self.keys = checkpoint.keys_of(VAULT, log_key, self.witness.public_key)
        self.set = DriveSetFacts(vault=VAULT, number=1, geometry=self.geometry, generation=1)
        self._drawn = 0
        for number in range(1, self.geometry.drives + 1):
            self.bay(number).mkdir(parents=True, exist_ok=True)  # it may be a mounted disk
            self.prepare(number, DriveIndex(number - 1))
        (self.root / "staging").mkdir()
        (self.root / "state").mkdir()
        booted = self.boot()
        booted.ledger.append(
            ledger_entry.Birth(time=BEGAN_S, phase=Phase.SEAL, vault=VAULT.hex(), policy_hash="0" * 64)
        )

    def entropy(self, length: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(f"{self.geometry} {self._drawn}".encode()).digest(length)

    def bay(self, number: int) -> Path:
        return self.root / "bay" / str(number)

    def prepare(self, number: int, index: DriveIndex, facts: DriveSetFacts | None = None) -> None:
        drive_set.prepare(
            Directory(self.bay(number)), facts or self.set, index, self.keys.log, LOG_KEY.sign, self.entropy
        )

    def attached(self) -> list[Attached]:
        found = []
        for path in sorted((self.root / "bay").iterdir(), key=lambda path: int(path.name)):
            bay = Bay(int(path.name))
            found.append(Attached(bay, self.wrap(bay, Directory(path, steps=self.supply.step))))
        return found

    def boot(self, *, only: Sequence[int] | None = None) -> Booted:
        """A drive phase: `only` these bays are up, all when absent."""
        attached = [item for item in self.attached() if only is None or item.bay in only]
        drives = drive_set.identify(attached, self.set, self.keys.log)
        state = ScratchDirectory(self.root / "state", steps=self.supply.step)
        facts = self.witness.facts(self.window)
        ledger = LedgerCopies(
            state=state, drives=drives, interlock=self.witness, keys=self.keys, sign=LOG_KEY.sign
        )
        ledger.start(facts)
        staging = ScratchDirectory(self.root / "staging", steps=self.supply.step)
        return Booted(drives, ledger, staging, Code(self.geometry, COMBINE), facts)

    # What intake does --------------------------------------------------------------------------------

    def stage_file(self, plain: bytes) -> StagedPack:
        """One age file in staging, named as intake names it."""
        content = age_file.encrypt(plain, IDENTITY.recipient, self.entropy)
        pack = pack_id(self.geometry, content)
        Directory(self.root / "staging").put(batch.pack_name(pack), content)
        self.contents[pack] = content
        return StagedPack(id=pack, size=len(content))

    def stage(self, sizes: Sequence[int], *, complete: bool = True, begin_s: int = 0) -> Batch:
        """A window whose packs hold so many plain bytes each, and one manifest segment."""
        self.window += 1
        self.witness.now_s += 86_400
        packs = [self.stage_file(self.entropy(size)) for size in sizes]
        segment = self.stage_file(self.entropy(500))
        record = Batch(
            window=self.window,
            sequence=0,
            begin_s=begin_s or self.witness.now_s - 600,
            final=True,
            complete=complete,
            packs=tuple(packs),
            sources=(SourceFacts(name=DOCS, complete=complete, files=len(sizes), bytes=sum(sizes)),),
            segments=(StagedSegment(id=segment.id, size=segment.size, source=DOCS),),
            bytes_read=sum(sizes),
            bytes_new=sum(sizes),
            unreadable=0,
        )
        self.put_record(record)
        return record

    def put_record(self, record: Batch) -> None:
        ScratchDirectory(self.root / "staging").replace(record.name, batch.encode(record))

    # What is looked at -------------------------------------------------------------------------------

    def staged(self) -> set[str]:
        place = self.root / "staging"
        return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}

    def committed(self, booted: Booted) -> set[PackId]:
        return set(booted.catalogue().facts)

    def assert_readable(self, booted: Booted, packs: Sequence[PackId] | None = None) -> None:
        """Every committed pack comes back byte-equal."""
        gatherer = booted.gatherer()
        for pack in packs if packs is not None else booted.catalogue().facts:
            with closing(gatherer.open(pack)) as gathered:
                assert gathered.read(0, gathered.size) == self.contents[pack]

    def drive_files(self) -> dict[str, bytes]:
        """Every placed file of every drive by path, as the hash of its inode number and content."""
        place = self.root / "bay"
        return {
            str(path.relative_to(place)): blake3(
                path.stat().st_ino.to_bytes(8, "big") + path.read_bytes()
            ).digest()
            for path in place.rglob("*")
            if path.is_file() and not path.name.endswith(".tmp")
        }


def assert_nothing_overwritten(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """I8: whatever had its name still has it, in the same inode, with the same bytes."""
    for name, identity in before.items():
        assert after.get(name) == identity, f"{name} was changed or removed"


def pack_id(geometry: Geometry, content: bytes) -> PackId:
    hasher = PackIdHasher(geometry.data)
    for stripe in geometry.stripes(len(content)):
        padded = content[stripe.offset : stripe.offset + stripe.length].ljust(
            geometry.data * stripe.column, b"\0"
        )
        hasher.add(memoryview(padded), stripe.column)
    return hasher.id()


def other_vault(facts: DriveSetFacts) -> DriveSetFacts:
    return replace(facts, vault=VaultId(bytes(16)))
