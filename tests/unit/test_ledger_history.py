"""Untampered ledgers verify, whatever crashes and absent drives leave behind (liveness)."""

import random

import pytest

from appliance.domain.phases import Phase
from appliance.format import ledger_entry, ledger_segment
from appliance.format.ledger_segment import Gap
from appliance.ledger import checkpoint, history, tree
from appliance.ledger.copies import Copy
from appliance.ledger.history import Head
from appliance.ledger.verdict import Finding, Kind, Standing
from tests import depth
from tests.unit.ledger_box import BEGAN_S, KEYS, Box, filled, issue, note, segment


def kinds(findings: tuple[Finding, ...]) -> set[Kind]:
    return {finding.kind for finding in findings}


@pytest.mark.clause("FORMAT 7.5")
def test_untampered_ledgers_of_every_shape_verify_against_the_head() -> None:
    chance = random.Random(7)
    for _ in range(depth.many(30, 500)):
        box = filled([chance.randint(1, 5) for _ in range(chance.randint(1, 12))], chance.randint(1, 6))
        found = box.verify()
        assert found.verdict.standing is Standing.VERIFIED
        assert not found.verdict.tampering
        assert not found.verdict.notices
        assert found.verdict.intact
        assert list(found.history.records) == box.entries
        assert found.history.frontier == box.frontier
        assert found.history.tree().root() == box.head.root


def test_from_the_drives_alone_a_ledger_is_only_self_consistent() -> None:
    found = filled([1, 2, 3]).verify(head=False)
    assert found.verdict.standing is Standing.SELF_CONSISTENT
    assert not found.verdict.intact
    assert found.history.size == found.history.witnessed == 6


def test_a_checkpoint_from_outside_verifies_the_entries_that_it_covers() -> None:
    box = filled([1, 2])
    seen = checkpoint.verify(issue(box.frontier), KEYS)
    box.commit(note(3), note(4))
    found = history.assemble([drive.copy() for drive in box.drives], KEYS, outside=seen)
    assert found.verdict.standing is Standing.VERIFIED
    assert found.history.size == found.history.witnessed == 5


def test_a_ledger_before_its_first_entry_matches_an_empty_head() -> None:
    found = Box().verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert kinds(found.verdict.notices) == {Kind.EMPTY}


def test_an_entry_that_was_written_but_not_witnessed_is_the_tail() -> None:
    box = filled([2, 2])
    box.write([note(4)])
    found = box.verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert found.history.tail == (note(4),)
    assert kinds(found.verdict.notices) == {Kind.UNWITNESSED}


def test_a_head_without_its_checkpoint_on_the_drives_verifies() -> None:
    box = filled([2])
    box.write([note(2)])
    box.witness(checkpoints=False)
    assert not box.verify().verdict.tampering


def test_a_drive_that_was_absent_is_behind_and_not_accused() -> None:
    box = filled([2, 1])
    box.commit(note(3), absent=[1])
    found = box.verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert [f.text for f in found.verdict.notices] == ["drive 1: holds the first 3 of 4 entries"]
    assert found.holdings[1].lacking(4) == ((3, 4),)


def test_a_drive_that_was_absent_in_turns_with_another_is_healed_by_new_segments() -> None:
    box = filled([1])
    box.commit(note(1), note(2), absent=[0])
    box.commit(note(3))  # drive 0 now holds entry 3 without 1 and 2: a writer heals it first
    assert box.verify().verdict.disagreeing == ("drive 0",)
    for begin, end in box.verify().holdings[0].lacking(4):
        for piece in box.verify().history.segments(begin, end):
            box.drives[0].place(segment(piece.first, piece.root_before, piece.records))
    assert not box.verify().verdict.tampering


def test_a_new_empty_drive_is_filled_from_the_others() -> None:
    box = filled([1, 4, 2, 300])
    box.drives[2].segments.clear()
    box.drives[2].checkpoints.clear()
    found = box.verify()
    assert kinds(found.verdict.notices) == {Kind.BEHIND}
    for piece in found.history.segments(0, found.history.size):
        box.drives[2].place(segment(piece.first, piece.root_before, piece.records))
    assert not box.verify().verdict.notices


