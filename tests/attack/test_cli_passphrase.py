"""Passphrases that holders type or a script hands over: they open the token, and are found nowhere else."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance import errors
from appliance.adapters.token_file import PASSPHRASE, passphrase_beside
from appliance.compose import job, key_rooms
from appliance.compose.job import Passphrases, RestoreJob
from hw.twin.confine import Rules
from hw.twin.process import Program
from tests.attack.command_line import PROJECT, TIMEOUT_S, Ended, faults, run
from tests.simulation import virtual_box
from tests.simulation.conftest import Vault
from tests.simulation.virtual_box import VirtualBox

WRONG = "SENTINEL-wrong-passphrase"
CURSOR_HIDDEN, CURSOR_SHOWN = "\x1b[?25l", "\x1b[?25h"  # a redrawn picture hides it
ORDER = (3, 1, 2)  # as the tokens are given; the answers come in the same order


@dataclass(frozen=True)
class Bad:
    """A bad day: the holders bring these tokens, and keep the passphrases of some in their heads."""

    box: VirtualBox
    target: Path
    known: dict[int, str]

    def words(self, order: Sequence[int] = ORDER) -> list[str]:
        tokens = [word for holder in order for word in ("--token", str(self.box.home.token(holder)))]
        words = ["restore", "run", "--snapshot", "latest", "--target", str(self.target)]
        return [*words, *tokens, "--home", str(self.box.root)]

    def traces(self, secret: str) -> list[str]:
        """Where the secret lies, in the home or in what was restored."""
        files = [path for root in (self.box.root, self.target) for path in root.rglob("*") if path.is_file()]
        assert files
        return [str(path) for path in files if secret.encode() in path.read_bytes()]


def bad_day(vault: Vault, place: Path, without: Sequence[int]) -> Bad:
    box = vault.box.copy(place / "home")
    known = {}
    for holder in without:
        words = passphrase_beside(str(box.home.token(holder)))
        assert words is not None
        known[holder] = words
        (box.home.token(holder) / PASSPHRASE).unlink()
    return Bad(box=box, target=place / "out", known=known)


def seen_in_proc(secret: str) -> list[str]:
    """Processes that anybody could read it from: their arguments, their environment."""
    found = []
    for process in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            try:
                if process.name.isdigit() and secret.encode() in (process / name).read_bytes():
                    found.append(str(process / name))
            except OSError:
                continue  # it has ended
    return found


@dataclass(frozen=True)
class Heard:
    """A command's end, and what it showed on the terminal and in /proc."""

    ended: Ended
    shown: str
    leaks: list[str]


def at_terminal(
    words: Sequence[str], answers: dict[str, str], lang: str = "en", *, picture: bool = False
) -> Heard:
    """Run a command whose standard input is its terminal; with `picture`, its error output too. `answers`
    are typed when their question comes."""
    near, far = pty.openpty()
    left = dict(answers)
    shown, leaks = b"", []
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, "-m", "appliance", *words, "--lang", lang],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"},
        stdin=far,
        stdout=subprocess.PIPE,
        stderr=far if picture else subprocess.PIPE,
    ) as running:
        os.close(far)
        end = time.monotonic() + TIMEOUT_S
        while running.poll() is None:
            assert time.monotonic() < end, shown
            for secret in answers.values():
                leaks += seen_in_proc(secret.strip()) if secret.strip("\x04\n") else []
            if select.select([near], [], [], 0.05)[0]:
                shown += hear(near)
            for question in [text for text in left if text in shown.decode(errors="replace")]:
                os.write(near, left.pop(question).encode())
        out, err = ((stream or b"").decode() for stream in running.communicate())
    shown += hear(near) if select.select([near], [], [], 0)[0] else b""
    os.close(near)
    assert not left, f"never asked: {list(left)}\n{shown!r}\n{err}"
    ended = Ended(words=words, status=running.returncode, out=out, err=err)
    assert not faults(ended), ended
    return Heard(ended=ended, shown=shown.decode(), leaks=leaks)


def hear(near: int) -> bytes:
    try:
        return os.read(near, 1 << 16)
    except OSError:  # nobody has the other end any more
        return b""


