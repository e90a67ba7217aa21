"""`ledger export`, `prove`, `checkpoint`, `compare` and `seen` on the emulated board: documents and files.

What was last seen outside is the checkpoint itself, kept in the controller's state: its two signatures
are checked each time, so nobody can claim one that never was. THREATS 4.12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from appliance.adapters import small_file
from appliance.adapters.directory import Directory, ScratchDirectory
from appliance.compose import documents, key_rooms
from appliance.compose.home import Home
from appliance.compose.policy_files import PolicyFiles
from appliance.custody import votes
from appliance.custody.votes import Vote
from appliance.domain.ids import HolderNumber
from appliance.domain.ledger_request import LedgerAct, LedgerRequest
from appliance.errors import (
    EXIT_EMERGENCY,
    EXIT_OK,
    EXIT_WARNINGS,
    CheckpointContradicted,
    CheckpointMissing,
    CheckpointRefused,
    CheckpointUnseen,
    IwatoError,
    LedgerBehind,
    PlaceUnusable,
    SignatureMalformed,
)
from appliance.format import note
from appliance.format.note import NOTE_BYTES_MAX
from appliance.ledger import checkpoint, outside
from appliance.ledger.outside import Comparison, Standing
from appliance.ports import Ask
from appliance.service import countersignature
from appliance.service.ledger_desk import LedgerDesk

SEEN = "seen.checkpoint"  # in the controller's state
WRITE_BYTES = 1 << 20  # bytes; an entry has some hundred
UNSEEN_WINDOWS_MAX = 14  # windows; two weeks of nightly ones, so that a holiday is no alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The newest checkpoint that was said to be seen outside covers `entries` (0: none was); since then
    there were `windows`."""

    entries: int
    windows: int

    @property
    def alarms(self) -> tuple[IwatoError, ...]:
        """The dead-man rule."""
        return (CheckpointUnseen(windows=self.windows),) if self.windows > UNSEEN_WINDOWS_MAX else ()


def desk(home: Home, texts: PolicyFiles) -> LedgerDesk:
    """Over the controller's own copy."""
    return LedgerDesk(ScratchDirectory(home.seal_state), texts.keys)


def seen(home: Home, own: LedgerDesk) -> Seen:
    """What is kept of it. A record that does not hold is as good as none."""
    try:
        said = own.verified(small_file.read(home.seal_state / SEEN, NOTE_BYTES_MAX))
    except (OSError, ValueError, CheckpointRefused, SignatureMalformed):
        return Seen(entries=0, windows=own.windows_since(0))
    return Seen(entries=said.size, windows=own.windows_since(said.size))


def answer(home: Home, texts: PolicyFiles, known: int, request: LedgerRequest) -> Mapping[str, Any]:
    """One request. `known` entries are in the interlock."""
    own = desk(home, texts)
    held = own.history.witnessed
    behind = LedgerBehind(held=held, known=known) if held < known else None
    document: dict[str, Any] = {"schema": documents.SCHEMA, "size": held, "warnings": [], "exit": EXIT_OK}
    if behind:
        document |= {"warnings": [documents.warning_of(behind)], "exit": EXIT_WARNINGS}
    match request.act:
        case LedgerAct.EXPORT:
            return document | {"to": request.to, "bytes": _export(own, Path(request.to))}
        case LedgerAct.PROVE:
            snapshot, index, entry, proof = own.prove(request.snapshot)
            return document | {
                "snapshot": snapshot,
                "index": index,
                "entry": entry.decode("utf-8"),
                "proof": proof.decode("utf-8"),
            }
        case LedgerAct.CHECKPOINT:
            shown = own.newest()
            said, short = checkpoint.verify(shown, texts.keys), outside.shorten(shown, texts.keys)
            return document | {
                "entries": said.size,
                "time": documents.utc(said.unix_s),
                "note": shown.decode("utf-8"),
                "short": short.text(),
            }
        case LedgerAct.COMPARE:
            return document | _compared(own.compare(request.papers), behind)
        case LedgerAct.SEEN:
            return document | _noted(home, own, request, behind)
        case LedgerAct.COUNTERSIGN:
            return document | _countersigned(home, texts, own, request)


