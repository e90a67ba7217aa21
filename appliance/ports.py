"""What the services need of the world: one Protocol per device or facility.

Adapters implement these, fakes pass the same contract suite (tests/contract). Declares no behaviour.
Buffers are `Bytes`. All file names are relative, '/'-separated text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from appliance.custody.policy_port import Policies
from appliance.domain.file_entry import ChunkRef, FileEntry
from appliance.domain.file_state import FileState, Remembered
from appliance.domain.ids import Bay, PackId
from appliance.domain.ledger_request import LedgerRequest
from appliance.domain.phases import BootFacts, Cosignature, InterlockStatus, Phase, Reading

Bytes: TypeAlias = bytes | bytearray | memoryview


class Clock(Protocol):
    """A clock that only moves forward. Never trusted for authority: the interlock's time is."""

    def monotonic_ms(self) -> int:
        """Milliseconds since some fixed moment."""
        ...

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait; on a virtual clock, move it."""
        ...


class Entropy(Protocol):
    """Source of random bytes fit for keys."""

    def __call__(self, length: int, /) -> bytes: ...


class Readable(Protocol):
    """A durable file while it is read."""

    size: int

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset`; returns the bytes read, fewer only at the end of the file."""
        ...

    def close(self) -> None: ...


class Placing(Protocol):
    """A file that is being written under a temporary name and does not exist until `place`."""

    def pwrite(self, buffer: Bytes, offset: int) -> None:
        """Write all of it. Multiples of 4 KiB from page-aligned memory go around the cache."""
        ...

    def place(self, size: int, name: str | None = None) -> None:
        """Cut to `size` bytes, fsync, rename to the final name (`name` replaces the one given at the
        start, for content-named files), fsync the directory. An existing final name is an error."""
        ...

    def abandon(self) -> None:
        """Remove the temporary file."""
        ...

    def close(self) -> None:
        """Give back what is held; the temporary file waits for a sweep or the next `begin`. Repeatable."""
        ...


class Files(Protocol):
    """A directory of write-once files. There is no way to change or remove what was placed.

    Errors: OSError as the system raised it; after the first failed write or fsync every further
    write raises too (a second fsync would lie, 60-reliability)."""

    def begin(self, name: str) -> Placing: ...

    def put(self, name: str, content: Bytes) -> None:
        """Place a small file whole."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The whole file; more than `limit` bytes is a ValueError."""
        ...

    def read_direct(self, name: str) -> Readable:
        """Like `open`, but around the page cache where the file system allows it (read-back)."""
        ...

    def open(self, name: str) -> Readable: ...

    def exists(self, name: str) -> bool: ...

    def names(self, folder: str) -> Sequence[str]:
        """Names in `folder` (not below it) sorted, temporary files left out; absent folder: none."""
        ...

    def free_bytes(self) -> int: ...


class ScratchFiles(Files, Protocol):
    """Staging and the controller's own state: ciphertext copies and indexes that may be recycled."""

    def recycle(self, name: str) -> None:
        """Remove a file whose content every drive of the group holds, or that no commit names."""
        ...

    def replace(self, name: str, content: Bytes) -> None:
        """Atomically put a small state file in the place of its older version."""
        ...

    def sweep(self) -> None:
        """Remove temporary files that a power cut left behind."""
        ...


class AttachedDrive(Protocol):
    """A drive that is powered and has come up. Which one it is, only its signed header says."""

    bay: Bay
    files: Files


class Drives(Protocol):
    """The drives that are up now."""

    def attached(self) -> Sequence[AttachedDrive]: ...


class Relays(Protocol):
    """The controller's half of every coil. Energising needs the interlock's half too."""

    def energise_link(self, k1: bool, k2: bool) -> None: ...

    def energise_drives(self, bays: Iterable[Bay]) -> None:
        """Exactly these bays; all others are released."""
        ...


class Link(Protocol):
    """The network link as the controller sees it."""

    def carrier(self) -> bool: ...

    def others(self) -> int:
        """How many other networks carry; a sound box has none."""
        ...


