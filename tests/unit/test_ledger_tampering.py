"""Whoever removes, reorders, alters, forks or rolls back the ledger is found, and told apart from a crash.

The attacker has the drives and rewrites trailers, names and roots as he likes. He has no witness key.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.errors import EXIT_EMERGENCY, LedgerTampered, WitnessDisagrees
from appliance.format import ledger_segment
from appliance.format import note as signed_note
from appliance.format.checkpoint import Checkpoint
from appliance.format.ledger_segment import Gap, Segment
from appliance.ledger import checkpoint, copies, diagnosis, history, tree
from appliance.ledger.history import Head
from appliance.ledger.tree import Frontier
from appliance.ledger.verdict import Finding, Kind, Standing
from tests import depth
from tests.unit.ledger_box import KEYS, LOG_KEY, Box, Drive, cosign, filled, issue, note, segment

RANDOM_ATTACKS = depth.many(1_500, 20_000)


def rewritten(entries: Sequence[bytes], counts: Sequence[int]) -> dict[str, bytes]:
    """A ledger that is consistent in itself: what an attacker with all drives can always make."""
    files, frontier, rest = {}, Frontier(), list(entries)
    for count in [*counts, len(entries)]:
        part, rest = rest[:count], rest[count:]
        if part:
            name, content = segment(frontier.size, frontier.root(), part)
            files[name] = content
            frontier = frontier.extended(tree.leaf_hash(entry) for entry in part)
    return files


def replace_segment(drive: Drive, number: int, change: Callable[[Segment], Segment]) -> None:
    """Rewrite one segment in place, with a right trailer and a right name."""
    ordered = sorted(drive.segments.items())
    name, content = ordered[number]
    del drive.segments[name]
    changed = ledger_segment.encode(change(ledger_segment.decode(content)))
    drive.segments[ledger_segment.name(changed)] = changed


def with_records(whole: Segment, records: Sequence[ledger_segment.Record]) -> Segment:
    return Segment(first=whole.first, root_before=whole.root_before, records=tuple(records))


def on_all(box: Box, act: Callable[[Drive], object]) -> None:
    for drive in box.drives:
        act(drive)


def wipe(drive: Drive) -> None:
    drive.segments.clear()
    drive.checkpoints.clear()


def reason(box: Box) -> str:
    found = box.verify()
    assert found.verdict.standing is Standing.TAMPERED
    assert not found.verdict.intact
    return found.verdict.tampering[0].text


# One attack on all drives, one plain reason ------------------------------------------------------


def test_a_removed_segment_is_named_as_the_missing_entry() -> None:
    box = filled([2, 1, 3])
    on_all(box, lambda drive: drive.segments.pop(sorted(drive.segments)[1]))
    assert reason(box) == "entry 2 is missing"


def test_a_removed_run_of_segments_is_named_as_a_range() -> None:
    box = filled([1] * 8, checkpoints=False)
    for number in (5, 4, 3):
        on_all(box, lambda drive, number=number: drive.segments.pop(sorted(drive.segments)[number]))  # type: ignore[misc]
    assert reason(box) == "an entry between 0 and 5 is missing"


def test_drives_that_were_rolled_back_are_told_what_the_head_says() -> None:
    box = filled([1] * 12)
    for _ in range(2):
        on_all(box, lambda drive: drive.segments.pop(max(drive.segments)))
        on_all(box, lambda drive: drive.checkpoints.pop(max(drive.checkpoints)))
    assert reason(box) == "rolled back: 12 entries were witnessed, the drives hold 10"


def test_drives_rolled_back_by_one_entry_are_found() -> None:
    box = filled([1] * 12)
    on_all(box, lambda drive: drive.segments.pop(max(drive.segments)))
    assert reason(box) == "entry 11 is missing"


def test_wiped_drives_are_found() -> None:
    box = filled([2, 2])
    on_all(box, wipe)
    assert reason(box) == "rolled back: 4 entries were witnessed, the drives hold 0"


def test_an_altered_entry_is_named() -> None:
    box = filled([2, 1, 3])
    on_all(box, lambda d: replace_segment(d, 1, lambda s: with_records(s, [note(2, "forged")])))
    assert reason(box) == "entry 2 was altered"


def test_an_entry_that_was_altered_and_everything_after_it_rewritten_is_found_by_the_checkpoints() -> None:
    box = filled([1] * 9)
    forged = [*box.entries[:4], note(4, "forged"), *box.entries[5:]]
    on_all(box, lambda drive: setattr(drive, "segments", rewritten(forged, [1] * 9)))
    assert reason(box) == "entry 4 was altered"


def test_without_checkpoints_on_the_drives_the_head_alone_finds_a_rewritten_history() -> None:
    box = filled([1] * 9, checkpoints=False)
    forged = [*box.entries[:4], note(4, "forged"), *box.entries[5:]]
    on_all(box, lambda drive: setattr(drive, "segments", rewritten(forged, [3, 3])))
    assert reason(box) == "an entry between 0 and 8 was altered"


def test_exchanged_entries_are_named_as_reordered() -> None:
    box = filled([2, 4, 3])
    on_all(
        box,
        lambda d: replace_segment(
            d, 1, lambda s: with_records(s, [s.records[0], s.records[3], s.records[2], s.records[1]])
        ),
    )
    assert reason(box) == "entries 3 and 5 were exchanged"


def test_a_reordered_history_that_was_rewritten_whole_is_named_as_reordered() -> None:
    box = filled([9], checkpoints=False)
    forged = list(box.entries)
    forged[2], forged[7] = forged[7], forged[2]
    on_all(box, lambda drive: setattr(drive, "segments", rewritten(forged, [4, 4])))
    assert reason(box) == "entries 2 and 7 were exchanged"


def test_an_inserted_entry_is_found() -> None:
    box = filled([1] * 6)
    forged = [*box.entries[:3], note(99, "inserted"), *box.entries[3:]]
    on_all(box, lambda drive: setattr(drive, "segments", rewritten(forged, [1] * 7)))
    assert reason(box) == "entry 3 was altered"


def test_an_entry_that_was_replaced_by_its_bare_hash_is_missing() -> None:
    box = filled([2, 2])
    on_all(
        box,
        lambda d: replace_segment(
            d, 0, lambda s: with_records(s, [s.records[0], Gap(leaf=tree.leaf_hash(box.entries[1]))])
        ),
    )
    assert reason(box) == "entry 1 is missing"


def test_a_witness_that_was_rolled_back_is_found_by_its_own_checkpoints() -> None:
    box = filled([1] * 6)
    earlier = filled([1] * 4)
    box.head = earlier.head
    assert reason(box) == "the head of 4 entries is older than a signed checkpoint of 6"


def test_a_fork_that_both_keys_signed_is_found_although_the_head_matches() -> None:
    """With the witness's key a fork can be signed; the checkpoint of the other branch gives it away."""
    box = filled([1] * 5)
    other = filled([1] * 3)
    other.write([note(3, "other branch")])
    box.drives[1].checkpoints = {checkpoint.file_name(4): issue(other.frontier)}
    assert reason(box) == "forked: a signed checkpoint of 4 entries belongs to another history"


