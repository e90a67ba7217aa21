"""What an attempt in a window amounted to, from its document or its error. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance import errors
from appliance.daemon.record import TEXT_KEPT
from appliance.errors import IwatoError, by_code

# The interlock grants a window one link half; after these causes (PROTOCOL 4) it will not grant it again.
_SPENT = frozenset(
    {"LINK_HALF_OVER", "BUDGET_SPENT", "TESTS_SPENT", "LINKS_SPENT", "OUTSIDE_WINDOW", "CLOCK_LOST"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`code` and `cause`: why it is less than everything, empty where it is not. `retry`: another attempt
    may do better. `sources`: name to whether it was pulled whole."""

    committed: bool
    whole: bool
    retry: bool
    code: str = ""
    cause: str = ""
    snapshot: str = ""
    bytes_new: int = 0
    bytes_stored: int = 0
    link_s: float = 0
    sources: Mapping[str, bool] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    foreign: int = 0
    """Networks that carried beside the box's own."""


def failed(error: IwatoError) -> Outcome:
    """The attempt ended with an error. A latched fault or a doubt about the box is not tried again."""
    is_final = isinstance(error, errors.FaultLatched | errors.TrustError | errors.CutOrdered)
    if isinstance(error, errors.InterlockRefused):
        is_final = str(error.values["cause"]) in _SPENT
    return Outcome(
        committed=False,
        whole=False,
        retry=not is_final,
        code=error.code,
        cause=str(error).removeprefix(error.code).strip()[:TEXT_KEPT],
        codes=frozenset({error.code}),
        foreign=_count({"values": error.values}) if isinstance(error, errors.NetworkForeign) else 0,
    )


def of(document: Mapping[str, Any]) -> Outcome:
    """From a window's document."""
    warnings = document.get("warnings", [])
    codes = frozenset(str(item["code"]) for item in warnings)
    worst = next((item for item in warnings if item["code"] != errors.WindowLost.code), None)
    worst = worst or next(iter(warnings), None)
    committed = document.get("snapshot") is not None
    foreign = [item for item in warnings if item["code"] == errors.NetworkForeign.code]
    fault = any(issubclass(by_code().get(code, IwatoError), errors.FaultLatched) for code in codes)
    return Outcome(
        committed=committed,
        whole=committed and bool(document.get("complete")) and not warnings,
        retry=not fault and not committed,
        code=str(worst["code"]) if worst else "",
        cause=str(worst["text"])[:TEXT_KEPT] if worst else "",
        snapshot=str(document.get("snapshot") or ""),
        bytes_new=int(document.get("bytes_new", 0)),
        bytes_stored=int(document.get("bytes_stored", 0)),
        link_s=float(document.get("link_s", 0)),
        sources={str(s["name"]): bool(s["complete"]) for s in document.get("sources", [])},
        codes=codes,
        foreign=max(map(_count, foreign), default=0),
    )


def _count(item: Mapping[str, Any]) -> int:
    """How many networks a warning speaks of; it may come from a controller that lies."""
    count = item.get("values", {}).get("count")
    return count if isinstance(count, int) and count > 0 else 1
