"""Exported ledgers in memory, honest and forged, and the stand-alone verifier called on them."""

import hashlib
import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from appliance.format import ledger_export
from appliance.format.ledger_segment import Record
from appliance.ledger import export, outside, tree
from appliance.ledger.tree import Frontier
from appliance.rosetta import iwato_ledger
from tests.unit.ledger_box import KEYS, issue, note


@dataclass(frozen=True)
class World:
    """An honest ledger: its entries and the note of every size."""

    entries: tuple[bytes, ...]
    notes: tuple[bytes, ...]

    def file(self) -> bytes:
        return b"".join(export.stream(self.entries, self.notes[1:], KEYS))

    def with_entries(self, entries: Sequence[bytes], kept: set[int]) -> bytes:
        """A file of other entries with these of the true notes, right in itself."""
        found = [(ledger_export.KEY, key.text().encode()) for key in (KEYS.log, KEYS.witness)]
        for number, entry in enumerate(entries, 1):
            found.append((ledger_export.ENTRY, entry))
            if number in kept:
                found.append((ledger_export.NOTE, self.notes[number]))
        beyond = sorted(number for number in kept if number > len(entries))
        return joined([*found, *((ledger_export.NOTE, self.notes[number]) for number in beyond)])


def world(size: int) -> World:
    entries = tuple(note(number) for number in range(size))
    frontier, notes = Frontier(), [b""]
    for entry in entries:
        frontier = frontier.extended([tree.leaf_hash(entry)])
        notes.append(issue(frontier))
    return World(entries, tuple(notes))


def forged(records: Sequence[Record], notes: Sequence[bytes] = ()) -> bytes:
    """The file of an attacker: right in itself."""
    return b"".join(export.stream(records, notes, KEYS))


def pieces(data: bytes) -> list[tuple[int, bytes]]:
    """(kind, payload) of each record before the last."""
    found, at = [], len(ledger_export.HEADER)
    while data[at] != ledger_export.END:
        length = int.from_bytes(data[at + 1 : at + 5], "big")
        found.append((data[at], data[at + 5 : at + 5 + length]))
        at += 5 + length
    return found


def joined(found: Sequence[tuple[int, bytes]]) -> bytes:
    """A file of these records with a right end, in whatever order they are."""
    body = ledger_export.HEADER + b"".join(ledger_export.record(*piece) for piece in found)
    count = sum(kind in {ledger_export.ENTRY, ledger_export.LEAF} for kind, _ in found)
    return body + ledger_export.end(count, hashlib.sha256(body).digest())


def seen(notes: Sequence[bytes], *, short: bool = False) -> list[SimpleNamespace]:
    """Checkpoints as they were kept outside, the way the stand-alone verifier reads them."""
    found = []
    for number, data in enumerate(notes, 1):
        if short:
            said = iwato_ledger.parse_short(outside.shorten(data, KEYS).text())
        else:
            said = iwato_ledger.parse_note(data)
        said.label = f"paper {number}"
        found.append(said)
    return found


def check(data: bytes, papers: Sequence[bytes] = (), *, short: bool = False) -> iwato_ledger.Walk:
    return iwato_ledger.Walk(seen(papers, short=short)).run(io.BytesIO(data))


def exit_code(data: bytes, papers: Sequence[bytes]) -> int:
    """The program's, without starting it."""
    try:
        return check(data, papers).exit_code()
    except (iwato_ledger.Refused, ValueError, LookupError):
        return 1


def product(records: Sequence[bytes], papers: Sequence[bytes]) -> list[outside.Standing]:
    """What `iwato ledger compare` says of the same papers where the box holds these entries."""
    leaves = [tree.leaf_hash(record) for record in records]
    return [outside.compare("paper", paper, leaves, KEYS).standing for paper in papers]


Forgery = Callable[[list[bytes], int, random.Random], list[bytes]]


def remove(entries: list[bytes], at: int, _: random.Random) -> list[bytes]:
    return entries[:at] + entries[at + 1 :]


def alter(entries: list[bytes], at: int, chance: random.Random) -> list[bytes]:
    return [*entries[:at], note(chance.randrange(99), "forged"), *entries[at + 1 :]]


def insert(entries: list[bytes], at: int, _: random.Random) -> list[bytes]:
    return [*entries[:at], note(7, "inserted"), *entries[at:]]


def exchange(entries: list[bytes], at: int, chance: random.Random) -> list[bytes]:
    other = (at + 1 + chance.randrange(len(entries) - 1)) % len(entries)
    entries[at], entries[other] = entries[other], entries[at]
    return entries


def fork(entries: list[bytes], at: int, _: random.Random) -> list[bytes]:
    return entries[:at] + [note(number, "fork") for number in range(at, len(entries))]


def fork_longer(entries: list[bytes], at: int, chance: random.Random) -> list[bytes]:
    return [*fork(entries, at, chance), note(98, "more"), note(99, "more")]


def roll_back(entries: list[bytes], at: int, _: random.Random) -> list[bytes]:
    return entries[:at]


def repeat(entries: list[bytes], at: int, _: random.Random) -> list[bytes]:
    return [*entries[: at + 1], *entries[at:]]


FORGERIES: Sequence[Forgery] = (remove, alter, insert, exchange, fork, fork_longer, roll_back, repeat)


def flipped(data: bytes, chance: random.Random) -> bytes:
    bit = chance.randrange(len(data) * 8)
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def attacks(seed: int, count: int) -> Iterator[tuple[str, bytes, list[bytes], list[bytes]]]:
    """(what was done, the forged file, its entries, two papers from outside). The attacker keeps, drops or
    exchanges the checkpoints in the file; one of the papers covers what he changed."""
    chance = random.Random(seed)
    worlds = [world(size) for size in range(2, 13)]
    while count:
        honest = chance.choice(worlds)
        size = len(honest.entries)
        at = chance.randrange(size)
        sizes = (chance.randint(1, size), chance.randint(at + 1, size))
        forge, keeping = chance.choice(FORGERIES), chance.choice((0.0, 0.5, 1.0))
        entries = forge(list(honest.entries), at, chance)
        kept = {number for number in range(1, size + 1) if chance.random() < keeping}
        if list(honest.entries[: max(sizes)]) != entries[: max(sizes)]:  # else nothing seen is changed
            count -= 1
            papers = [honest.notes[number] for number in sizes]
            yield forge.__name__, honest.with_entries(entries, kept), entries, papers
