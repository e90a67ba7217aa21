"""The policy commands' documents as a person reads them, within 80 columns. Values are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from appliance.cli import sentence
from appliance.cli.face import Face
from appliance.words import N_

COLUMNS = 80  # the design size of every screen (50-interface)
_GOALS = {
    "READ": N_("READ what is sealed"),
    "DESTROY": N_("DESTROY what is sealed"),
    "OPEN": N_("OPEN: be CONNECTED beyond the windows"),
    "BLIND": N_("BLIND: hide what happened"),
    "STALL": N_("STALL backups or changes"),
}


def in_force(face: Face, document: Mapping[str, Any]) -> list[str]:
    """`policy show`."""
    rows = [said(face, line) for line in document["lines"]]
    rows.append(_text(face, N_("signed by holders {holders}"), holders=_numbers(document["signed_by"])))
    rows += _hash(face, document["hash"])
    return _folded([*rows, *pending(face, document)])


def pending(face: Face, document: Mapping[str, Any]) -> list[str]:
    """The policy that waits: what it changes, who signed, when it takes effect, who may stop it."""
    waiting = document["pending"]
    if waiting is None:
        return [_text(face, N_("No policy waits."))]
    return _folded(
        [
            *_waiting(face, waiting),
            *(_change(face, line) for line in document.get("changes", ())),
        ]
    )


def status_rows(face: Face, waiting: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rows of `status` for a policy that waits."""
    label = _text(face, N_("policy that waits"))
    for row in _waiting(face, waiting):
        yield label, row.strip()
        label = ""


def compared(face: Face, document: Mapping[str, Any]) -> list[str]:
    """`policy diff`, and what a signer reads first: every rule that is broken, or every change."""
    if document["findings"]:
        return _folded([row for finding in document["findings"] for row in _finding(face, finding)])
    rows = [_text(face, N_("policy {version} would change:"), version=document["version"])]
    rows += [_change(face, line) for line in document["changes"]] or [_text(face, N_("  nothing"))]
    if document["beyond"]:
        words = ", ".join(document["beyond"])
        rows.append(_text(face, N_("Not by a policy alone: the lines {words}."), words=words))
    return _folded([*rows, *_captures_compared(face, document["captures"])])


def next_step(face: Face, document: Mapping[str, Any], target: Path) -> list[str]:
    """After `policy propose`."""
    rows = [
        *_hash(face, document["hash"]),
        _text(face, N_("The text that {needed} holders have to sign:"), needed=document["needed"]),
        f"  {face.whole(target)}",
        _text(face, N_("Next, each of them:")),
        f"  iwato policy sign {face.whole(target)} --token DIR",
    ]
    return _folded(rows)


def signed(face: Face, document: Mapping[str, Any], source: Path) -> list[str]:
    """After `policy sign`."""
    rows = [_text(face, N_("policy {version} would change:"), version=document["version"])]
    rows += [_change(face, line) for line in document["changes"]]
    rows += _hash(face, document["hash"])
    rows += [_text(face, N_("signed: {name}"), name=name) for name in document["signatures"]]
    rows += [
        _text(face, N_("With the files of {needed} holders beside it:"), needed=document["needed"]),
        f"  iwato policy submit {face.whole(source)}",
    ]
    return [*_folded(rows), *sentence.listed(face.catalogue, document["warnings"])]


def submitted(face: Face, document: Mapping[str, Any]) -> list[str]:
    """After `policy submit`."""
    rows = [*pending(face, document), *_refused(face, document)]
    if document["replaced"] is not None:
        text = N_("The text that waited before is given up for good: SHA-256 {start}…")
        rows.append(_text(face, text, start=document["replaced"][:16]))
    if document["pending"] is None:
        text = N_("This policy is in force: version {version}.")
        rows = [_text(face, text, version=document["version"]), *_refused(face, document)]
    return _folded(rows)


def verified(face: Face, document: Mapping[str, Any]) -> list[str]:
    """`policy verify`; the commands are printed whole, so that they can be copied."""
    rows: list[str] = []
    for row in document["policies"]:
        if "error" in row:
            rows += [
                _text(face, N_("policy {version}: NOT proven"), version=row["version"]),
                *sentence.listed(face.catalogue, [row["error"]]),
            ]
            continue
        rows += _folded(
            [
                _text(
                    face,
                    N_("policy {version}: signed by holders {holders}; {needed} are needed"),
                    version=row["version"],
                    holders=_numbers(row["signed_by"]),
                    needed=row["needed"],
                ),
                *_hash(face, row["hash"]),
            ]
        )
        if row["commands"]:
            rows.append(_text(face, N_("Anybody can check that with stock OpenSSH:")))
        rows += [f"  {face.whole(command)}" for command in row["commands"]]
    return [*rows, *_folded(_refused(face, document))]


def captures(face: Face, document: Mapping[str, Any]) -> list[str]:
    """`policy capture-sets`."""
    rows = _goals(face, document)
    if document["after"] is not None:
        rows += ["", _text(face, N_("Under the proposed policy:")), *_goals(face, document["after"])]
    rows += ["", _text(face, N_("Not possible, as these tests show:"))]
    for way in document["shut"]:
        rows.append(f"  {way['goal']}: {_means(face, way['parts'])}")
        rows += _edges(face, way["edges"])
    folded = _folded(rows)
    return [*folded, *sentence.listed(face.catalogue, document["warnings"])]


def said(face: Face, line: Mapping[str, Any]) -> str:
    """A sentence of a document in the face's language."""
    return face.text(line["template"], **line["values"])


