"""The stand-alone verifier of exported ledgers, and the product beside it, against every forgery."""

import ast
import io
import json
import random
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.domain.phases import Phase
from appliance.errors import CheckpointRefused, LedgerMalformed, SignatureMalformed
from appliance.format import ledger_entry, ledger_export
from appliance.format.checkpoint import Checkpoint
from appliance.format.ledger_segment import Gap, Record
from appliance.ledger import checkpoint, outside, proof, tree
from appliance.ledger.outside import Standing
from appliance.ledger.tree import Frontier, Tree
from appliance.rosetta import iwato_ledger
from tests import depth
from tests.contract import ledger_file
from tests.contract.ledger_file import check, exit_code, forged, joined, pieces, world
from tests.unit.ledger_box import BEGAN_S, KEYS, LOG_KEY, VAULT, WITNESS_KEY, Signers, issue, note, public

PROGRAM = Path(iwato_ledger.__file__)
RANDOM_ATTACKS = depth.many(1_500, 100_000)
GRAVE, ALONE, STOPPED = 4, 3, 1


def names(walk: iwato_ledger.Walk) -> set[str]:
    return {name for name, _ in walk.findings}


def words(walk: iwato_ledger.Walk, language: int = 0) -> str:
    told = ((iwato_ledger.SAY[name][language], values) for name, values in walk.findings)
    return " ".join(sentence.format(**{"size": walk.size, **values}) for sentence, values in told)


# One file that needs nothing of the product ---------------------------------------------------------


def test_the_program_imports_one_crypto_library_beside_the_standard_library() -> None:
    found = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level
            found.add(str(node.module).split(".")[0])
    assert found - sys.stdlib_module_names == {"cryptography"}


def test_every_sentence_has_both_languages_and_the_same_places() -> None:
    for english, japanese in iwato_ledger.SAY.values():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", japanese))
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", japanese)


def test_its_tree_is_the_product_s_for_every_size_and_every_way_of_cutting() -> None:
    leaves = [tree.leaf_hash(b"%d" % number) for number in range(64)]
    for cut in (1, 2, 3, 7, 64):
        nodes: list[bytes] = []
        size = 0
        for begin in range(0, 64, cut):
            size = iwato_ledger.extend(nodes, size, leaves[begin : begin + cut])
            assert iwato_ledger.root_of(nodes) == tree.root_of(leaves[:size])
        assert size == 64


# Honest ledgers -------------------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 7.7")
@pytest.mark.clause("FORMAT 7.8")
def test_an_honest_ledger_agrees_with_every_two_checkpoints_from_outside() -> None:
    for size in range(1, depth.many(12, 20)):
        honest = world(size)
        for earlier in range(1, size + 1):
            papers = [honest.notes[earlier], honest.notes[size]]
            for short in (False, True):
                assert check(honest.file(), papers, short=short).exit_code() == 0
            assert set(ledger_file.product(honest.entries, papers)) == {Standing.AGREES}


@pytest.mark.clause("FORMAT 7.5")
def test_without_a_checkpoint_from_outside_it_says_no_more_than_that_the_file_agrees_with_itself() -> None:
    walk = check(world(5).file())
    assert walk.exit_code() == ALONE
    assert "alone" in names(walk)
    assert "verified" not in names(walk)


def test_entries_that_nobody_signed_yet_are_said() -> None:
    honest = world(5)
    walk = check(forged(honest.entries, honest.notes[1:4]), [honest.notes[3]])
    assert walk.exit_code() == 0
    assert "Entries 3 to 4 are newer than every checkpoint" in words(walk)


@pytest.mark.clause("FORMAT 7.7")
def test_the_exported_bytes_are_those_that_are_documented() -> None:
    honest = world(2)
    keys = [KEYS.log.text().encode(), KEYS.witness.text().encode()]
    records = [(4, keys[0]), (4, keys[1]), (1, honest.entries[0]), (3, honest.notes[1])]
    records += [(1, honest.entries[1]), (3, honest.notes[2])]
    assert pieces(honest.file()) == records
    assert joined(records) == honest.file()
    assert honest.file().startswith(b"iwato-ledger-export v1\n")