def test_a_crash_s_leftover_is_superseded_and_nobody_is_accused() -> None:
    """Drive 2 alone got an entry 4, then died; the next window wrote another entry 4 without it."""
    box = filled([2, 2])
    leftover = segment(4, box.frontier.root(), [note(4, "leftover")])
    box.drives[2].place(leftover)
    box.commit(note(4), note(5), absent=[2])
    found = box.verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert kinds(found.verdict.notices) == {Kind.SUPERSEDED, Kind.BEHIND}
    box.drives[2].place(segment(4, found.history.frontier.root(), [note(4)], 1))
    healed = Box.verify(box)
    assert list(healed.history.records) == box.entries


def test_a_segment_that_repeats_entries_and_goes_on_is_one_history() -> None:
    box = filled([2])
    box.write([note(2)])
    box.witness()
    roots = [tree.root_of([]), tree.root_of([tree.leaf_hash(box.entries[0])])]
    box.drives[0].segments = dict([segment(0, roots[0], box.entries)])
    box.drives[1].segments = dict(
        [segment(0, roots[0], box.entries[:1]), segment(1, roots[1], box.entries[1:])]
    )
    assert not box.verify().verdict.tampering


def lost_entry_box() -> Box:
    """The witness signed entry 3, then every copy of it was lost."""
    box = filled([3])
    box.write([note(3)])
    box.witness()
    for drive in box.drives:
        drive.segments = {n: c for n, c in drive.segments.items() if ledger_segment.decode(c).first < 3}
        drive.checkpoints.clear()
    return box


def test_an_entry_that_only_the_interlock_remembers_is_missing_but_locks_nobody_out() -> None:
    box = lost_entry_box()
    found = box.verify()
    assert [f.text for f in found.verdict.tampering] == ["entry 3 is missing"]
    assert found.history.records[3] == Gap(leaf=box.head.last_leaf)
    assert found.history.frontier == box.frontier


def test_a_gap_that_a_later_witnessed_entry_names_is_a_notice() -> None:
    box = lost_entry_box()
    gap = Gap(leaf=box.head.last_leaf)
    confession = ledger_entry.encode(
        ledger_entry.Gap(time=BEGAN_S, phase=Phase.SEAL, index=3, leaf=gap.leaf.hex())
    )
    before = tree.root_of([tree.leaf_hash(entry) for entry in box.entries[:3]])
    for drive in box.drives:
        drive.place(segment(3, before, [gap]))
    box.commit(confession)
    found = box.verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert kinds(found.verdict.notices) == {Kind.GAP_EXPLAINED}


def test_a_confession_of_another_hash_excuses_nothing() -> None:
    box = lost_entry_box()
    gap = Gap(leaf=box.head.last_leaf)
    wrong = ledger_entry.encode(ledger_entry.Gap(time=BEGAN_S, phase=Phase.SEAL, index=3, leaf="0" * 64))
    before = tree.root_of([tree.leaf_hash(entry) for entry in box.entries[:3]])
    for drive in box.drives:
        drive.place(segment(3, before, [gap]))
    box.commit(wrong)
    assert box.verify().verdict.reason == "entry 3 is missing"


def test_an_entry_that_one_copy_knows_only_by_hash_is_taken_from_another() -> None:
    box = filled([3])
    name, content = next(iter(box.drives[1].segments.items()))
    whole = ledger_segment.decode(content)
    del box.drives[1].segments[name]
    bare = [whole.records[0], Gap(leaf=tree.leaf_hash(box.entries[1])), whole.records[2]]
    box.drives[1].place(segment(0, whole.root_before, bare))
    found = box.verify()
    assert list(found.history.records) == box.entries
    assert found.verdict.disagreeing == ("drive 1",)
    assert found.verdict.reason == "drive 1: entry 1 is missing"
    assert found.verdict.intact


def test_a_damaged_file_whose_entries_were_written_again_is_a_notice() -> None:
    box = filled([2, 2, 2])
    name = list(box.drives[0].segments)[1]
    box.drives[0].segments[name] = box.drives[0].segments[name][:-1]
    found = box.verify()
    assert found.verdict.disagreeing == ("drive 0",)
    assert found.verdict.intact
    for piece in found.history.segments(2, 4, edition=1):
        box.drives[0].place(segment(piece.first, piece.root_before, piece.records, piece.edition))
    assert kinds(box.verify().verdict.notices) == {Kind.DAMAGE_REPLACED}
    assert not box.verify().verdict.tampering


