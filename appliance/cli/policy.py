"""`iwato policy`: the one authority of the box, read, changed, stopped and checked.

Signers see what changes in their language, never a hash alone. Reads and writes the files that people hand
to one another; judges nothing (compose/policy_room.py and the interlock do).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec

import click

from appliance.cli import policy_words, sentence
from appliance.cli.bench import ending_of
from appliance.cli.face import Face, command, place
from appliance.cli.opening import asker
from appliance.cli.passphrases import DESCRIPTOR_MAX
from appliance.errors import (
    EXIT_OK,
    CeremonyNeeded,
    DraftRefused,
    PlaceUnusable,
    TextTaken,
    TextUnread,
    UsageError,
)
from appliance.ports import Ask
from appliance.words import N_

TEXT_BYTES_MAX = 128 * 1024  # bytes; a draft with many comments
SIGNATURE_BYTES_MAX = 8192  # bytes; a `.sig` file has some 450
SIGNATURES_MAX = 64  # files beside a policy; twice what one upload takes

P = ParamSpec("P")


@click.group("policy", help=N_("Who may do what: the signed rules, and changing them."))
def policy() -> None:
    """Who may do what: the signed rules, and changing them."""


def token_options(least: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """--token and --passphrase-fd; `least` says how many tokens."""

    def with_options(command: Callable[P, None]) -> Callable[P, None]:
        for option in (
            click.option(
                "--passphrase-fd",
                type=click.IntRange(0, DESCRIPTOR_MAX),
                default=None,
                metavar="N",
                help=N_("descriptor with a line for each token that has no passphrase beside it"),
            ),
            click.option("--token", "tokens", multiple=True, type=click.Path(), help=least),
        ):
            command = option(command)
        return command

    return with_options


_FILE = click.argument("file", type=click.Path())
_DRAFT = click.argument("file", type=click.Path(), required=False)
reason_option = click.option(
    "--why", required=True, metavar="TEXT", help=N_("the reason, as others will read it")
)


@policy.command("show", help=N_("The policy in force, and the one that waits."))
@click.option("--text", "is_text", is_flag=True, help=N_("the exact text, to be edited in a copy"))
@command
def show(face: Face, *, is_text: bool) -> int:
    """The policy in force, and the one that waits."""
    document = face.appliance.policies.in_force()
    rows = document["text"].splitlines() if is_text else policy_words.in_force(face, document)
    face.put(document, rows)
    return EXIT_OK


@policy.command("diff", help=N_("What an edited copy would change, and every rule that it breaks."))
@_FILE
@command
def diff(face: Face, *, file: str) -> int:
    """What an edited copy would change, and every rule that it breaks."""
    document = face.appliance.policies.compared(_read(place(file), TEXT_BYTES_MAX))
    if document["findings"]:
        return _unsound(face, document, file)
    face.put(document, policy_words.compared(face, document))
    return EXIT_OK


@policy.command("propose", help=N_("Make the exact text that holders sign from an edited copy."))
@_FILE
@click.option(
    "--out", default=None, type=click.Path(), help=N_("where to; default: policy-N.txt beside the copy")
)
@command
def propose(face: Face, *, file: str, out: str | None) -> int:
    """Make the exact text that holders sign from an edited copy."""
    draft = place(file)
    document = face.appliance.policies.compared(_read(draft, TEXT_BYTES_MAX))
    if document["findings"]:
        return _unsound(face, document, file)
    if document["beyond"]:
        raise CeremonyNeeded(what=", ".join(document["beyond"]))
    target = place(out) if out is not None else draft.parent / f"policy-{document['version']}.txt"
    _write({target: document["text"].encode("ascii")})
    rows = policy_words.compared(face, document)
    face.put({**document, "file": str(target)}, [*rows, *policy_words.next_step(face, document, target)])
    return EXIT_OK


@policy.command("sign", help=N_("Sign a proposed policy with your token, after reading what it changes."))
@_FILE
@token_options(N_("a token; may be repeated"))
@command
def sign(face: Face, *, file: str, tokens: tuple[str, ...], passphrase_fd: int | None) -> int:
    """Sign a proposed policy with your token, after reading what it changes."""
    source = place(file)
    text = _read(source, TEXT_BYTES_MAX)
    policies = face.appliance.policies
    with face.screen() as screen:
        ask = asker(face, passphrase_fd, screen)
        if ask is not None and passphrase_fd is None:  # a person will be asked: first what, then the words
            face.say(policy_words.compared(face, policies.compared(text)))
        document = policies.signed(text, _named(tokens), ask)
    _write({source.parent / name: armored.encode() for name, armored in document["signatures"].items()})
    face.put(document, policy_words.signed(face, document, source))
    return ending_of(document)


@policy.command("submit", help=N_("Hand a signed policy to the interlock; it takes effect after the delay."))
@_FILE
@command
def submit(face: Face, *, file: str) -> int:
    """Hand a signed policy to the interlock; it takes effect after the delay."""
    source = place(file)
    text, signatures = _read(source, TEXT_BYTES_MAX), _beside(source)
    document = face.appliance.policies.submitted(text, signatures)
    face.put(document, policy_words.submitted(face, document))
    return ending_of(document)


@policy.command("veto", help=N_("Stop the policy that waits. Any one holder can."))
@token_options(N_("the token of the holder who objects"))
@reason_option
@command
def veto(face: Face, *, tokens: tuple[str, ...], why: str, passphrase_fd: int | None) -> int:
    """Stop the policy that waits. Any one holder can."""
    return _object(face, tokens, why, passphrase_fd, override=False)


@policy.command("override", help=N_("Let the policy go on in spite of vetoes. Takes k other holders."))
@token_options(N_("a token; k of them"))
@reason_option
@command
def override(face: Face, *, tokens: tuple[str, ...], why: str, passphrase_fd: int | None) -> int:
    """Let the policy go on in spite of vetoes. Takes k other holders."""
    return _object(face, tokens, why, passphrase_fd, override=True)


@policy.command("verify", help=N_("Check every signature; print how anybody checks it with stock OpenSSH."))
@_DRAFT
@command
def verify(face: Face, *, file: str | None) -> int:
    """Check every signature; print how anybody checks it with stock OpenSSH."""
    policies = face.appliance.policies
    if file is None:
        document = policies.verified(None, "", {})
    else:
        source = place(file)
        document = policies.verified(_read(source, TEXT_BYTES_MAX), str(source), _beside(source))
    face.put(document, policy_words.verified(face, document))
    return ending_of(document)


@policy.command("capture-sets", help=N_("Who has to be captured to read, destroy, open, blind or stall."))
@_DRAFT
@click.option(
    "--board", default="", metavar="NAME", help=N_("as if it ran on this board; default: the board here")
)
@command
def capture_sets(face: Face, *, file: str | None, board: str) -> int:
    """Who has to be captured to read, destroy, open, blind or stall."""
    draft = _read(place(file), TEXT_BYTES_MAX) if file is not None else None
    document = face.appliance.policies.capture_sets(draft, board)
    if document.get("findings"):
        return _unsound(face, document, str(file))
    face.put(document, policy_words.captures(face, document))
    return ending_of(document)


def _object(
    face: Face, tokens: tuple[str, ...], why: str, passphrase_fd: int | None, *, override: bool
) -> int:
    with face.screen() as screen:
        ask: Ask | None = asker(face, passphrase_fd, screen)
        policies = face.appliance.policies
        document = policies.objected(_named(tokens), ask, why, override=override)
    rows = [*policy_words.pending(face, document), *sentence.listed(face.catalogue, document["warnings"])]
    face.put(document, rows)
    return ending_of(document)


def _named(tokens: tuple[str, ...]) -> list[str]:
    if not tokens:
        raise UsageError(detail="a holder signs with a token: name it with --token")
    return [str(place(token)) for token in tokens]


def _unsound(face: Face, document: Mapping[str, Any], file: str) -> int:
    """Every rule that the copy breaks; under --json the error is part of the one document."""
    error = DraftRefused(path=file, count=len(document["findings"]))
    if not face.as_json:
        face.put(document, policy_words.compared(face, document))
        raise error
    what, remedy = face.text(error.what, **error.values), face.text(error.remedy)
    face.put({**document, "error": {"code": error.code, "text": what, "remedy": remedy}}, ())
    return error.exit_status


def _beside(source: Path) -> dict[str, str]:
    """The signature files of a policy, by path: `policy-2.txt` has `policy-2.*.sig`."""
    names = sorted(source.parent.glob(f"{glob.escape(source.stem)}.*.sig"))[:SIGNATURES_MAX]
    return {str(name): _read(name, SIGNATURE_BYTES_MAX).decode("ascii", "replace") for name in names}


def _read(source: Path, limit: int) -> bytes:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise TextUnread(path=source, reason=getattr(error, "strerror", None) or str(error)) from None
    if len(content or b"") > limit:
        raise TextUnread(path=source, reason=f"> {limit} bytes")
    return content or b""


def _write(files: Mapping[Path, bytes]) -> None:
    """New files, all or none as far as names go. TextTaken where one holds something else."""
    fresh = {}
    for target, content in files.items():
        if not target.exists():
            fresh[target] = content
        elif not target.is_file() or _read(target, max(len(content), 1)) != content:
            raise TextTaken(path=target)
    for target, content in fresh.items():
        try:
            _put(target, content)
        except OSError as error:
            raise PlaceUnusable(path=target, reason=error.strerror) from None


def _put(target: Path, content: bytes) -> None:
    """Whole and durable, or not at all."""
    with target.open("xb") as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            target.unlink()
            raise
