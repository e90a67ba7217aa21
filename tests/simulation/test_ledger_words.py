"""The verbs of `iwato ledger` as they are typed, on a virtual box: words, files, exit codes, languages."""

import io
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.cli import app
from appliance.errors import EXIT_EMERGENCY, EXIT_FAILED, EXIT_OK, EXIT_USAGE
from appliance.rosetta import iwato_ledger
from tests.simulation.virtual_box import VirtualBox, born


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> VirtualBox:
    place = tmp_path_factory.mktemp("words")
    (place / "source").mkdir()
    (place / "source" / "file").write_bytes(b"content")
    made = born(place / "home", place / "source")
    made.run_window()
    return made


class Said:
    """What one command said and how it ended."""

    def __init__(self, box: VirtualBox, capfd: pytest.CaptureFixture[str], *words: object) -> None:
        capfd.readouterr()
        arguments = [*map(str, words), "--home", str(box.root)]
        nobody = cast("Any", None)  # neither lines nor demo, doctor or daemon are asked
        self.status = app.run(
            lambda path: VirtualBox(path).appliance(), nobody, nobody, nobody, arguments, attend=nobody
        )
        self.out, self.err = capfd.readouterr()


def test_a_checkpoint_goes_out_and_is_held_against_the_box_again(
    box: VirtualBox, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = Said(box, capfd, "ledger", "checkpoint")
    assert (shown.status, shown.err) == (EXIT_OK, "")
    note = iwato_ledger.parse_note(shown.out.encode())  # nothing but the note
    paper = tmp_path / "pa\x1b[2Jper"
    paper.write_text(shown.out, encoding="utf-8")
    compared = Said(box, capfd, "ledger", "compare", paper)
    assert (compared.status, "agrees" in compared.out) == (EXIT_OK, True)
    assert "\x1b" not in compared.out
    assert "一致します" in Said(box, capfd, "ledger", "compare", paper, "--lang", "ja").out
    code = Said(box, capfd, "ledger", "checkpoint", "--qr", "--plain")
    assert len(code.out.splitlines()) == 23
    pictures = ("--svg", tmp_path / "note.svg", "--png", tmp_path / "note.png")
    assert Said(box, capfd, "ledger", "checkpoint", *pictures).status == EXIT_OK
    assert (tmp_path / "note.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "note.svg").read_bytes().startswith(b"<?xml")
    again = Said(box, capfd, "ledger", "checkpoint", *pictures)
    assert (again.status, "IW-1014" in again.err) == (EXIT_FAILED, True), "nothing is overwritten"
    assert note.size > 1


def test_what_is_pasted_is_held_against_the_box(
    box: VirtualBox, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Said(box, capfd, "ledger", "checkpoint").out
    lines = shown.splitlines()
    lines[1] = str(int(lines[1]) + 1)
    for text, status in ((shown, EXIT_OK), ("\n".join([*lines, ""]), 3), ("", 3)):
        stream = io.TextIOWrapper(io.BytesIO(text.encode()))
        monkeypatch.setattr("sys.stdin", stream)
        assert Said(box, capfd, "ledger", "compare", "-").status == status


def test_a_code_is_read_back_and_status_says_so(
    box: VirtualBox, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "never" in Said(box, capfd, "status").out
    wrong = Said(box, capfd, "ledger", "seen", "00000000")
    assert (wrong.status, "IW-4411" in wrong.err) == (EXIT_FAILED, True)
    for words in ((), ("CODE", "--checkpoint", box.root / "policy" / "policy-1.txt")):
        assert Said(box, capfd, "ledger", "seen", *words).status == EXIT_USAGE
    document = Said(box, capfd, "ledger", "checkpoint", "--json").out
    short = document.partition('"short": "')[2].partition('"')[0]
    assert Said(box, capfd, "ledger", "seen", short[-8:]).status == EXIT_OK
    assert "0 windows ago" in Said(box, capfd, "status").out
    assert "外部での確認" in Said(box, capfd, "status", "--lang", "ja").out


def test_an_export_a_proof_and_countersignatures_go_together(
    box: VirtualBox, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [word for holder in (1, 2) for word in ("--token", box.home.token(holder))]
    signed = Said(box, capfd, "ledger", "countersign", *tokens)
    assert (signed.status, "Holders 1, 2 countersigned" in signed.out) == (EXIT_OK, True)
    assert Said(box, capfd, "ledger", "prove", "--to", tmp_path).status == EXIT_OK
    proof, entry = (next(tmp_path.glob(f"*.{suffix}")) for suffix in ("tlog-proof", "entry"))
    ledger = tmp_path / "ledger"
    assert Said(box, capfd, "ledger", "export", "--to", ledger).status == EXIT_OK
    again = Said(box, capfd, "ledger", "export", "--to", ledger)
    assert (again.status, "IW-1014" in again.err) == (EXIT_FAILED, True)
    paper = tmp_path / "paper"
    paper.write_text(Said(box, capfd, "ledger", "checkpoint").out, encoding="utf-8")
    policy = box.home.policy / "policy-1.txt"
    asked = [ledger, "--checkpoint", paper, "--policy", policy, "--proof", proof, "--entry", entry]
    monkeypatch.setattr("sys.argv", ["iwato-ledger", *map(str, asked), "--lang", "en"])
    assert iwato_ledger.main() == EXIT_OK
    said = capfd.readouterr().out
    for words in ("Holders 1, 2 countersigned", "The ledger is the one", "The entry is entry"):
        assert words in said
    assert Said(box, capfd, "ledger", "countersign", "--token", tmp_path).status != EXIT_OK
    assert Said(box, capfd, "ledger", "prove", "20000101T000000Z-00000000").status == EXIT_FAILED
    assert Said(box, capfd, "ledger", "export").status == EXIT_USAGE


@pytest.mark.clause("THREATS 4.12")
def test_a_rolled_back_box_ends_the_command_with_an_emergency(
    box: VirtualBox, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    older = box.copy(tmp_path / "older")
    newer = box.copy(tmp_path / "newer")
    newer.run_window()
    paper = tmp_path / "paper"
    paper.write_text(Said(newer, capfd, "ledger", "checkpoint").out, encoding="utf-8")
    for verb in (("compare", paper), ("seen", "--checkpoint", paper)):
        said = Said(older, capfd, "ledger", *verb)
        assert (said.status, "IW-4412" in said.err) == (EXIT_EMERGENCY, True)
