"""The ledger's copies: the controller's own and one per drive. Appends in the settled order, heals.

Order of an append: segment durable in the controller's state → on every drive → cosigned by the
interlock → checkpoint in the state and on every drive. After a cut at any point `start` rolls forward:
the interlock answers a repeated request with the same words. A copy that cannot be written is dropped
for the run; fewer copies never stop the ledger. Judges histories through ledger/history.py only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from appliance.domain.ids import DriveIndex
from appliance.domain.phases import BootFacts
from appliance.errors import CheckpointRefused, LedgerTampered, SignatureMalformed, StateFailed
from appliance.format import ledger_entry, ledger_segment
from appliance.format.ledger_entry import AnyEntry
from appliance.format.ledger_segment import Gap, Segment
from appliance.format.note_key import Signer
from appliance.ledger import checkpoint, history, proof, tree
from appliance.ledger.checkpoint import Keys
from appliance.ledger.copies import Copy, Holding
from appliance.ledger.history import Assembly, Head, History
from appliance.ledger.verdict import Finding, Kind, Verdict
from appliance.ports import Files, Interlock
from appliance.service import ledger_damage, ledger_healing
from appliance.service.drive_set import Drive, DriveSet
from appliance.service.ledger_damage import CopyDamage
from appliance.service.ledger_folder import CHECKPOINTS, LEDGER, read_copy

STATE = "state"  # label of the controller's own copy


class LedgerCopies:
    """The ledger during one drive phase. `alarms` are findings for people, `damage` those of them that
    are of single copies, with what healing left; call `start` first. `moved` is called after every file: a
    long history is many small ones."""

    def __init__(
        self,
        *,
        state: Files,
        drives: DriveSet,
        interlock: Interlock,
        keys: Keys,
        sign: Signer,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._state, self._drives, self._interlock = state, drives, interlock
        self._keys, self._sign, self._moved = keys, sign, moved
        self._history = History(records=(), leaves=(), frontier=tree.Frontier(), witnessed=0)
        self._note = b""
        self.alarms: list[Finding] = []
        self.damage: tuple[CopyDamage, ...] = ()

    @property
    def history(self) -> History:
        """All entries so far; every one of them is witnessed."""
        return self._history

    @property
    def note(self) -> bytes:
        """The newest checkpoint; empty before the first entry."""
        return self._note

    # Start of a drive phase ----------------------------------------------------------------------------

    def start(self, facts: BootFacts) -> Verdict:
        """Put the history together from all copies against the interlock's head, adopt what a crash
        left unwitnessed, heal copies that lag. LedgerTampered if the history as a whole is not the
        witness's; an entry of which only the hash is left is said openly in a `gap` entry instead."""
        head = Head(size=facts.log_size, root=facts.log_root, last_leaf=facts.last_leaf)
        labels, found = self._read_copies()
        assembly = history.assemble(found, self._keys, head=head)
        self.alarms = [*assembly.verdict.tampering]
        lost = _lost_entries(assembly)
        _require_whole(assembly.verdict, lost)
        tail = self._adoptable(assembly, labels)
        self._history = _cut(assembly.history, assembly.history.witnessed)
        self._note = self._newest_note(assembly.notes, head)
        for record in tail:
            assert not isinstance(record, Gap)
            self._witness(record, self._segment(record))
        self.damage = ledger_damage.of_copies(self.alarms, ())
        self._heal(found, facts)
        for index in lost:
            leaf = self._history.leaves[index].hex()
            self.append(ledger_entry.Gap(time=facts.unix_s, phase=facts.phase, index=index, leaf=leaf))
        if self.damage:
            _, healed = self._read_copies()
            left = history.assemble(healed, self._keys, head=self._head()).verdict.tampering
            self.damage = ledger_damage.of_copies(self.alarms, left)
        return assembly.verdict

    def _read_copies(self) -> tuple[list[DriveIndex | None], list[Copy]]:
        """Whose copy each is (None: the state's), and the copies."""
        found = [read_copy(self._state, STATE, self._moved)]
        labels: list[DriveIndex | None] = [None]
        for drive in self._drives.readable:
            labels.append(drive.index)
            found.append(read_copy(drive.files, _label(drive), self._moved))
        return labels, found

    def _adoptable(
        self, assembly: Assembly, labels: Sequence[DriveIndex | None]
    ) -> Sequence[ledger_segment.Record]:
        """Entries that a crash left unwitnessed. An entry is not signed, so whoever held a drive could
        have planted one there: our own state must hold it too, or, if the state is lost, a write
        quorum of drives."""
        adopted = []
        span = range(assembly.history.witnessed, assembly.history.size)
        for index, record in zip(span, assembly.history.tail, strict=True):
            holders = {
                label
                for label, holding in zip(labels, assembly.holdings, strict=True)
                if any(begin <= index < end for begin, end in holding.spans)
            }
            state_lost = not assembly.holdings[0].spans
            on_quorum = len(holders - {None}) >= self._drives.geometry.write_quorum
            if not (None in holders or (state_lost and on_quorum)) or isinstance(record, Gap):
                break
            adopted.append(record)
        return adopted

    def _newest_note(self, notes: Mapping[int, bytes], head: Head) -> bytes:
        """The checkpoint of the head. It is lacking only when the power went between the witness's
        answer and our writing it down, or when every copy of it is damaged: then the same question has
        the same answer."""
        note = notes.get(head.size, b"")
        if note and self._says(note, head):
            return note
        if not head.size:
            return b""
        note = self._cosigned(self._history)
        self._put_everywhere(CHECKPOINTS, checkpoint.file_name(head.size), note)
        return note

    def _says(self, note: bytes, head: Head) -> bool:
        try:
            said = checkpoint.verify(note, self._keys)
        except (CheckpointRefused, SignatureMalformed):
            return False
        return (said.size, said.root) == (head.size, head.root)

    def _heal(self, found: Sequence[Copy], facts: BootFacts) -> None:
        """Make every copy whole. Damage is said in the ledger before it is healed, so that no cut can
        hide it; copies that lag are healed before that, so that no cut makes them look damaged."""
        assembly = history.assemble(found, self._keys, head=self._head())
        whole = self._history
        notes = {**assembly.notes, whole.size: self._note}
        labels = {damage.where for damage in self.damage}
        damaged = [holding for holding in assembly.holdings if holding.label in labels]
        lagging = [holding for holding in assembly.holdings if holding.label not in labels]
        self._heal_copies(lagging, whole, notes)
        if damaged and whole.size:  # the first entry of all is the birth
            text = ledger_damage.entry_text(self.damage, self.alarms)
            self.append(ledger_entry.Note(time=facts.unix_s, phase=facts.phase, text=text))
        self._heal_copies(damaged, whole, notes)

    def fill(self) -> None:
        """Give the whole ledger to drives that joined the set after `start`."""
        _, found = self._read_copies()
        assembly = history.assemble(found, self._keys, head=self._head())
        notes = {**assembly.notes, self._history.size: self._note}
        self._heal_copies(assembly.holdings, self._history, notes)

    def _heal_copies(
        self, holdings: Sequence[Holding], whole: History, notes: Mapping[int, bytes]
    ) -> None:
        places: dict[str, tuple[DriveIndex | None, Files]] = {STATE: (None, self._state)}
        places |= {_label(drive): (drive.index, drive.files) for drive in self._drives.readable}
        for holding in holdings:
            index, files = places[holding.label]
            if index in self._drives.failures:
                continue
            try:
                ledger_healing.heal(files, holding, whole, notes, self._moved)
            except OSError as error:
                self._dropped(index, error)

    def _head(self) -> Head:
        last = self._history.leaves[-1] if self._history.size else b""
        return Head(size=self._history.size, root=self._history.frontier.root(), last_leaf=last)

    # Append --------------------------------------------------------------------------------------------

    def append(self, entry: AnyEntry, *, copies_min: int = 0) -> bytes:
        """Write, have witnessed and seal one entry; gives the new checkpoint. DrivesTooFew when fewer
        than `copies_min` drives took the entry: it is then not witnessed in this run."""
        record = ledger_entry.encode(entry)
        segment = self._segment(record)
        content = ledger_segment.encode(segment)
        self._put_everywhere(LEDGER, ledger_segment.name(content), content)
        self._drives.require(copies_min)
        self._witness(record, segment)
        return self._note

    def proof(self, index: int) -> bytes:
        """Proof that entry `index` is in the ledger, under the newest checkpoint."""
        return proof.make(index, self._history.tree(), self._note, self._keys)

    def _segment(self, record: bytes) -> Segment:
        return Segment(first=self._history.size, root_before=self._history.frontier.root(), records=(record,))

    def _witness(self, record: bytes, segment: Segment) -> None:
        """The entry is durable: have it cosigned and write the checkpoint."""
        assert segment.first == self._history.size
        leaf = tree.leaf_hash(record)
        grown = History(
            records=(*self._history.records, record),
            leaves=(*self._history.leaves, leaf),
            frontier=self._history.frontier.extended([leaf]),
            witnessed=self._history.size + 1,
        )
        note = self._cosigned(grown)
        self._history, self._note = grown, note
        self._put_everywhere(CHECKPOINTS, checkpoint.file_name(grown.size), note)

    def _cosigned(self, grown: History) -> bytes:
        cosignature = self._interlock.cosign(grown.size, grown.leaves[-1])
        return checkpoint.issue(self._keys, grown.frontier, cosignature, self._sign)

    def _put_everywhere(self, folder: str, leaf: str, content: bytes) -> None:
        """The state first: what it does not hold is not adopted later, so nothing is witnessed
        without it (StateFailed)."""
        try:
            _put_once(self._state, f"{folder}/{leaf}", content)
        except OSError as error:
            self._dropped(None, error)
        for drive in self._drives.writable:
            try:
                _put_once(drive.files, f"{folder}/{leaf}", content)
            except OSError as error:
                self._dropped(drive.index, error)
            self._moved()

    def _dropped(self, index: DriveIndex | None, error: OSError) -> None:
        if index is None:
            raise StateFailed(detail=error.strerror or str(error)) from error
        self._drives.fail(index, error)