class Interlock(Protocol):
    """The second controller, over the frame protocol. Raises HardwareError when it does not answer."""

    def hello(self) -> BootFacts: ...

    def heartbeat(self, progress: int) -> InterlockStatus:
        """`progress` is a counter that the work moves; also collects warnings (see `cut_soon`)."""
        ...

    def cut_soon(self) -> bool:
        """A warning that the phase ends within 10 s was received in this session."""
        ...

    def request(self, phase: Phase) -> str:
        """Ask for a phase; the empty string is "granted", else the cause of the refusal."""
        ...

    def done(self) -> None:
        """The phase's work is done; the interlock goes on to the next phase."""
        ...

    def cosign(self, size: int, leaf_hash: bytes) -> Cosignature: ...

    def upload_policy(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str:
        """(holder number, raw signature) pairs; the empty string is "accepted", else the cause."""
        ...

    def upload_order(self, text: bytes, signatures: Sequence[tuple[int, bytes]]) -> str: ...

    def events(self, after: int) -> Sequence[tuple[int, int, str, int]]:
        """(sequence, unix seconds, name, count) of the interlock's own log after a sequence number."""
        ...


class SourceFile(Protocol):
    """A regular file of a source while it is read."""

    def pread_into(self, buffer: memoryview, offset: int) -> int:
        """Read into the front of `buffer` from `offset`; returns the bytes read, which may be fewer
        than asked for, and 0 only at the end of the file."""
        ...

    def unchanged(self) -> bool:
        """Size, times and identity are still those of the listing."""
        ...

    def data_extents(self) -> Iterator[tuple[int, int]]:
        """(offset, length) of every run that is not a hole, rising, with a hole between any two."""
        ...

    def close(self) -> None: ...


class Source(Protocol):
    """A tree that is pulled over the link, read-only. Raises NetworkLost when the link is cut."""

    name: str

    def walk(self) -> Iterator[tuple[FileEntry, bytes]]:
        """Every object, directories before their contents, with an opaque signature of its state
        (size, times, inode) for the scan index; b"" says that this state cannot be recognised again.
        Files of one directory come together. Entries carry no extents yet. Unreadable
        directories are yielded as themselves and reported through `unreadable`. SourceMissing when
        the tree is not there."""
        ...

    def look(self, path: bytes) -> tuple[FileEntry, bytes]:
        """What `path` is now, for a file that changed while it was read. OSError when it is gone."""
        ...

    def open(self, entry: FileEntry) -> SourceFile:
        """OSError when it cannot be read or is no regular file any more."""
        ...

    @property
    def unreadable(self) -> Sequence[tuple[bytes, str]]:
        """(path, reason) of what could not be read so far."""
        ...

    def close(self) -> None:
        """Give back what is held open; a later walk begins anew."""
        ...


class FileMaker(Protocol):
    """Regular files of a RestoreTarget, with its errors. For one thread at a time."""

    def begin_file(self, path: bytes, size: int) -> None:
        """A private file of `size` bytes, all hole."""
        ...

    def write(self, path: bytes, offset: int, content: Bytes) -> None: ...

    def drop_file(self, path: bytes) -> None:
        """Remove a file that this restore began and cannot finish."""
        ...

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Owner, mode, extended attributes and times. The file is done with."""
        ...

    def close(self) -> None: ...


class RestoreTarget(Protocol):
    """The directory that recovery writes into; nothing is ever written outside it. Paths are raw bytes
    relative to it. OSError for one object, TargetUnusable when all of it fails. One thread at a time."""

    left_out: list[tuple[bytes, str]]
    """(path, reason) of attributes and objects that were not made."""

    def begin(self, what: str) -> None:
        """Before all else: name the restore, always in the same words. TargetForeign: it holds another."""
        ...

    def has_room(self, content_bytes: int) -> bool:
        """As far as is known; true for a resumed restore. `require_room` raises TargetTooSmall instead."""
        ...

    def require_room(self, content_bytes: int) -> None: ...

    def is_done(self, step: str) -> bool:
        """An earlier, interrupted run has finished this step."""
        ...

    def holds(self, path: bytes, entry: FileEntry) -> bool:
        """A finished step's file or symlink still lies there, by kind and length; true for other kinds."""
        ...

    def end_step(self, step: str, *, whole: bool) -> None:
        """Bring everything so far to the disk; a `whole` step is not done again by a later run."""
        ...

    def make_directory(self, path: bytes) -> None: ...

    def file_maker(self) -> FileMaker:
        """For a thread that makes regular files; to be closed before the step ends."""
        ...

    def make_symlink(self, path: bytes, target: bytes) -> None: ...

    def make_hard_link(self, path: bytes, first: bytes) -> None:
        """FileNotFoundError, and nothing changed, if `first` is not there."""
        ...

    def make_special(self, path: bytes, entry: FileEntry) -> bool: ...

    def dress(self, path: bytes, entry: FileEntry) -> None:
        """Owner, mode, extended attributes and times of what is no regular file."""
        ...

    def finish(self) -> None: ...


class FolderStates(Protocol):
    """What is remembered of the files of one folder of a source."""

    def find(self, leaf: bytes, signature: bytes) -> Remembered | None:
        """Of the file `leaf` in exactly this state; None when there is nothing to be used."""
        ...


class DedupIndex(Protocol):
    """The box's memory of what is stored: keyed hashes only. What was added counts once the witness
    acknowledged its pack. Damage is a miss, never an error and never wrong. `find` is for any thread."""

    def find(self, name: bytes) -> ChunkRef | None:
        """Where the chunk of this keyed name lies, in an acknowledged pack."""
        ...

    def folder(self, source: str, path: bytes) -> FolderStates: ...

    def add(self, pack: PackId, chunks: Sequence[tuple[bytes, int, int]]) -> None:
        """Remember the (name, slot, length) of a pack that is durable in staging. Durable on return."""
        ...

    def remember(self, source: str, states: Sequence[FileState]) -> None:
        """Remember files, whose packs were added or found before. Durable on return."""
        ...

    def commit(self, packs: Sequence[PackId]) -> None:
        """The witness acknowledged these packs. Durable on return."""
        ...

    def drop(self, packs: Sequence[PackId]) -> None:
        """These packs are gone and were never acknowledged."""
        ...

    def lose(self, packs: Sequence[PackId]) -> bool:
        """These packs are lost, acknowledged or not: nothing may refer to them from now on. Whether that is
        durable."""
        ...

    @property
    def log_size(self) -> int:
        """Entries of the longest ledger of which this memory holds anything."""
        ...

    def reached(self, log_size: int) -> None:
        """What is committed next comes from a ledger of so many entries. Durable on return."""
        ...

    @property
    def full_since_s(self) -> int | None:
        """When this memory began, in unix seconds; None for a new one."""
        ...

    def forget(self, now_s: int) -> None:
        """Begin a new memory: all that comes is read and stored anew. Durable on return."""
        ...


class Console(Protocol):
    """What the controller says while it works: one event at a time, shown and parsed as hostile."""

    def say(self, event: str, **fields: object) -> None: ...


class Token(Protocol):
    """A holder's token: `file` now, `piv` and `paper` later (40-custody)."""

    def describe(self) -> dict[str, str]:
        """serial, holder, recipient (age text), ssh (public key text), kind."""
        ...

    def record(self, generation: int) -> bytes:
        """The sealed share record of a generation that lies on or beside the token."""
        ...

    def keep(self, generation: int, record: bytes) -> None:
        """Put a share record there, durably. What is there already is never replaced."""
        ...

    def unseal(self, record: bytes) -> bytes:
        """The plaintext of a share record that was sealed to this token (custody/share_record.py)."""
        ...

    def sign(self, namespace: str, message: bytes) -> bytes:
        """Raw 64-byte Ed25519 signature over the SSHSIG blob of `message` in `namespace`."""
        ...


class Watcher(Protocol):
    """Someone who looks at the box while it works."""

    def reading(self, reading: Reading) -> None:
        """A new measurement, a few times a second."""
        ...

    def event(self, event: str, fields: Mapping[str, object]) -> None:
        """What the controller says on its console. It may be lying."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What `init` was asked for. `window` as it was typed; `link_rate` in bytes per second, 0: as fast
    as it goes. `sources` as (name, absolute path)."""

    drives: int
    data_shards: int
    holders: int
    quorum: int
    window: str
    sources: tuple[tuple[str, str], ...]
    link_rate: int = 0


class Ask(Protocol):
    """Where the holders' passphrases come from."""

    def __call__(self, token: str, holder: int | None) -> str | None:
        """For the token in this folder; `holder` None where no token can be read there. None: no answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest:
    """Which copy holders open. `snapshot` an id or "latest"; no `sources` are all of them; `subtree` beneath
    each source, raw bytes, b"" is everything. `ask` gives the passphrase of a token beside which none
    lies; None: there is nobody to ask."""

    snapshot: str
    sources: tuple[str, ...] = ()
    subtree: bytes = b""
    tokens: tuple[str, ...] = ()
    ask: Ask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What `restore run` was asked for: a copy, and where to and how it is restored."""

    copy: CopyRequest
    target: str
    resume: bool = False
    devices: bool = False
    set_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """How far back, and what is assumed of drives."""

    days: int
    failures_per_year: float
    replaced_after_days: int


class Quorum(Protocol):
    """What k holders do at the interlock, with the key switch turned. Each method is one command."""

    def release(self, tokens: Sequence[str], ask: Ask | None, why: str) -> Mapping[str, Any]:
        """Release what is latched: SECURED, a fault, or both."""

    def set_clock(self, time_s: int, tokens: Sequence[str], ask: Ask | None, why: str) -> Mapping[str, Any]:
        """Say what time it is, in unix seconds."""


class Appliance(Protocol):
    """One emulated appliance in one home, as the faces use it. Every method is one command: it takes
    the home's lock, powers the box up, does the work and leaves it ISOLATED and off. The mappings
    that come back are the commands' JSON (tests/spec). Raises IwatoError."""

    def create(self, birth: Birth, watcher: Watcher) -> Mapping[str, Any]: ...

    def status(self) -> Mapping[str, Any]: ...

    def settings(self) -> str:
        """The administrator's settings as they are in force, as a `config.toml`."""

    @property
    def quorum(self) -> Quorum:
        """What k holders do together, beside recovery and policy."""

    @property
    def policies(self) -> Policies:
        """The policy in force, the one that waits, and those that people prepare."""

    def report(self, request: ReportRequest) -> Mapping[str, Any]:
        """What the ledger proves of the last days. The drives stay dark."""
        ...

    def run_window(self, watcher: Watcher, scenario: str | None = None, trace: str = "") -> Mapping[str, Any]:
        """Move the emulated clock to the next window and run the whole cycle; `trace` is a new file."""

    def connect_outside(self, watcher: Watcher) -> Mapping[str, Any]:
        """What root on the controller would try outside the window: every pin and every request."""

    def advance_clock(self, seconds: int) -> Mapping[str, Any]: ...

    def copies(self) -> Mapping[str, Any]: ...

    def plan_restore(self, snapshot: str, sources: Sequence[str], into: str | None) -> Mapping[str, Any]: ...

    def restore(self, request: RestoreRequest, watcher: Watcher) -> Mapping[str, Any]: ...

    def scrub(self, watcher: Watcher, *, replace: bool = False) -> Mapping[str, Any]: ...

    def survey_copy(self, snapshot: str, watcher: Watcher) -> Mapping[str, Any]:
        """Without tokens: is every pack that the snapshot can need there, and how often?"""

    def verify_copy(self, request: CopyRequest, watcher: Watcher) -> Mapping[str, Any]:
        """With tokens: decrypt and compare everything, write nothing."""

    def diff_copies(self, request: CopyRequest, against: str, watcher: Watcher) -> Mapping[str, Any]:
        """What differs between a copy and the snapshot `against`, by name. Needs tokens."""

    def rebuild(self, watcher: Watcher) -> Mapping[str, Any]:
        """What the controller lost of its own, had again from the drives and the interlock."""

    def verify_ledger(
        self, checkpoint: bytes | None, watcher: Watcher, *, alone: bool = False
    ) -> Mapping[str, Any]:
        """Against the interlock's head or a checkpoint that was kept outside; `alone` uses neither."""

    def consult_ledger(self, request: LedgerRequest) -> Mapping[str, Any]:
        """From the controller's own copy, with the drives dark."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the demo works with: the user's tree (only read), a working copy of a slice of it, the
    appliance's home and the place that recovery writes to. Sizes in bytes."""

    tree: str
    work: str
    home: str
    target: str
    tree_bytes: int
    tree_files: int
    work_bytes: int


class DemoWorld(Protocol):
    """What happens around the appliance in the demo: data, a bad day, and the proof at the end."""

    def prepare(self, source: str | None) -> Scene:
        """Find the tree and lay out a temporary place. UsageError where there is none."""
        ...

    def work_one_day(self, scene: Scene) -> Mapping[str, int]:
        """Change some files of the working copy; how many of each kind, and the `bytes` of the files
        that have other content now."""
        ...

    def rootkit_scenario(self, scene: Scene) -> str:
        """A scenario file that plants the rootkit in the link half; its path."""
        ...

    def destroy(self, scene: Scene, bays: Sequence[int], holders: Sequence[int]) -> None:
        """Drives smashed, tokens lost."""
        ...

    def compare(
        self, scene: Scene, watcher: Watcher, left_out: Sequence[tuple[str, str]]
    ) -> Mapping[str, Any]:
        """objects, bytes, differences (list of text) between the sources and what was recovered.
        `set_aside` are those that prove nothing (list of text): the source went on since it was pulled,
        may not be read, or the restore said itself that it left something out."""
        ...

    def clean_up(self, scene: Scene) -> None:
        """Remove the temporary place."""
        ...
