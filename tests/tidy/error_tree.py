"""The tree of errors in appliance/errors.py, and the rules it obeys. Translations are the catalogue's.

Codes are `IW-fnnn`: f is the family, which says who has to act.
"""

import ast
import re
from collections.abc import Iterable

from appliance import errors
from appliance.errors import IwatoError
from tests.tidy.catalogue import fields
from tests.tidy.tree import Source

FAMILIES: dict[type[IwatoError], str] = {
    errors.OperatorError: "1",
    errors.HardwareError: "2",
    errors.VaultError: "3",
    errors.TrustError: "4",
    errors.CustodyError: "5",
    errors.IntakeError: "6",
    errors.DutyError: "7",
}
EXIT_STATUSES = {
    errors.EXIT_FAILED, errors.EXIT_USAGE, errors.EXIT_WARNINGS, errors.EXIT_EMERGENCY, errors.EXIT_QUORUM,
    errors.EXIT_REFUSED, errors.EXIT_LATER, errors.EXIT_INTERRUPTED,
}


def below(base: type[IwatoError]) -> list[type[IwatoError]]:
    """Every class below `base` that errors.py defines, by code."""
    found = {base}
    for child in base.__subclasses__():
        found |= set(below(child)) | {child}
    own = {kind for kind in found - {base} if kind.__module__ == errors.__name__}
    return sorted(own, key=lambda kind: (kind.code, kind.__name__))


def concrete() -> list[type[IwatoError]]:
    """The errors a person can meet: the base and everything but the families."""
    return [IwatoError, *(kind for kind in below(IwatoError) if kind not in FAMILIES)]


def faults(kind: type[IwatoError]) -> list[str]:
    """What is wrong with one error's own attributes."""
    wrong = [f"{kind.__name__} has no {name} of its own" for name in ("code", "what", "remedy")
             if name not in vars(kind)]
    if not re.fullmatch(r"IW-\d{4}", kind.code):
        wrong.append(f"{kind.__name__}: {kind.code} is no code")
    family = next((digit for base, digit in FAMILIES.items() if issubclass(kind, base)), "0")
    if not kind.code.startswith(f"IW-{family}"):
        wrong.append(f"{kind.__name__}: {kind.code} is outside its family's range {family}xxx")
    if kind.exit_status not in EXIT_STATUSES:
        wrong.append(f"{kind.__name__}: {kind.exit_status} is no exit status")
    if not kind.__doc__:
        wrong.append(f"{kind.__name__} has no docstring")
    return wrong


def shared_codes(kinds: Iterable[type[IwatoError]]) -> list[str]:
    """Codes that two errors use."""
    owners: dict[str, str] = {}
    return [
        f"{kind.code} is {owners[kind.code]} and {kind.__name__}"
        for kind in kinds
        if owners.setdefault(kind.code, kind.__name__) != kind.__name__
    ]


def needed(kind: type[IwatoError]) -> set[str]:
    """The names of the values that the two templates want."""
    return {re.split(r"[!:.\[]", field)[0] for field in fields(kind.what) | fields(kind.remedy)}


def incomplete_calls(source: Source, kinds: dict[str, type[IwatoError]]) -> list[str]:
    """Places that make an error without all the values its templates want: a crash instead of a message."""
    findings = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).removeprefix("errors.")
        given = {keyword.arg for keyword in node.keywords}
        if name not in kinds or None in given:
            continue
        lacking = needed(kinds[name]) - {str(argument) for argument in given}
        if lacking or node.args:
            missing = ", ".join(sorted(lacking)) or "names"
            findings.append(f"{source.path}:{node.lineno}: {name} lacks {missing}")
    return findings


def strays(source: Source, kinds: Iterable[str]) -> list[str]:
    """Errors defined outside errors.py."""
    known = {"IwatoError", *kinds}
    return [
        f"{source.path}:{node.lineno}: {node.name} belongs in appliance/errors.py"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and source.path != "appliance/errors.py"
        and any(ast.unparse(base).removeprefix("errors.") in known for base in node.bases)
    ]
