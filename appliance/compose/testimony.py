"""What a controller says on its console, cut down to what the board may believe.

Whoever is root in the link half can say anything there. It may report the link half only, in the types
that an honest one uses; an error or a warning keeps its code and the values that its sentence has places
for. Judges form, not truth: what was measured never comes from here. THREATS 4.5.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Annotated

import msgspec

from appliance import errors
from appliance.domain.phases import Medium
from appliance.errors import ControllerEnded, IwatoError

VALUE_CHARS_MAX = 1024  # characters of one value; a path of more is cut on every screen anyway
KEPT_MAX = 256  # warnings, or lines of a drill's evidence, in one job; honest jobs say some ten
_NUMBER_MAX = (1 << 63) - 1
_REFUSALS_MAX = 16
_Count = Annotated[int, msgspec.Meta(ge=0, le=_NUMBER_MAX)]
_Text = Annotated[str, msgspec.Meta(max_length=VALUE_CHARS_MAX)]


class _Source(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,32}$")]
    complete: bool
    files: _Count
    bytes: _Count


class _Intake(msgspec.Struct):
    window: _Count
    complete: bool
    full: bool
    bytes_read: _Count
    bytes_new: _Count
    bytes_staged: _Count
    files: _Count
    unreadable: _Count
    changed: _Count
    sources: Annotated[list[_Source], msgspec.Meta(max_length=256)]


class _Differences(msgspec.Struct):
    items: Annotated[list[tuple[_Text, str, _Count, _Count]], msgspec.Meta(max_length=1024)]


class _Attempted(msgspec.Struct):
    phase: _Text
    refusals: Annotated[dict[_Text, _Text], msgspec.Meta(max_length=_REFUSALS_MAX)]
    network: dict[str, object]


_OF_INTAKE = {"intake": _Intake, "attempted": _Attempted}
_OF_SEALING = frozenset(
    {
        *("prepared", "committed", "sealed", "scrubbed", "recalled", "rebuilt", "verified"),
        *("restored", "proven", "compared", "checked"),
    }
)


def report(medium: Medium, name: str, fields: Mapping[str, object]) -> Mapping[str, object] | None:
    """A job's report, None where this medium may not make it or not in this form."""
    if medium is Medium.SEALING:
        return fields if name in _OF_SEALING else None
    kind = _OF_INTAKE.get(name)
    if kind is None:
        return None
    try:
        found = msgspec.to_builtins(msgspec.convert(fields, kind))
    except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: text that is no Unicode
        return None
    assert isinstance(found, dict)
    if "network" in found:
        found["network"] = notice(found["network"]) if found["network"] else {}
    return found


def differences(medium: Medium, fields: Mapping[str, object]) -> list[tuple[str, str, int, int]]:
    """(change, name, size before, size after) of what two snapshots differ in; none in another form."""
    if medium is not Medium.SEALING:
        return []
    try:
        return msgspec.convert(fields, _Differences).items
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []


def notice(fields: Mapping[str, object]) -> dict[str, object]:
    """An error's or a warning's code and values."""
    error = rebuilt(fields)
    return {"code": error.code, "values": error.values}


def progress(fields: Mapping[str, object]) -> dict[str, object]:
    """How far the work claims to be."""
    return {name: _plain(fields.get(name, 0)) for name in ("stage", "done", "total")}


def evidence(fields: Mapping[str, object]) -> dict[str, object]:
    """One line of a drill's rootkit."""
    return {name: _plain(fields.get(name, "")) for name in ("tried", "refused")}


def rebuilt(fields: Mapping[str, object]) -> IwatoError:
    """The error that was said, as the class of its code."""
    code = fields.get("code")
    kind = errors.by_code().get(code) if isinstance(code, str) else None
    given = fields.get("values")
    if kind is None or not isinstance(given, dict):
        return ControllerEnded(detail=_plain(code))
    places = _places(kind)
    values = {name: _plain(value) for name, value in given.items() if name in places}
    try:
        kind.remedy.format(**values)
        return kind(**values)
    except (KeyError, IndexError, ValueError, TypeError):
        return ControllerEnded(detail=_plain(code))


def _places(kind: type[IwatoError]) -> set[str]:
    """The names that the sentences of an error have places for."""
    sentences = string.Formatter().parse(kind.what + kind.remedy)
    return {name for _, name, _, _ in sentences if name}


def _plain(value: object) -> int | str:
    """A number or a short text; of anything else only that it is none."""
    if isinstance(value, int):
        return int(value) if abs(value) <= _NUMBER_MAX else 0
    return value[:VALUE_CHARS_MAX] if isinstance(value, str) else "-"
