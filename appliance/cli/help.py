"""`iwato help IW-nnnn`: what a code means and what to do, as in RUNBOOK.md, in the reader's language.

`iwato help card|disaster|crime` shows a page of appliance/pages: on the day it is needed there may be no
other screen to read it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from rich.cells import cell_len

from appliance.cli.face import Face, command
from appliance.errors import EXIT_OK, IwatoError, UsageError, by_code
from appliance.words import N_

PAGES = Path(__file__).parents[1] / "pages"
TOPICS = ("card", "disaster", "crime")
WIDTH = 78  # cells; 80 with a margin, as on the box's own screen
INDENT = "  "
_TYPED = re.compile(r"(?:IW-?)?(\d{1,4})", re.IGNORECASE)
_PLACE = re.compile(r"\{(\w+)[^{}]*\}")  # what a message fills in when it is said
_PIECES = re.compile(r"[!-~]+ *|[^!-~][、。」）]* *")  # a Latin word, or one letter with what closes it
_NO_CODE = "IW-0000"

# Who acts, by the first digit (errors.py).
_FAMILIES = {
    "0": N_("Internal: a fault of the program itself."),
    "1": N_("Operator: the person at the box can put it right now."),
    "2": N_("Hardware: someone has to look at the box, its lines and the interlock."),
    "3": N_("Vault: drives, shards, packs."),
    "4": N_("Trust: policy, ledger, witness. Somebody may be lying: tell the holders."),
    "5": N_("Custody: the holders and their tokens."),
    "6": N_("Intake: whoever runs the source."),
    "7": N_("Duty: what the box owes by itself, and whoever asks it."),
}
_EXITS = {
    1: N_("failed"),
    2: N_("usage"),
    3: N_("done, with warnings"),
    4: N_("unexplained connection or emergency"),
    5: N_("quorum not met or token refused"),
    6: N_("refused by the policy, or it does not fit"),
    75: N_("busy: try again later"),
    130: N_("interrupted"),
}


def known_codes(_context: click.Context, _option: click.Parameter, typed: str) -> list[CompletionItem]:
    """For the shell's completion."""
    words = (*TOPICS, *sorted(by_code()))
    return [CompletionItem(word) for word in words if word.startswith((typed, typed.upper()))]


@click.command("help", help=N_("What a code means; or a page: card, disaster, crime."))
@click.argument("code", required=False, shell_complete=known_codes, metavar="[CODE|card|disaster|crime]")
@command
def explain(face: Face, code: str | None) -> int:
    """What a code means; or a page: card, disaster, crime."""
    kinds = by_code()
    if code in TOPICS:
        text = (PAGES / f"{code}.{face.language}.md").read_text(encoding="utf-8")
        face.put({"topic": code, "text": text}, text.splitlines())
    elif code is None:
        chosen = sorted(kinds.values(), key=lambda kind: kind.code)
        face.put({"codes": [_document(face, kind) for kind in chosen]}, list(_overview(face, chosen)))
    else:
        kind = _find(code)
        face.put(_document(face, kind), list(_page(face, kind)))
    return EXIT_OK


def _find(typed: str) -> type[IwatoError]:
    """The error of a code as a person types it. UsageError, with codes that look like it."""
    found, kinds = _TYPED.fullmatch(typed.strip()), by_code()
    code = f"IW-{int(found[1]):04d}" if found else typed
    if code in kinds:
        return kinds[code]
    near = get_close_matches(code, kinds, n=3)
    hint = f"; is it {', '.join(near)}?" if near else ""
    raise UsageError(detail=f"no code {code}{hint}")


def _sentence(face: Face, template: str) -> str:
    return _PLACE.sub(r"<\1>", face.catalogue.text(template))


def _document(face: Face, kind: type[IwatoError]) -> dict[str, object]:
    return {
        "code": kind.code,
        "what": _sentence(face, kind.what),
        "remedy": _sentence(face, kind.remedy),
        "family": face.text(_FAMILIES[kind.code[3]]),
        "ends_with": kind.exit_status,
    }


def _page(face: Face, kind: type[IwatoError]) -> Iterator[str]:
    yield kind.code
    yield from filled(_sentence(face, kind.what))
    yield ""
    yield face.text(N_("What to do"))
    yield from filled(_sentence(face, kind.remedy))
    yield ""
    yield from filled(face.text(_FAMILIES[kind.code[3]]), "")
    meaning = face.text(_EXITS[kind.exit_status])
    yield face.text(N_("Exit status {status}: {meaning}."), status=kind.exit_status, meaning=meaning)


def _overview(face: Face, kinds: list[type[IwatoError]]) -> Iterator[str]:
    family = ""
    for kind in kinds:
        if kind.code[3] != family:
            family = kind.code[3]
            if kind.code != _NO_CODE:
                yield ""
            yield from filled(face.text(_FAMILIES[family]), "")
        first, *rest = filled(_sentence(face, kind.what), INDENT * 5)
        yield f"{INDENT}{kind.code}{first[len(INDENT) + len(kind.code) :]}"
        yield from rest


def filled(text: str, indent: str = INDENT) -> list[str]:
    """The text in lines of at most WIDTH cells. Japanese breaks anywhere but before what closes a clause."""
    lines = [indent]
    for piece in _PIECES.findall(text):
        if cell_len(lines[-1] + piece.rstrip()) > WIDTH and lines[-1] != indent:
            lines[-1] = lines[-1].rstrip()
            lines.append(indent)
        lines[-1] += piece if lines[-1] != indent else piece.lstrip()
    return lines