# Forgeries, in plain words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "notes", "papers", "said"),
    [
        ("removed in the middle", [], [3, 9], "REMOVED OR ROLLED BACK: paper 2 was signed for 9 entries"),
        ("rolled back", [1, 2, 3], [3, 9], "The newest are gone"),
        ("exchanged", [], [3, 9], "REORDERED: entries 4 and 6 were exchanged"),
        ("altered", [], [3, 9], "CHANGED: paper 2 was signed over other entries. Of entries 3 to 8 one"),
        ("altered", [5, 6], [9], "Of entries 5 to 5 one was removed, altered"),
    ],
)
def test_a_forgery_is_said_in_plain_words(
    entries: str, notes: list[int], papers: list[int], said: str
) -> None:
    honest, made = world(9), list(world(9).entries)
    if entries == "removed in the middle":
        del made[4]
    elif entries == "rolled back":
        made = made[:6]
    elif entries == "exchanged":
        made[4], made[6] = made[6], made[4]
    else:
        made[5] = note(5, "forged")
    walk = check(forged(made, [honest.notes[n] for n in notes]), [honest.notes[n] for n in papers])
    assert walk.exit_code() == GRAVE
    assert said in words(walk)
    assert words(walk, 1) != words(walk)


def test_two_signed_checkpoints_of_one_size_are_a_fork_whatever_the_file_holds() -> None:
    honest = world(5)
    other = issue(Frontier().extended(tree.leaf_hash(note(n, "other")) for n in range(5)))
    walk = check(honest.file(), [honest.notes[5], other])
    assert walk.exit_code() == GRAVE
    assert "FORKED" in words(walk)
    assert "分岐" in words(walk, 1)


def test_a_fork_that_both_keys_signed_on_the_drives_is_found_by_the_other_branch_outside() -> None:
    honest = world(6)
    branch = [*honest.entries[:3], note(3, "other"), note(4, "other")]
    frontier, notes = Frontier(), []
    for entry in branch:
        frontier = frontier.extended([tree.leaf_hash(entry)])
        notes.append(issue(frontier))
    walk = check(forged(branch, notes), [honest.notes[4]])
    assert walk.exit_code() == GRAVE
    assert "FORKED: paper 1 is signed and belongs to another history than checkpoint-5" in words(walk)
    assert ledger_file.product(branch, [honest.notes[4]]) == [Standing.FORKED]


def test_a_ledger_that_was_written_anew_with_other_keys_cannot_be_tied_to_what_was_seen() -> None:
    honest = world(4)
    log, witness = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
    signers = Signers(
        keys=checkpoint.keys_of(VAULT, public(log), public(witness)), log=log, witness=witness
    )
    frontier = Frontier().extended(tree.leaf_hash(entry) for entry in honest.entries)
    found = [(4, signers.keys.log.text().encode()), (4, signers.keys.witness.text().encode())]
    found += [(1, entry) for entry in honest.entries] + [(3, issue(frontier, signers))]
    assert check(joined(found)).exit_code() == ALONE
    walk = check(joined(found), [honest.notes[4]])
    assert walk.exit_code() == GRAVE
    assert "unsigned" in names(walk)


def test_a_witness_whose_clock_was_set_back_is_said() -> None:
    frontier = Frontier()
    papers = []
    for number, unix_s in enumerate((BEGAN_S + 100, BEGAN_S)):
        frontier = frontier.extended([tree.leaf_hash(note(number))])
        text = Checkpoint(origin=KEYS.origin, size=frontier.size, root=frontier.root()).text()
        line = KEYS.witness.sign(WITNESS_KEY.sign, text, unix_s)
        from appliance.format.note import Note

        papers.append(Note(text=text, signatures=(KEYS.log.sign(LOG_KEY.sign, text), line)).encode())
    walk = check(forged([note(0), note(1)], papers), papers)
    assert "time" in names(walk)


@pytest.mark.parametrize("said", [True, False])
def test_an_entry_of_which_only_the_hash_is_left_is_lost_unless_a_later_one_says_so(said: bool) -> None:
    leaf = tree.leaf_hash(note(1))
    gap = ledger_entry.Gap(time=BEGAN_S, phase=Phase.SEAL, index=1, leaf=leaf.hex() if said else "0" * 64)
    records: list[Record] = [note(0), Gap(leaf=leaf), ledger_entry.encode(gap)]
    leaves = [tree.leaf_hash(note(0)), leaf, tree.leaf_hash(ledger_entry.encode(gap))]
    walk = check(forged(records), [issue(Frontier().extended(leaves))])
    assert ("excused" if said else "lost") in names(walk)
    assert walk.exit_code() == (0 if said else GRAVE)


