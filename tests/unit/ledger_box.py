"""An honest box in memory: it writes the same ledger to every drive and has every entry witnessed.

The tests tamper with what it wrote, or let its drives be absent. Keys are fixed, so runs replay.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.domain.ids import VaultId
from appliance.domain.phases import Cosignature, Phase
from appliance.format import ledger_entry, ledger_segment
from appliance.format.checkpoint import Checkpoint
from appliance.format.ledger_segment import Record, Segment
from appliance.ledger import checkpoint, history, tree
from appliance.ledger.checkpoint import Keys
from appliance.ledger.copies import Copy
from appliance.ledger.history import Assembly, Head
from appliance.ledger.tree import Frontier

VAULT = VaultId(bytes(range(16)))
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"log key of the tests".ljust(32, b"."))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"witness key of the tests".ljust(32, b"."))
BEGAN_S = 1_800_000_000


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


KEYS = checkpoint.keys_of(VAULT, public(LOG_KEY), public(WITNESS_KEY))


@dataclass(frozen=True, kw_only=True)
class Signers:
    """Whose ledger it is."""

    keys: Keys = KEYS
    log: Ed25519PrivateKey = LOG_KEY
    witness: Ed25519PrivateKey = WITNESS_KEY


OURS = Signers()


def note(number: int, text: str = "") -> bytes:
    return ledger_entry.encode(
        ledger_entry.Note(time=BEGAN_S + number, phase=Phase.SEAL, text=text or f"entry {number}")
    )


def cosign(
    frontier: Frontier,
    key: Ed25519PrivateKey = WITNESS_KEY,
    unix_s: int = BEGAN_S,
    origin: str = KEYS.origin,
) -> Cosignature:
    text = Checkpoint(origin=origin, size=frontier.size, root=frontier.root()).text()
    signature = key.sign(f"cosignature/v1\ntime {unix_s}\n{text}".encode())
    return Cosignature(size=frontier.size, root=frontier.root(), unix_s=unix_s, signature=signature)


def issue(frontier: Frontier, by: Signers = OURS) -> bytes:
    seen = cosign(frontier, by.witness, origin=by.keys.origin)
    return checkpoint.issue(by.keys, frontier, seen, by.log.sign)


def segment(first: int, before: bytes, records: Sequence[Record], edition: int = 0) -> tuple[str, bytes]:
    content = ledger_segment.encode(
        Segment(first=first, root_before=before, records=tuple(records), edition=edition)
    )
    return ledger_segment.name(content), content


@dataclass
class Drive:
    """The ledger files of one drive, in the order in which they were written."""

    label: str
    segments: dict[str, bytes] = field(default_factory=dict)
    checkpoints: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> Copy:
        return Copy(label=self.label, segments=dict(self.segments), checkpoints=dict(self.checkpoints))

    def place(self, file: tuple[str, bytes]) -> None:
        name, content = file
        assert self.segments.setdefault(name, content) == content, "nothing is overwritten"


class Box:
    """`write` puts entries on drives as one segment; `witness` has everything written cosigned."""

    def __init__(self, drives: int = 3, signers: Signers = OURS) -> None:
        self.signers = signers
        self.drives = [Drive(f"drive {number}") for number in range(drives)]
        self.entries: list[bytes] = []
        self.frontier = Frontier()
        self.head = Head(size=0, root=tree.EMPTY_ROOT)

    def write(self, entries: Sequence[bytes], absent: Sequence[int] = ()) -> None:
        file = segment(self.frontier.size, self.frontier.root(), entries)
        for number, drive in enumerate(self.drives):
            if number not in absent:
                drive.place(file)
        self.entries += entries
        self.frontier = self.frontier.extended(tree.leaf_hash(entry) for entry in entries)

    def witness(self, absent: Sequence[int] = (), *, checkpoints: bool = True) -> None:
        last = tree.leaf_hash(self.entries[-1])
        self.head = Head(size=self.frontier.size, root=self.frontier.root(), last_leaf=last)
        if not checkpoints:
            return
        data = issue(self.frontier, self.signers)
        for number, drive in enumerate(self.drives):
            if number not in absent:
                drive.checkpoints[checkpoint.file_name(self.frontier.size)] = data

    def commit(self, *entries: bytes, absent: Sequence[int] = ()) -> None:
        """Write one segment and have it witnessed."""
        self.write(entries, absent)
        self.witness(absent)

    def verify(self, *, head: bool = True) -> Assembly:
        return history.assemble(
            [drive.copy() for drive in self.drives], KEYS, head=self.head if head else None
        )


def filled(segments: Sequence[int], drives: int = 3, *, checkpoints: bool = True) -> Box:
    """A box that committed segments of so many entries each."""
    box = Box(drives)
    for count in segments:
        box.write([note(len(box.entries) + number) for number in range(count)])
        box.witness(checkpoints=checkpoints)
    return box