def test_from_the_drives_alone_two_histories_without_any_witness_are_a_fork() -> None:
    box = filled([2, 2], checkpoints=False)
    other = Box(1)
    other.write([*box.entries[:2], *(note(number, "other") for number in range(40))])
    box.drives[1].segments = dict(other.drives[0].segments)
    found = box.verify(head=False)
    assert found.verdict.standing is Standing.TAMPERED
    assert any(finding.kind is Kind.FORKED for finding in found.verdict.tampering)


def test_from_the_drives_alone_checkpoints_still_find_a_rewritten_or_shortened_history() -> None:
    shortened, altered = filled([1] * 5), filled([1] * 5)
    on_all(shortened, lambda drive: drive.segments.pop(max(drive.segments)))
    forged = [*altered.entries[:2], note(2, "forged"), *altered.entries[3:]]
    on_all(altered, lambda drive: setattr(drive, "segments", rewritten(forged, [1] * 5)))
    assert shortened.verify(head=False).verdict.reason.startswith("rolled back: 5 entries")
    assert altered.verify(head=False).verdict.reason.startswith("entry 2 was altered")


def test_a_checkpoint_seen_outside_finds_a_rewritten_history_and_a_shortened_one() -> None:
    box = filled([1] * 6, checkpoints=False)
    seen = checkpoint.verify(issue(box.frontier), KEYS)
    for forged in ([*box.entries[:5]], [*box.entries[:5], note(5, "forged"), note(6)]):
        on_all(box, lambda drive, forged=forged: setattr(drive, "segments", rewritten(forged, [2, 2])))  # type: ignore[misc]
        found = history.assemble([drive.copy() for drive in box.drives], KEYS, outside=seen)
        assert found.verdict.standing is Standing.TAMPERED