# Files that are not whole ---------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 7.7")
def test_a_file_that_is_cut_anywhere_is_refused() -> None:
    honest = world(3)
    data, papers = honest.file(), [honest.notes[3]]
    assert {exit_code(data[:size], papers) for size in range(len(data))} == {STOPPED}
    assert exit_code(data + b"\0", papers) == STOPPED


@pytest.mark.clause("FORMAT 7.7")
def test_records_longer_than_their_limits_are_refused() -> None:
    keys = pieces(world(1).file())[:2]
    for kind, size in ((1, (1 << 24) + 1), (3, (1 << 16) + 1), (2, 33), (5, 64)):
        assert exit_code(joined([*keys, (kind, b"x" * size)]), []) == STOPPED
    assert exit_code(joined([*keys, (1, b"x" * (1 << 24))]), []) == ALONE


@pytest.mark.clause("FORMAT 7.8")
def test_a_short_checkpoint_is_none_in_a_file_or_a_proof() -> None:
    honest = world(2)
    short = outside.shorten(honest.notes[2], KEYS).text().encode()
    found = pieces(honest.file())
    assert exit_code(joined([*found, (3, short)]), [honest.notes[2]]) == STOPPED
    made = proof.make(0, Tree(tree.leaf_hash(e) for e in honest.entries), honest.notes[2], KEYS)
    wrong = made.partition(b"\n\n")[0] + b"\n\n" + short
    with pytest.raises((SignatureMalformed, CheckpointRefused, LedgerMalformed)):
        proof.verify(wrong, honest.entries[0], KEYS)
    with pytest.raises((iwato_ledger.Refused, ValueError)):
        iwato_ledger.prove(wrong, honest.entries[0], check(honest.file()).keys or SimpleNamespace())


@pytest.mark.clause("FORMAT 7.7")
def test_every_flipped_bit_of_a_file_is_noticed() -> None:
    honest = world(3)
    data, papers = honest.file(), [honest.notes[3]]
    for bit in range(0, len(data) * 8, depth.many(7, 1)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert exit_code(bytes(changed), papers) in {STOPPED, GRAVE}, bit


@pytest.mark.clause("FORMAT 7.7")
def test_records_in_a_wrong_place_or_of_an_unknown_kind_are_refused() -> None:
    found = pieces(world(3).file())
    keys, rest = found[:2], found[2:]
    for wrong in (
        [*keys, (7, b"?"), *rest],
        [*rest, *keys],
        [keys[1], keys[0], *rest],
        [*keys, *keys, *rest],
        [keys[0], *rest],
        [*keys, *rest[2:], *rest[:2]],
    ):
        assert exit_code(joined(wrong), [world(3).notes[3]]) in {STOPPED, GRAVE}


def mailed(text: str) -> bytes:
    return b"\xef\xbb\xbf \r\n" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n"


def test_a_checkpoint_survives_mail_and_editors_in_either_form(tmp_path: Path) -> None:
    honest = world(3)
    leaves = [tree.leaf_hash(entry) for entry in honest.entries]
    for text in (honest.notes[3].decode(), outside.shorten(honest.notes[3], KEYS).text()):
        assert outside.compare("", mailed(text), leaves, KEYS).standing is Standing.AGREES
        (tmp_path / "paper").write_bytes(mailed(text))
        papers = iwato_ledger.read_outside(tmp_path / "paper")
        assert iwato_ledger.Walk(papers).run(io.BytesIO(honest.file())).exit_code() == 0


@pytest.mark.clause("FORMAT 7.8")
def test_every_changed_digit_of_a_short_checkpoint_is_refused() -> None:
    honest = world(3)
    text = outside.shorten(honest.notes[3], KEYS).text()
    assert len(text) == 193
    leaves = [tree.leaf_hash(entry) for entry in honest.entries]
    for place in range(len(text)):
        wrong = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        assert outside.compare("", wrong.encode(), leaves, KEYS).standing is Standing.NOT_OURS
        try:
            papers = [iwato_ledger.parse_short(wrong)]
            papers[0].label = "paper"
            assert iwato_ledger.Walk(papers).run(io.BytesIO(honest.file())).exit_code() == GRAVE
        except (iwato_ledger.Refused, ValueError):
            continue


# Random forgeries -----------------------------------------------------------------------------------


def escapes(seed: int, count: int) -> list[str]:
    """The attacks that the program or the product did not find."""
    found = []
    for number, (attack, data, entries, papers) in enumerate(ledger_file.attacks(seed, count)):
        if exit_code(data, papers) not in {GRAVE, STOPPED}:
            found.append(f"attack {number}: {attack}: the stand-alone verifier")
        if set(ledger_file.product(entries, papers)) <= {Standing.AGREES}:
            found.append(f"attack {number}: {attack}: the product")
    return found


def test_every_random_forgery_is_found_by_the_program_and_by_the_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outside, "read", lru_cache(outside.read))  # few papers, many ledgers
    assert escapes(1, RANDOM_ATTACKS) == []