def _goals(face: Face, document: Mapping[str, Any]) -> list[str]:
    rows = []
    for goal, title in _GOALS.items():
        rows.append(_text(face, title))
        plain = [one for one in document[goal] if not one["force"]]
        if not plain:
            rows.append(_text(face, N_("  no way without force against the case")))
        for one in plain:
            rows += _set(face, one)
        forced = [one for one in document[goal] if one["force"]]
        if forced:
            rows.append(_text(face, N_("  with force against the case:")))
        for one in forced:
            rows += _set(face, one)
    return rows


def _set(face: Face, one: Mapping[str, Any]) -> list[str]:
    mark = "!!" if one["weak"] else "*"
    note = _text(face, N_(" (not sealed data)")) if one["scope"] == "window" else ""
    means = _means(face, one["parts"])
    people = _text(face, N_("people: {people}"), people=one["people"])
    return [f"  {mark} {people}: {means}{note}", *_edges(face, one["edges"])]


def _edges(face: Face, edges: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for edge in edges:
        test = edge["test"]
        proof = test.rsplit("/", 1)[-1].split("::")[0] if test else _text(face, N_("UNPROVEN"))
        rows.append(f"      {face.text(edge['claim'])} [{proof}]")
    return rows


def _means(face: Face, parts: Iterable[Mapping[str, Any]]) -> str:
    return " + ".join(said(face, part) for part in parts)


def _captures_compared(face: Face, found: Mapping[str, Any]) -> list[str]:
    """The analyser's sets without force, before and after."""
    if found["same"]:
        return [_text(face, N_("Who has to be captured for what stays as it is (policy capture-sets)."))]
    rows = [_text(face, N_("Who has to be captured for what:"))]
    for goal in _GOALS:
        before, after = (_short(face, found[side][goal]) for side in ("before", "after"))
        if before != after:
            rows += [f"  {goal}: {before}", f"    -> {after}"]
    return rows


def _short(face: Face, found: Sequence[Mapping[str, Any]]) -> str:
    ways = [_means(face, one["parts"]) for one in found if not one["force"]]
    return " / ".join(ways) or "-"


def _waiting(face: Face, waiting: Mapping[str, Any]) -> list[str]:
    rows = [
        _text(face, N_("policy {version} waits; it takes effect at {due}"), **waiting)
        if not waiting["stopped"]
        else _text(face, N_("policy {version} is STOPPED by a veto"), **waiting)
    ]
    if waiting["signed_by"]:
        rows.append(_text(face, N_("  signed by holders {holders}"), holders=_numbers(waiting["signed_by"])))
    if waiting["vetoes"]:
        rows.append(_text(face, N_("  vetoed by holders {holders}"), holders=_numbers(waiting["vetoes"])))
    if waiting["overridden"]:
        rows.append(_text(face, N_("  overridden by k others: it goes on")))
    if waiting["may_veto"]:
        holders = _numbers(waiting["may_veto"])
        rows.append(_text(face, N_("  may veto it: holders {holders}"), holders=holders))
    if not waiting["text_known"]:
        rows.append(_text(face, N_("  its text is not here: submit the file once more")))
    return rows


def _finding(face: Face, finding: Mapping[str, Any]) -> list[str]:
    what, fix = said(face, finding["what"]), said(face, finding["fix"])
    line = finding["line"]
    where = _text(face, N_("line {line}"), line=line) if line else _text(face, N_("the text"))
    return [f"{where}: {what}", f"  -> {fix}"]


def _refused(face: Face, document: Mapping[str, Any]) -> list[str]:
    return [
        _text(face, N_("! not counted: {name}: {reason}"), name=Path(one["name"]).name, reason=one["reason"])
        for one in document["refused"]
    ]


def _change(face: Face, line: Mapping[str, Any]) -> str:
    return f"  {'!' if line['risk'] > 0 else ' '} {said(face, line)}"


def _hash(face: Face, digest: str) -> list[str]:
    """In two lines, so that two people can read it to one another."""
    return [_text(face, N_("SHA-256 of the text:")), f"  {digest[:32]}", f"  {digest[32:]}"]


def _numbers(found: Iterable[int]) -> str:
    return ", ".join(map(str, found)) or "-"


def _text(face: Face, msgid: str, **values: object) -> str:
    return face.text(msgid, **values)


def _folded(rows: Iterable[str]) -> list[str]:
    return [part for row in rows for part in _fold(row)]


def _fold(row: str) -> Iterator[str]:
    """A row in lines of at most 80 cells; the indent stays. Japanese has no spaces to break at, so wide
    letters may be parted, and so may what is too long."""
    indent = " " * (len(row) - len(row.lstrip()) + 2)
    line = ""
    for piece in _pieces(row):
        if line.strip() and cell_len(line) + cell_len(piece.rstrip()) > COLUMNS:
            yield line.rstrip()
            line = indent + piece.lstrip()
        else:
            line += piece
    if line.strip() or not row:
        yield line.rstrip()


def _pieces(row: str) -> Iterator[str]:
    """Where a line may be broken: behind spaces, and between wide letters."""
    piece = ""
    for letter in row:
        if piece and (piece[-1] == " " != letter or cell_len(piece[-1]) == 2):  # noqa: PLR2004 - a wide letter
            yield piece
            piece = ""
        piece += letter
        if len(piece) >= COLUMNS // 2 and not piece.isspace():
            yield piece
            piece = ""
    if piece:
        yield piece
