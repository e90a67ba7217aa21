"""What an error or a warning says, from its code and values alone.

The controller and the JSON documents name errors by code; the sentence is the face's own, in its own
language, so that no other program's words reach the screen. Values are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping

from appliance.cli.escape import escape
from appliance.errors import by_code
from appliance.words import Catalogue


def of(catalogue: Catalogue, fields: Mapping[str, object]) -> str:
    """`CODE sentence` of a mapping with `code` and `values`; the bare code where nothing fits."""
    code, values = str(fields.get("code", "")), fields.get("values")
    kind = by_code().get(code)
    shown = {key: escape(str(value)) for key, value in values.items()} if isinstance(values, dict) else {}
    try:
        text = catalogue.text(kind.what, **shown) if kind else ""
    except (KeyError, IndexError, ValueError):
        text = ""
    return f"{escape(code)} {text}".strip()