def over_descriptor(bad: Bad, content: bytes, order: Sequence[int] = ORDER) -> Ended:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        return with_descriptor(bad, reading, order)
    finally:
        os.close(reading)


def with_descriptor(
    bad: Bad, number: int, order: Sequence[int] = ORDER, *, given: bool = True
) -> Ended:
    words = [*bad.words(order), "--passphrase-fd", str(number)]
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *words],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=(number,) if given else (),
        timeout=TIMEOUT_S,
        check=False,
    )
    ended = Ended(words=words, status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())
    assert not faults(ended), ended
    return ended


def require_no_trace(bad: Bad, secrets: Sequence[str], ended: Ended, shown: str = "") -> None:
    for secret in secrets:
        assert not bad.traces(secret)
        assert secret not in ended.out + ended.err + shown


# The descriptor ----------------------------------------------------------------------------------------


@pytest.mark.invariant("I11")
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_each_token_without_a_passphrase_takes_one_line_in_the_order_given(
    vault: Vault, tmp_path: Path, ending: str
) -> None:
    bad = bad_day(vault, tmp_path, without=(1, 3))
    lines = ending.join((bad.known[3], bad.known[1], "a line for somebody else"))
    ended = over_descriptor(bad, lines.encode())
    assert ended.status == errors.EXIT_OK
    assert not virtual_box.same(vault.first, bad.target)
    require_no_trace(bad, list(bad.known.values()), ended)


def test_lines_in_another_order_open_nothing(vault: Vault, tmp_path: Path) -> None:
    bad = bad_day(vault, tmp_path, without=(1, 3))
    ended = over_descriptor(bad, f"{bad.known[1]}\n{bad.known[3]}\n".encode())
    assert (ended.status, ended.code) == (errors.EXIT_QUORUM, errors.PassphraseWrong.code)
    assert not bad.target.exists()
    require_no_trace(bad, list(bad.known.values()), ended)


@pytest.mark.parametrize("content", [b"\xff\xfe\n", "六つの言葉\n".encode(), WRONG.encode()], ids=ascii)
def test_a_wrong_line_is_a_wrong_passphrase_and_its_holder_is_named(
    vault: Vault, tmp_path: Path, content: bytes
) -> None:
    bad = bad_day(vault, tmp_path, without=(2,))
    ended = over_descriptor(bad, content)
    assert (ended.status, ended.code) == (errors.EXIT_QUORUM, errors.PassphraseWrong.code)
    assert "holder 2" in ended.err
    require_no_trace(bad, [WRONG], ended)


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_a_missing_line_is_a_missing_passphrase(vault: Vault, tmp_path: Path, content: bytes) -> None:
    ended = over_descriptor(bad_day(vault, tmp_path, without=(2,)), content)
    assert (ended.status, ended.code) == (errors.EXIT_QUORUM, errors.PassphraseMissing.code)


def test_the_line_of_a_missing_token_is_not_taken_for_the_next_one(vault: Vault, tmp_path: Path) -> None:
    bad = bad_day(vault, tmp_path, without=(1, 3))
    bad.box.home.token(3).rename(tmp_path / "at home")
    ended = over_descriptor(bad, f"{bad.known[3]}\n{bad.known[1]}\n".encode(), (3, 1, 2, 4))
    assert (ended.status, ended.codes) == (errors.EXIT_OK, {errors.TokenMissing.code})
    assert not virtual_box.same(vault.first, bad.target)


@pytest.mark.parametrize("wrong", ["closed", "a folder", "for writing", "a line without end"])
def test_a_descriptor_that_gives_no_lines_is_a_usage_error(vault: Vault, tmp_path: Path, wrong: str) -> None:
    bad = bad_day(vault, tmp_path, without=(2,))
    if wrong == "a line without end":
        ended = over_descriptor(bad, b"x" * 5000)
    else:
        place = tmp_path / "file"
        place.touch()
        number = os.open(*((place, os.O_WRONLY) if wrong == "for writing" else (tmp_path, os.O_RDONLY)))
        try:
            ended = with_descriptor(bad, number, given=wrong != "closed")
        finally:
            os.close(number)
    assert (ended.status, ended.code) == (errors.EXIT_USAGE, errors.UsageError.code)
    assert not bad.target.exists()


