"""What an error or a warning says, from its code and values alone.

The controller and the JSON documents name errors by code; the sentence is the face's own, in its own
language, so that no other program's words reach the screen. Values are escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from appliance.cli.escape import escape
from appliance.errors import IwatoError, by_code
from appliance.words import Catalogue


def of(catalogue: Catalogue, fields: Mapping[str, object]) -> str:
    """`CODE sentence` of a mapping with `code` and `values`; the bare code where nothing fits."""
    kind = _kind(fields)
    text = _filled(catalogue, kind.what, fields) if kind else ""
    return f"{escape(str(fields.get('code', '')))} {text}".strip()


def listed(catalogue: Catalogue, items: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """`! CODE sentence` of each, with what to do below it, which is said once per code."""
    advised: set[str] = set()
    for fields in items:
        yield f"! {of(catalogue, fields)}"
        kind = _kind(fields)
        remedy = _filled(catalogue, kind.remedy, fields) if kind else ""
        if kind and remedy and kind.code not in advised:
            advised.add(kind.code)
            yield f"  -> {remedy}"


def _kind(fields: Mapping[str, object]) -> type[IwatoError] | None:
    return by_code().get(str(fields.get("code", "")))


def _filled(catalogue: Catalogue, template: str, fields: Mapping[str, object]) -> str:
    """The template with the values, escaped; nothing where they do not fit."""
    values = fields.get("values")
    shown = {key: escape(str(value)) for key, value in values.items()} if isinstance(values, dict) else {}
    try:
        return catalogue.text(template, **shown)
    except (KeyError, IndexError, ValueError):
        return ""