def test_random_damage_is_found() -> None:
    chance = random.Random(3)
    honest = world(7)
    data, papers = honest.file(), [honest.notes[2], honest.notes[7]]
    for _ in range(depth.many(300, 20_000)):
        assert exit_code(ledger_file.flipped(data, chance), papers) in {STOPPED, GRAVE}


@pytest.mark.planted
@pytest.mark.parametrize("method", ["judge", "at_marks"])
def test_a_lax_verifier_lets_forgeries_escape(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(iwato_ledger.Walk, method, lambda *_: None)
    assert any("stand-alone" in escape for escape in escapes(1, 200))


@pytest.mark.planted
def test_a_lax_product_lets_forgeries_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    def lax(name: str, *_: Any) -> outside.Comparison:
        return outside.Comparison(name=name, standing=Standing.AGREES)

    monkeypatch.setattr(outside, "compare", lax)
    assert any("product" in escape for escape in escapes(1, 50))


# The command ----------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-I", str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_the_command_alone_checks_a_file_with_papers_policy_and_proof(tmp_path: Path) -> None:
    honest = world(9)
    ledger, first, newest = tmp_path / "ledger", tmp_path / "first", tmp_path / "newest"
    ledger.write_bytes(honest.file())
    first.write_bytes(honest.notes[4])
    newest.write_text(outside.shorten(honest.notes[9], KEYS).text() + "\n", encoding="ascii")
    status, said = run(ledger, "--checkpoint", first, newest, "--lang", "en")
    assert (status, said.splitlines()[-1]) == (0, "The ledger is the one that was seen outside.")
    status, said = run(ledger, "--checkpoint", first, newest, "--lang", "ja")
    assert (status, said.splitlines()[-1]) == (0, iwato_ledger.SAY["verified"][1])
    (tmp_path / "proof").write_bytes(
        proof.make(2, Tree(tree.leaf_hash(e) for e in honest.entries), honest.notes[9], KEYS)
    )
    (tmp_path / "entry").write_bytes(honest.entries[2])
    (tmp_path / "other").write_bytes(honest.entries[3])
    proven = ("--proof", tmp_path / "proof", "--entry")
    assert "entry 2 of the ledger" in run(ledger, *proven, tmp_path / "entry", "--lang", "en")[1]
    assert run(ledger, *proven, tmp_path / "other")[0] == GRAVE
    assert run(tmp_path / "nothing")[0] == STOPPED
    assert run(ledger, "--checkpoint", ledger)[0] == STOPPED


def test_a_name_from_outside_cannot_steer_the_terminal(tmp_path: Path) -> None:
    honest = world(2)
    ledger, paper = tmp_path / "ledger", tmp_path / "pa\x1b[2Jper"
    ledger.write_bytes(honest.file())
    paper.write_bytes(honest.notes[2])
    assert "\x1b" not in run(ledger, "--checkpoint", paper)[1]


def test_the_kinds_of_records_are_the_product_s() -> None:
    for name in ("END", "ENTRY", "LEAF", "NOTE", "KEY", "SIGNATURE"):
        assert getattr(iwato_ledger, name) == getattr(ledger_export, name)
    assert json.loads(note(1))["kind"] == "note"