# The prompt --------------------------------------------------------------------------------------------


@pytest.mark.invariant("I11")
@pytest.mark.parametrize(
    ("lang", "questions"),
    [
        ("en", {1: "Passphrase of the token of holder 1", 3: "Passphrase of the token of holder 3"}),
        ("ja", {1: "保持者 1 のトークン", 3: "保持者 3 のトークン"}),
    ],
)
def test_holders_are_asked_by_name_and_what_they_type_is_found_nowhere(
    vault: Vault, tmp_path: Path, lang: str, questions: dict[int, str]
) -> None:
    bad = bad_day(vault, tmp_path, without=(1, 3))
    answers = {questions[holder]: f"{bad.known[holder]}\n" for holder in questions}
    heard = at_terminal(bad.words(), answers, lang)
    assert heard.ended.status == errors.EXIT_OK
    assert heard.shown.index(questions[3]) < heard.shown.index(questions[1])
    assert not virtual_box.same(vault.first, bad.target)
    assert not heard.leaks
    require_no_trace(bad, list(bad.known.values()), heard.ended, heard.shown)


def test_the_running_picture_steps_back_for_the_question_and_returns(vault: Vault, tmp_path: Path) -> None:
    bad = bad_day(vault, tmp_path, without=(2,))
    heard = at_terminal(bad.words(), {"holder 2": f"{bad.known[2]}\n"}, picture=True)
    before, _, after = heard.shown.partition("Passphrase of")
    assert heard.ended.status == errors.EXIT_OK
    assert before.rfind(CURSOR_SHOWN) > before.rfind(CURSOR_HIDDEN) >= 0
    assert CURSOR_SHOWN not in after.partition(CURSOR_HIDDEN)[0]
    assert "phase RECOVERY" in after
    require_no_trace(bad, list(bad.known.values()), heard.ended, heard.shown)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (f"{WRONG}\n", errors.PassphraseWrong.code),
        ("パスフレーズ\n", errors.PassphraseWrong.code),
        ("\n", errors.PassphraseMissing.code),
        ("\x04", errors.PassphraseMissing.code),
    ],
    ids=["wrong", "other letters", "nothing", "end of input"],
)
def test_what_is_typed_wrongly_ends_with_5_and_the_holder(
    vault: Vault, tmp_path: Path, typed: str, code: str
) -> None:
    bad = bad_day(vault, tmp_path, without=(2,))
    heard = at_terminal(bad.words(), {"holder 2": typed})
    assert (heard.ended.status, heard.ended.code) == (errors.EXIT_QUORUM, code)
    assert "holder 2" in heard.ended.err
    assert not bad.target.exists()
    require_no_trace(bad, [WRONG], heard.ended, heard.shown)


def test_with_nobody_to_ask_the_passphrase_is_said_to_be_needed(vault: Vault, tmp_path: Path) -> None:
    ended = run(*bad_day(vault, tmp_path, without=(2,)).words())
    assert (ended.status, ended.code) == (errors.EXIT_QUORUM, errors.PassphraseMissing.code)


def test_no_repr_shows_what_was_typed() -> None:
    passphrases = Passphrases({"/token": WRONG})
    task = RestoreJob(home="/", order=b"", votes=[], tokens=["/token"], target="/", passphrases=passphrases)
    asked = key_rooms._SignRequest(policy=b"", order=b"", tokens=["/token"], passphrases=passphrases)
    boot = Program(name="sealing", argv=(), job=job.encode(task), rules=Rules())
    assert WRONG in str(boot.job)  # it does travel there
    assert WRONG not in f"{passphrases!r} {task!r} {asked!r} {boot!r}"


@pytest.mark.planted
def test_a_passphrase_in_an_argument_or_beside_the_token_is_caught(vault: Vault, tmp_path: Path) -> None:
    program = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program, WRONG], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()  # before it runs, the kernel may not show its arguments yet
        assert seen_in_proc(WRONG) == [f"/proc/{running.pid}/cmdline"]
        running.communicate(b"\n")
    bad = bad_day(vault, tmp_path, without=(2,))
    (bad.box.home.token(2) / PASSPHRASE).write_text(bad.known[2], encoding="ascii")
    assert bad.traces(bad.known[2])