def newest(home: Home, texts: PolicyFiles) -> bytes:
    """The checkpoint that holders at the box countersign; nothing where there is none."""
    try:
        return desk(home, texts).newest()
    except CheckpointMissing:
        return b""


def countersign(
    home: Home, texts: PolicyFiles, shown: bytes, given: Iterable[tuple[int, bytes]]
) -> list[int]:
    """Keep what holders signed over a checkpoint, as files for `ssh-keygen -Y verify`. Gives the holders.
    What is there already stays."""
    policy, state = texts.policy, ScratchDirectory(home.seal_state)
    ballots = [Vote(holder=HolderNumber(holder), raw=raw) for holder, raw in given]
    if not ballots:
        return []
    text = note.parse(shown).text.encode("utf-8")
    size = checkpoint.verify(shown, texts.keys).size
    for holder, armored in votes.armor(policy, votes.CHECKPOINT_NAMESPACE, text, ballots).items():
        with suppress(FileExistsError):
            state.put(countersignature.path(size, holder), armored.encode("ascii"))
    return [int(ballot.holder) for ballot in ballots]


def _countersigned(
    home: Home, texts: PolicyFiles, own: LedgerDesk, request: LedgerRequest
) -> dict[str, Any]:
    """At a ceremony without a vault key: only signatures, the drives stay dark."""
    shown, folders = own.newest(), list(request.tokens)
    given = key_rooms.ask_for(folders, cast("Ask | None", request.ask))  # a port, which domain cannot name
    found = key_rooms.collect_votes(texts.text, folders, given, checkpoint=shown)
    holders = countersign(home, texts, shown, found.countersigned)
    return {"entries": own.verified(shown).size, "holders": holders}


def _export(own: LedgerDesk, place: Path) -> int:
    """The number of bytes. The file appears when it is whole, and never in another's place."""
    if place.exists() or place.is_symlink():
        raise PlaceUnusable(path=place, reason="it is there already")
    file, written = Directory(place.parent).begin(place.name), 0
    try:
        for piece in _gathered(own):
            file.pwrite(piece, written)
            written += len(piece)
        file.place(written)
    except FileExistsError:
        raise PlaceUnusable(path=place, reason="it is there already") from None
    except BaseException:
        file.abandon()
        raise
    return written


def _compared(found: list[Comparison], behind: LedgerBehind | None) -> dict[str, Any]:
    """The worst decides. While our copy lacks entries, nobody is accused of having removed them."""
    if behind is not None and any(one.standing is Standing.ROLLED_BACK for one in found):
        raise behind
    wrong = [one for one in found if one.standing in {Standing.FORKED, Standing.ROLLED_BACK}]
    refused = [one for one in found if one.standing is Standing.NOT_OURS]
    errors: list[IwatoError] = [CheckpointRefused(detail=f"{one.name}: {one.detail}") for one in refused]
    errors += [CheckpointContradicted(reason=one.standing.value.format(**one.values)) for one in wrong]
    return {
        "papers": [{"standing": one.standing.name.lower(), **one.values} for one in found],
        "warnings": [documents.warning_of(error) for error in ([behind] if behind else []) + errors],
        "exit": EXIT_EMERGENCY if wrong else EXIT_WARNINGS if refused or behind else EXIT_OK,
    }


def _noted(
    home: Home, own: LedgerDesk, request: LedgerRequest, behind: LedgerBehind | None
) -> dict[str, Any]:
    """Keep what was read back; an older one than is kept already changes nothing."""
    if request.code:
        kept = own.recognise(request.code)
    else:
        said = own.compare(request.papers)
        document = _compared(said, behind)
        if any(one.standing is not Standing.AGREES for one in said):
            return document
        kept = own.own_note(max(said, key=lambda one: one.size))
    if own.verified(kept).size > seen(home, own).entries:
        ScratchDirectory(home.seal_state).replace(SEEN, kept)
    now = seen(home, own)
    return {"entries": now.entries, "windows": now.windows}


def _gathered(own: LedgerDesk) -> Iterator[bytes]:
    """The pieces of an export in writes of a useful size."""
    buffer = bytearray()
    for piece in own.export():
        buffer += piece
        if len(buffer) >= WRITE_BYTES:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)