def _label(drive: Drive) -> str:
    """How people count drives."""
    return f"drive {drive.index + 1}"


def _put_once(files: Files, name: str, content: bytes) -> None:
    """Place a file; one that is there already stays as it is (start heals it if it is damaged)."""
    try:
        files.put(name, content)
    except FileExistsError:
        return


def _lost_entries(assembly: Assembly) -> list[int]:
    """Entries of which no copy holds more than the hash, and that no later entry speaks of."""
    return [
        finding.index
        for finding in assembly.verdict.tampering
        if finding.kind is Kind.ENTRY_MISSING
        and not finding.where
        and finding.index < assembly.history.size
        and isinstance(assembly.history.records[finding.index], Gap)
    ]


def _require_whole(verdict: Verdict, lost: Sequence[int]) -> None:
    """LedgerTampered unless the history as a whole is the witness's, but for entries known by hash.
    A single copy that differs is an alarm and is healed."""
    grave = [
        finding
        for finding in verdict.tampering
        if not finding.where and not (finding.kind is Kind.ENTRY_MISSING and finding.index in lost)
    ]
    if grave:
        raise LedgerTampered(reason="; ".join(finding.text for finding in grave))


def _cut(whole: History, size: int) -> History:
    """The first `size` entries."""
    leaves = whole.leaves[:size]
    frontier = tree.Frontier().extended(leaves)
    return History(records=whole.records[:size], leaves=leaves, frontier=frontier, witnessed=size)
