"""The stand-alone reader on a vault of today, made with the real command line, as the stranger gets it."""

from __future__ import annotations

import ast
import base64
import getpass
import io
import itertools
import json
import os
import re
import shutil
import sys
import tokenize
from pathlib import Path
from types import SimpleNamespace

import blake3
import pytest

from appliance.compose import rosetta_files
from appliance.custody import shares
from appliance.format import age_file
from appliance.format.age_recipient import Identity
from appliance.ledger import tree as merkle
from appliance.ledger.tree import Frontier
from appliance.rosetta import iwato_rosetta
from appliance.rosetta.iwato_rosetta import Cursor, Refused
from tests import depth
from tests.contract import rosetta_bench
from tests.contract.rosetta_bench import GOLDEN, READER, here
from tests.golden import make_vault, tree
from tests.tidy.tree import PROJECT

CODE_LINES_MAX = 500  # lines; what a person can read in a day
ALLOWED = frozenset({"blake3", "cryptography", "zstandard"})  # beside the standard library
__all__ = ["here"]  # a fixture
N, K = 6, 4
BULK = 9 << 20  # bytes; more than two stripes of 4 columns, so that a pack has whole and broken ones


class Fresh(SimpleNamespace):
    """`home`, and the ids of its two snapshots."""

    home: Path
    place: Path
    snapshots: list[str]

    def drives(self, *bays: int) -> list[Path]:
        return [self.home / "bay" / str(bay) for bay in bays]

    def tokens(self, *holders: int) -> list[Path]:
        return [self.home / "tokens" / f"holder-{holder}" for holder in holders]

    def expected(self, snapshot: str) -> object:
        return json.loads((self.place / f"{snapshot}.json").read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    place = tmp_path_factory.mktemp("fresh") / "vault"
    return Fresh(place=place, home=place / "home", snapshots=make_vault.make(place, N, K, BULK))


# Independence ---------------------------------------------------------------------------------------


def imported(source: str) -> set[str]:
    """First names of all modules that a program imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add("." if node.level else (node.module or "").split(".")[0])
    return found


def code_lines(source: str) -> int:
    """Lines with code: neither blank, comment or docstring, nor SLIP-39's table, which is no code."""
    aside = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in aside and token.string:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        table = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "WORD_GROUPS"
        if isinstance(node, ast.Expr | ast.Assign) and (words or table):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_the_reader_is_one_short_file_that_needs_nothing_of_the_product() -> None:
    source = READER.read_text(encoding="utf-8")
    assert imported(source) <= ALLOWED | sys.stdlib_module_names
    assert code_lines(source) <= CODE_LINES_MAX


@pytest.mark.planted
def test_the_rule_sees_an_import_of_the_product_and_a_line_of_code() -> None:
    hidden = "def f():\n    from appliance.format import pack\n    return pack\n"
    assert imported(hidden) == {"appliance"}
    assert code_lines(f'"""Words."""\n\n# more\n{hidden}WORD_GROUPS = """\nab\n"""\n') == 3


@pytest.mark.planted
def test_a_reader_that_needs_the_product_fails_in_the_isolated_run(tmp_path: Path) -> None:
    leaning = tmp_path / "leaning.py"
    leaning.write_text("import appliance.format.pack\n", encoding="ascii")
    assert rosetta_bench.alone(leaning).status != 0


def test_its_words_are_those_of_slip_39() -> None:
    import shamir_mnemonic.wordlist

    assert [word[:4] for word in shamir_mnemonic.wordlist.WORDLIST] == iwato_rosetta.WORDS


# A vault of today -----------------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 6.10")
def test_every_drive_carries_what_a_stranger_needs(fresh: Fresh) -> None:
    files = rosetta_files.files()
    assert set(files) == {
        f"ROSETTA/{name}"
        for name in (
            *("FORMAT.md", "iwato_rosetta.py", "iwato_ledger.py", "vectors.json"),
            *("HOWTO.en.md", "HOWTO.ja.md"),
        )
    }
    for drive in fresh.drives(*range(1, N + 1)):
        assert {str(p.relative_to(drive)) for p in (drive / "ROSETTA").iterdir()} == set(files)
        assert {name: (drive / name).read_bytes() for name in files} == files


@pytest.mark.clause("FORMAT 6.10")
def test_a_window_adds_what_is_missing_and_leaves_an_older_text_as_it_is(
    fresh: Fresh, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(fresh.home, home, symlinks=True)
    older = home / "bay" / "2" / "ROSETTA" / "FORMAT.md"
    missing = home / "bay" / "5" / "ROSETTA" / "vectors.json"
    older.write_bytes(b"an older edition\n")
    missing.unlink()
    assert make_vault.iwato(home, "bench", "run-window")["warnings"] == []
    assert older.read_bytes() == b"an older edition\n"
    assert missing.read_bytes() == rosetta_files.files()["ROSETTA/vectors.json"]


SUBSETS = list(itertools.combinations(range(1, N + 1), K))


@pytest.mark.invariant("I6")
@pytest.mark.clause("FORMAT 5.5")
@pytest.mark.clause("FORMAT 10.4")
@pytest.mark.parametrize("bays", SUBSETS[:: len(SUBSETS) // depth.many(3, len(SUBSETS))], ids=str)
def test_k_drives_and_k_tokens_are_enough_for_a_stranger(
    fresh: Fresh, tmp_path: Path, bays: tuple[int, ...]
) -> None:
    reader = fresh.drives(bays[-1])[0] / "ROSETTA" / "iwato_rosetta.py"
    for snapshot in fresh.snapshots:
        target = tmp_path / snapshot
        words = rosetta_bench.words(fresh.drives(*bays), fresh.tokens(3, 1), target, "--snapshot", snapshot)
        ran = rosetta_bench.alone(reader, *words)
        assert ran.status == 0, ran.out + ran.err
        assert tree.listing(target) == fresh.expected(snapshot)


def test_the_snapshots_are_listed_without_a_token(fresh: Fresh) -> None:
    ran = rosetta_bench.alone(READER, *map(str, fresh.drives(2, 3, 4, 6)), "--list")
    assert ran.status == 0
    assert [line.split(" ")[0] for line in ran.out.splitlines() if " complete" in line] == fresh.snapshots


@pytest.mark.parametrize(
    ("bays", "holders", "why"),
    [
        ((1, 2, 3), (1, 2), "is lost"),
        ((1, 2, 3, 4), (1,), "tokens of 2 holders are needed, 1 are here"),
        ((1, 2, 3, 4), (2, 2), "tokens of 2 holders are needed, 1 are here"),
    ],
)
def test_too_few_drives_or_tokens_restore_nothing_and_say_so(
    fresh: Fresh, tmp_path: Path, bays: tuple[int, ...], holders: tuple[int, ...], why: str
) -> None:
    words = rosetta_bench.words(fresh.drives(*bays), fresh.tokens(*holders), tmp_path / "out")
    ran = rosetta_bench.alone(READER, *words)
    assert (ran.status, "Traceback" in ran.err) == (1, False), ran.err
    assert why in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.clause("FORMAT 11.2")
@pytest.mark.clause("FORMAT 11.3")
def test_drives_and_tokens_of_different_vaults_are_never_mixed(fresh: Fresh, tmp_path: Path) -> None:
    stranger = [GOLDEN / "tokens" / f"holder-{holder}" for holder in (1, 2)]
    words = rosetta_bench.words(fresh.drives(1, 2, 3, 4), stranger, tmp_path / "out")
    ran = rosetta_bench.alone(READER, *words)
    assert (ran.status, (tmp_path / "out").exists()) == (1, False)
    assert "does not name the keys of these tokens" in ran.err
    foreign = [*fresh.drives(1, 2, 3, 4), GOLDEN / "drives" / "1"]
    ran = rosetta_bench.alone(READER, *rosetta_bench.words(foreign, fresh.tokens(1, 2), tmp_path / "out"))
    assert ran.status == 3, ran.err
    assert tree.listing(tmp_path / "out") == fresh.expected(fresh.snapshots[-1])


@pytest.mark.clause("FORMAT 11.2")
def test_a_policy_that_too_few_of_its_holders_signed_is_refused(fresh: Fresh, tmp_path: Path) -> None:
    for bay, drive in enumerate(fresh.drives(1, 2, 3, 4), 1):
        shutil.copytree(drive, tmp_path / str(bay))
        for holder in (2, 3):
            (tmp_path / str(bay) / "policy" / f"policy-1.{holder}.sig").unlink()
    copies = [tmp_path / str(bay) for bay in (1, 2, 3, 4)]
    ran = rosetta_bench.alone(READER, *rosetta_bench.words(copies, fresh.tokens(1, 2), tmp_path / "out"))
    assert (ran.status, "only 1 holders signed it" in ran.err) == (1, True), ran.err


def test_an_existing_directory_is_never_written_into(fresh: Fresh, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    words = rosetta_bench.words(fresh.drives(1, 2, 3, 4), fresh.tokens(1, 2), tmp_path / "mine")
    assert rosetta_bench.alone(READER, *words).status == 1
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_lost_pack_costs_its_files_alone_and_each_is_named(
    tmp_path: Path, here: rosetta_bench.Here
) -> None:
    shutil.copytree(GOLDEN, tmp_path / "v1")
    snapshot = max(path.stem for path in GOLDEN.glob("*.json"))
    drives = [tmp_path / "v1" / "drives" / bay for bay in ("1", "3")]
    tokens = [tmp_path / "v1" / "tokens" / f"holder-{holder}" for holder in (2, 3)]
    whole = here(rosetta_bench.words(drives, tokens, tmp_path / "whole", "--snapshot", snapshot))
    victim = re.findall("reading pack ([0-9a-f]+)", whole.err)[-1]
    (shard,) = drives[1].glob(f"shards/*/{victim}*")
    shard.write_bytes(bytes(4096) + shard.read_bytes()[4096:])
    ran = here(rosetta_bench.words(drives, tokens, tmp_path / "out", "--snapshot", snapshot))
    before, after = ({item["path"]: item for item in tree.listing(tmp_path / at)} for at in ("whole", "out"))
    missing = before.keys() - after.keys()
    assert (ran.status, f"pack {victim}" in ran.err, bool(missing)) == (3, True, True)
    assert ran.err.count("not restored: ") == len(missing)
    assert {path for path in after if after[path].get("sha256") != before[path].get("sha256")} == set()


def test_a_passphrase_is_asked_for_and_a_wrong_one_opens_nothing(
    tmp_path: Path, here: rosetta_bench.Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GOLDEN, tmp_path / "v1")
    tokens = [tmp_path / "v1" / "tokens" / f"holder-{holder}" for holder in (1, 3)]
    phrase = (tokens[1] / "passphrase.txt").read_text(encoding="ascii")
    (tokens[1] / "passphrase.txt").unlink()
    drives = [GOLDEN / "drives" / bay for bay in ("1", "2")]
    for typed, status in ((phrase.strip() + "s", 1), (phrase, 0)):
        prompts: list[str] = []

        def answer(prompt: str, typed: str = typed, prompts: list[str] = prompts) -> str:
            prompts.append(prompt)
            return typed

        monkeypatch.setattr(getpass, "getpass", answer)
        ran = here(rosetta_bench.words(drives, tokens, tmp_path / f"out{status}"))
        assert (ran.status, len(prompts), (tmp_path / f"out{status}").exists()) == (status, 1, status == 0)
        assert "holder 3" in prompts[0]
        assert ("it does not open: another key or passphrase" in ran.err) == bool(status)


# What a hostile manifest may ask for ----------------------------------------------------------------


def described(kind: int, path: bytes, target: bytes = b"") -> Cursor:
    """An object as FORMAT 4.5 writes it, without attributes and runs."""
    numbers = (kind, 0, 0o644, 0, 0, 0, 0, 0, 0, 0)
    widths = (1, 1, 2, 4, 4, 8, 4, 8, 4, 4)
    head = b"".join(number.to_bytes(width, "big") for number, width in zip(numbers, widths, strict=True))
    lengths = len(path).to_bytes(2, "big") + len(target).to_bytes(2, "big") + bytes(6)
    return Cursor(head + lengths + path + target)


@pytest.mark.clause("FORMAT 4.6")
@pytest.mark.parametrize(
    "path", [b"/etc/passwd", b"..", b"a/../../b", b"a//b", b".", b"a/.", b"a\0b", b"n" * 256], ids=ascii
)
def test_a_path_that_leads_out_of_the_target_is_refused(path: bytes) -> None:
    assert iwato_rosetta.read_object(described(0, b"a/b"), [], b"docs").path == b"docs/a/b"
    for item in (described(0, path), described(6, b"x", path)):
        with pytest.raises(Refused):
            iwato_rosetta.read_object(item, [], b"docs")


@pytest.mark.parametrize("order", [1, -1])
def test_nothing_is_written_through_a_link_that_the_snapshot_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = [
        described(1, b""), described(2, b"way", os.fsencode(outside)), described(0, b"way/file"),
        described(1, b"way/folder"), described(2, b"way/link", b"x"), described(6, b"way/name", b"ok"),
        described(0, b"ok"),
    ][::order]  # fmt: skip
    objects = [iwato_rosetta.read_object(item, [], b"docs") for item in hostile]
    objects.sort(key=lambda one: (one.kind != 1, one.kind == 2, one.kind, one.path))
    monkeypatch.setattr(iwato_rosetta, "FINDINGS", [])
    monkeypatch.setattr(iwato_rosetta, "read_manifest", lambda *_: objects)
    vault = SimpleNamespace(snapshots={"s": {}}, packs={}, k=2, n=3, folders={})
    iwato_rosetta.restore(vault, iwato_rosetta.Identity(bytes(32)), "s", tmp_path / "out")
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "out" / "docs").iterdir()) == ["ok", "way"]
    assert len(iwato_rosetta.FINDINGS) == 4


def placed(
    name: bytes, *places: tuple[int, int], attributes: tuple[tuple[bytes, bytes], ...] = ()
) -> SimpleNamespace:
    """A file of the snapshot whose content is slot and length one after the other, out of one pack."""
    chunks, at = [], 0
    for slot, length in places:
        chunks.append(("pack", slot, length, at))
        at += length
    return SimpleNamespace(
        kind=0, torn=0, mode=0o755, owner=(os.getuid(), os.getgid()), time_ns=1, size=at,
        path=b"docs/" + name, target=b"", attributes=list(attributes), chunks=chunks,
    )  # fmt: skip


def restored(monkeypatch: pytest.MonkeyPatch, target: Path, *files: SimpleNamespace) -> dict[str, bytes]:
    """What the reader makes of these files, whose only pack has the chunks "one" and "two"."""
    folder = iwato_rosetta.read_object(described(1, b""), [], b"docs")
    monkeypatch.setattr(iwato_rosetta, "FINDINGS", [])
    monkeypatch.setattr(iwato_rosetta, "read_manifest", lambda *_: [folder, *files])
    monkeypatch.setattr(iwato_rosetta, "read_pack", lambda *_: b"")
    stored = {0: b"one", 1: b"two"}
    monkeypatch.setattr(iwato_rosetta, "read_chunks", lambda _, wanted: [(n, stored[n]) for n in wanted])
    vault = SimpleNamespace(snapshots={"s": {}})
    iwato_rosetta.restore(vault, iwato_rosetta.Identity(bytes(32)), "s", target)
    return {path.name: path.read_bytes() for path in (target / "docs").iterdir()}


def test_a_chunk_that_two_files_call_differently_long_leaves_no_file_with_holes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar, victim, whole = placed(b"liar", (0, 3), (1, 2)), placed(b"victim", (1, 3)), placed(b"whole", (0, 3))
    found = restored(monkeypatch, tmp_path / "out", liar, whole, victim)
    assert found == {"whole": b"one"}
    assert sum(line.startswith("not restored: ") for line in iwato_rosetta.FINDINGS) == 2


@pytest.mark.needs("root")
def test_a_file_gets_no_capabilities_from_the_snapshot_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    granting = bytes.fromhex("0000000200200000000000000000000000000000")  # cap_net_raw=p
    given = ((b"security.capability", granting), (b"user.kept", b"yes"))
    restored(monkeypatch, tmp_path / "out", placed(b"program", (0, 3), attributes=given))
    assert os.listxattr(tmp_path / "out" / "docs" / "program") == ["user.kept"]
    assert [line for line in iwato_rosetta.FINDINGS if "security.capability" in line]


# Vectors, and the pages ------------------------------------------------------------------------------


@pytest.mark.clause("FORMAT 6.10")
def test_reader_and_product_agree_with_the_published_vectors() -> None:
    vectors = json.loads((PROJECT / "appliance/rosetta/vectors.json").read_text(encoding="ascii"))
    key, sealed = vectors["vault_key_2_2"], vectors["age_file_2_4"]
    ours, theirs = Identity.from_text(key["identity"]), iwato_rosetta.Identity(bytes.fromhex(key["seed"]))
    assert ours.recipient.fingerprint.hex() == theirs.fingerprint == key["fingerprint"]
    data = base64.b64decode(sealed["file"])
    plain = sealed["plaintext"].encode()
    assert age_file.decrypt(data, ours) == iwato_rosetta.open_age(data, theirs.file_key) == plain
    given = vectors["shares_10_1"]
    for chosen in itertools.permutations(given["words"], given["needed"]):
        assert iwato_rosetta.seed_from_shares(list(chosen)).hex() == given["seed"]
        ours_too = shares.combine([shares.read(words) for words in chosen], given["needed"])
        assert ours_too.hex() == given["seed"]
    code = vectors["reed_solomon_5_4"]
    columns = [bytes.fromhex(column) for column in code["data"] + code["parity"]]
    for left in itertools.combinations(range(6), 4):
        assert iwato_rosetta.data_columns({i: columns[i] for i in left}, 4) == columns[:4]
    assert blake3.blake3(vectors["blake3_3_1"]["text"].encode()).hexdigest() == vectors["blake3_3_1"]["hash"]
    leaves = [merkle.leaf_hash(leaf.encode()) for leaf in vectors["merkle_tree_7_1"]["leaves"]]
    for size, root in enumerate(vectors["merkle_tree_7_1"]["roots"]):
        frontier = Frontier().extended(leaves[:size])
        assert merkle.root_of(leaves[:size]).hex() == root
        assert iwato_rosetta.root_of(frontier.nodes).hex() == root


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_instructions_name_options_that_the_reader_has(language: str) -> None:
    text = (PROJECT / f"appliance/rosetta/HOWTO.{language}.md").read_text(encoding="utf-8")
    source = READER.read_text(encoding="utf-8")
    for option in ("--list", "--token", "--target", "--snapshot"):
        assert f'"{option}"' in source
        assert option in text
    for sentence in ("STOPPED", "TAMPERED", "is lost", "these are drives of"):
        assert sentence in source
    assert "TAMPERED" in text
    assert "STOPPED" in text
