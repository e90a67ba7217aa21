"""The JSON documents that scripts read, held against their schemas beside this file."""

import json
from pathlib import Path
from typing import Any

import fastjsonschema

FOLDER = Path(__file__).parent
NAMES = (
    "status", "run-window", "copies-list", "restore-plan", "capture-sets", "line-list", "line-test"
)  # fmt: skip


def schema(name: str) -> dict[str, Any]:
    """The schema of one document."""
    text = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def fault(name: str, document: object) -> str:
    """"" where the document keeps its schema, else the first thing that is wrong with it."""
    try:
        fastjsonschema.validate(schema(name), document)
    except fastjsonschema.JsonSchemaValueException as error:
        return str(error.message)
    return ""