# One attack on one drive -------------------------------------------------------------------------


def test_a_single_altered_drive_is_named_and_the_history_stays_intact() -> None:
    attacks: list[tuple[Callable[[Segment], Segment], str]] = [
        (lambda s: with_records(s, [note(2, "forged")]), "drive 1: entry 2 was altered"),
        (lambda s: with_records(s, [Gap(leaf=tree.leaf_hash(note(2)))]), "drive 1: entry 2 is missing"),
        (lambda s: replace(s, root_before=b"\7" * 32), "drive 1: entry 2 is missing"),
    ]
    for attack, text in attacks:
        box = filled([2, 1, 3])
        replace_segment(box.drives[1], 1, attack)
        found = box.verify()
        assert found.verdict.standing is Standing.TAMPERED
        assert found.verdict.tampering[0].text == text
        assert found.verdict.disagreeing == ("drive 1",)
        assert found.verdict.intact
        assert list(found.history.records) == box.entries


def test_a_drive_with_a_foreign_history_is_named() -> None:
    box = filled([1] * 30)
    box.drives[2].segments = rewritten([note(number, "foreign") for number in range(30)], [10, 10])
    box.drives[2].checkpoints.clear()
    found = box.verify()
    assert found.verdict.disagreeing == ("drive 2",)
    assert found.verdict.reason == "drive 2: another history from entry 0 on"
    assert found.verdict.intact


def test_exchanged_file_names_and_contents_are_named() -> None:
    box = filled([1, 1, 1])
    names = sorted(box.drives[0].segments)
    files = box.drives[0].segments
    files[names[0]], files[names[1]] = files[names[1]], files[names[0]]
    marks = box.drives[1].checkpoints
    first, second = sorted(marks)[:2]
    marks[first], marks[second] = marks[second], marks[first]
    assert box.verify().verdict.disagreeing == ("drive 0", "drive 1")


def test_a_checkpoint_without_both_signatures_is_named() -> None:
    box = filled([1, 1])
    text = Checkpoint(origin=KEYS.origin, size=9, root=b"\5" * 32).text()
    forged = signed_note.Note(text=text).with_signature(KEYS.log.sign(LOG_KEY.sign, text)).encode()
    box.drives[0].checkpoints[checkpoint.file_name(9)] = forged
    found = box.verify()
    assert [finding.kind for finding in found.verdict.tampering] == [Kind.CHECKPOINT_REFUSED]
    assert found.verdict.disagreeing == ("drive 0",)


def test_a_checkpoint_cosigned_by_another_key_is_refused_at_birth() -> None:
    frontier = filled([2]).frontier
    with pytest.raises(WitnessDisagrees):
        checkpoint.issue(KEYS, frontier, cosign(frontier, Ed25519PrivateKey.generate()), LOG_KEY.sign)
    with pytest.raises(WitnessDisagrees):
        checkpoint.issue(KEYS, frontier.extended([b"x" * 32]), cosign(frontier), LOG_KEY.sign)