def test_a_damaged_checkpoint_is_healed_by_another_edition_from_another_drive() -> None:
    box = filled([1, 1])
    name = checkpoint.file_name(1)
    box.drives[0].checkpoints[name] = b"damaged"
    found = box.verify()
    assert found.verdict.disagreeing == ("drive 0",)
    assert found.holdings[0].refused == (1,)
    box.drives[0].checkpoints[checkpoint.file_name(1, 1)] = found.notes[1]
    healed = box.verify()
    assert kinds(healed.verdict.notices) == {Kind.DAMAGE_REPLACED}
    assert not healed.verdict.tampering
    assert not healed.holdings[0].refused


def test_segments_under_each_other_s_names_are_healed_by_another_edition() -> None:
    box = filled([1, 1])
    files = box.drives[0].segments
    first, second = sorted(files)
    files[first], files[second] = files[second], files[first]
    found = box.verify()
    assert found.verdict.disagreeing == ("drive 0",)
    assert found.verdict.intact
    for begin, end in found.holdings[0].lacking(2):
        for piece in found.history.segments(begin, end, edition=1):
            box.drives[0].place(segment(piece.first, piece.root_before, piece.records, piece.edition))
    assert kinds(box.verify().verdict.notices) == {Kind.DAMAGE_REPLACED}
    assert not box.verify().verdict.tampering


def test_entries_come_out_typed_and_in_order() -> None:
    found = filled([2, 3]).verify()
    decoded = list(found.history.entries())
    assert [index for index, _ in decoded] == [0, 1, 2, 3, 4]
    assert [entry.text for _, entry in decoded if isinstance(entry, ledger_entry.Note)] == [
        f"entry {number}" for number in range(5)
    ]


def test_healing_segments_stay_within_the_limits_of_a_segment() -> None:
    box = Box(1)
    entries = [note(number, "x" * 900) for number in range(depth.many(20_000, 30_000))]
    box.write(entries)
    box.witness()
    whole = box.verify().history
    pieces = list(whole.segments(0, whole.size))
    assert len(pieces) > 1
    box.drives[0].segments = dict(segment(p.first, p.root_before, p.records) for p in pieces)
    assert box.verify().verdict.standing is Standing.VERIFIED


def test_a_long_ledger_of_many_segments_verifies_from_six_drives() -> None:
    box = filled([500] * depth.many(40, 2000), drives=6, checkpoints=False)
    found = box.verify()
    assert found.verdict.standing is Standing.VERIFIED
    assert not found.verdict.notices


def test_planted_forks_do_not_multiply_into_combinations() -> None:
    """At each of 200 entries the attacker offers another entry: 2^200 combinations, 400 segments."""
    box = filled([1] * 200, drives=1, checkpoints=False)
    frontier = tree.Frontier()
    files = {}
    for number, entry in enumerate(box.entries):
        name, content = segment(number, frontier.root(), [note(number, "planted")])
        files[name] = content
        frontier = frontier.extended([tree.leaf_hash(entry)])
    planted = Copy(label="planted", segments=files)
    found = history.assemble([box.drives[0].copy(), planted], KEYS, head=box.head)
    assert list(found.history.records) == box.entries
    assert found.verdict.disagreeing == ("planted",)


def test_a_tail_that_few_copies_hold_does_not_displace_the_tail_that_most_hold() -> None:
    box = filled([2], drives=5)
    forged = [note(2, "forged"), note(3, "forged too")]
    box.drives[0].place(segment(2, box.frontier.root(), forged))
    box.write([note(2)], absent=[0])
    assert box.verify().history.tail == (note(2),)


def test_the_head_of_another_witness_is_never_verified() -> None:
    box = filled([2, 2])
    other = Head(size=4, root=b"\1" * 32, last_leaf=b"\2" * 32)
    found = history.assemble([drive.copy() for drive in box.drives], KEYS, head=other)
    assert found.verdict.standing is Standing.TAMPERED