def test_every_flipped_bit_of_a_small_ledger_file_is_found() -> None:
    box = filled([2, 1])
    drive = box.drives[1]
    originals = {**drive.segments}, {**drive.checkpoints}
    for place, originally in zip((drive.segments, drive.checkpoints), originals, strict=True):
        for name, content in originally.items():
            for bit in range(0, len(content) * 8, depth.many(5, 1)):
                flipped = bytearray(content)
                flipped[bit // 8] ^= 1 << bit % 8
                place[name] = bytes(flipped)
                found = box.verify()
                assert found.verdict.disagreeing == ("drive 1",), (name, bit)
                assert found.verdict.intact
            place[name] = content
    assert not box.verify().verdict.tampering


def test_tampering_ends_a_command_with_the_emergency_status() -> None:
    box = filled([1, 1])
    on_all(box, lambda drive: drive.segments.clear())
    with pytest.raises(LedgerTampered) as raised:
        box.verify().verdict.require()
    assert raised.value.exit_status == EXIT_EMERGENCY
    assert "rolled back" in str(raised.value)
    filled([1]).verify().verdict.require()


# Random attacks ----------------------------------------------------------------------------------

Attack = Callable[[Drive, random.Random], None]


def pick(drive: Drive, chance: random.Random) -> int:
    return chance.randrange(len(drive.segments))


def flip_a_bit(drive: Drive, chance: random.Random) -> None:
    name = sorted(drive.segments)[pick(drive, chance)]
    content = bytearray(drive.segments[name])
    bit = chance.randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    drive.segments[name] = bytes(content)


def cut_a_file(drive: Drive, chance: random.Random) -> None:
    name = sorted(drive.segments)[pick(drive, chance)]
    drive.segments[name] = drive.segments[name][: chance.randrange(len(drive.segments[name]))]


def remove_a_file(drive: Drive, chance: random.Random) -> None:
    del drive.segments[sorted(drive.segments)[pick(drive, chance)]]


def alter_an_entry(drive: Drive, chance: random.Random) -> None:
    def change(whole: Segment) -> Segment:
        records = list(whole.records)
        records[chance.randrange(len(records))] = note(chance.randrange(99), "forged")
        return with_records(whole, records)

    replace_segment(drive, pick(drive, chance), change)


def remove_an_entry(drive: Drive, chance: random.Random) -> None:
    forge_history(drive, chance, lambda entries, at: entries[:at] + entries[at + 1 :])


def insert_an_entry(drive: Drive, chance: random.Random) -> None:
    forge_history(drive, chance, lambda entries, at: [*entries[:at], note(7, "inserted"), *entries[at:]])


def fork(drive: Drive, chance: random.Random) -> None:
    def change(entries: list[bytes], at: int) -> list[bytes]:
        return entries[:at] + [note(number, "fork") for number in range(at, len(entries))]

    forge_history(drive, chance, change)


def roll_back(drive: Drive, chance: random.Random) -> None:
    forge_history(drive, chance, lambda entries, at: entries[:at])


def reorder(drive: Drive, chance: random.Random) -> None:
    def change(entries: list[bytes], at: int) -> list[bytes]:
        other = (at + 1 + chance.randrange(len(entries) - 1)) % len(entries)
        entries[at], entries[other] = entries[other], entries[at]
        return entries

    forge_history(drive, chance, change)


def forge_history(
    drive: Drive, chance: random.Random, change: Callable[[list[bytes], int], list[bytes]]
) -> None:
    """Change the entries and rewrite every segment so that the drive is consistent in itself."""
    wholes = [ledger_segment.decode(content) for _, content in sorted(drive.segments.items())]
    entries = [record for whole in wholes for record in whole.records if isinstance(record, bytes)]
    forged = change(list(entries), chance.randrange(len(entries)))
    drive.segments = rewritten(forged, [len(whole.records) for whole in wholes])
    if chance.random() < 0.5:
        drive.checkpoints.clear()


ATTACKS: list[Attack] = [
    flip_a_bit, cut_a_file, remove_a_file, alter_an_entry, remove_an_entry, insert_an_entry, fork, roll_back,
    reorder,
]  # fmt: skip


def attacked(box: Box, chance: random.Random, *, everywhere: bool) -> tuple[str, set[str]]:
    """One attack, the same on every drive it hits; returns its name and the drives."""
    attack, seed = chance.choice(ATTACKS), chance.random()
    hit = box.drives if everywhere else chance.sample(box.drives, chance.randrange(1, len(box.drives)))
    for drive in hit:
        attack(drive, random.Random(seed))
    return attack.__name__, {drive.label for drive in hit}


def escapes(seed: int, count: int) -> Iterator[str]:
    """The attacks that nobody noticed."""
    chance = random.Random(seed)
    for number in range(count):
        box = filled([chance.randint(1, 3) for _ in range(chance.randint(2, 6))], chance.randint(2, 4))
        everywhere = chance.random() < 0.5
        name, hit = attacked(box, chance, everywhere=everywhere)
        verdict = box.verify().verdict
        noticed = {finding.where for finding in (*verdict.tampering, *verdict.notices)}
        found = verdict.standing is Standing.TAMPERED if everywhere else hit <= noticed
        if not found:
            yield f"attack {number}: {name} on {sorted(hit)}"


@pytest.mark.clause("FORMAT 7.5")
def test_every_random_attack_on_some_or_all_drives_is_found() -> None:
    assert not list(escapes(seed=1, count=RANDOM_ATTACKS))


def test_an_attack_on_some_drives_never_keeps_the_others_from_telling_the_history() -> None:
    chance = random.Random(2)
    for _ in range(depth.many(200, 3000)):
        box = filled([chance.randint(1, 3) for _ in range(4)], 3)
        attacked(box, chance, everywhere=False)
        found = box.verify()
        assert found.verdict.intact
        assert list(found.history.records) == box.entries


def blind_to_the_head(*_: object) -> list[Finding]:
    return []


def blind_to_copies(label: str, *_: object) -> copies.Holding:
    return copies.Holding(label=label, spans=(), forks=(), refused=(), tampering=(), notices=())


@pytest.mark.planted
@pytest.mark.parametrize(
    ("module", "name", "lax"),
    [(history, "_judge", blind_to_the_head), (copies, "survey", blind_to_copies)],
)
def test_a_lax_verifier_lets_attacks_escape_and_the_harness_says_so(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, lax: Callable[..., object]
) -> None:
    monkeypatch.setattr(module, name, lax)
    assert list(escapes(seed=1, count=150))


@pytest.mark.planted
def test_a_verifier_that_believes_unsigned_checkpoints_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged checkpoint would accuse an honest box; the real one names the drive that holds it."""
    box = filled([1, 1])
    text = Checkpoint(origin=KEYS.origin, size=1, root=b"\5" * 32).text()
    forged = signed_note.Note(text=text).with_signature(KEYS.log.sign(LOG_KEY.sign, text)).encode()
    box.drives[0].checkpoints[checkpoint.file_name(1)] = forged
    assert box.verify().verdict.intact
    lax = checkpoint.Witnessed(size=1, root=b"\5" * 32, unix_s=0)
    strict = checkpoint.verify
    monkeypatch.setattr(checkpoint, "verify", lambda data, k: lax if data == forged else strict(data, k))
    assert not box.verify().verdict.intact


def test_a_diagnosis_is_given_for_every_head_that_does_not_match() -> None:
    box = filled([1, 2, 1])
    for size in range(1, 7):
        found = history.assemble(
            [drive.copy() for drive in box.drives], KEYS, head=Head(size=size, root=bytes(32))
        )
        assert found.verdict.tampering[0].text
    assert diagnosis.EXCHANGE_ENTRIES_MAX**3 < 10**6, "tried pairs stay cheap"
