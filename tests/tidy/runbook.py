"""The part of appliance/RUNBOOK.md that is made from the errors: one section per code, both languages.

    python -m tests.tidy.runbook --write    makes the part anew; what people wrote outside it stays
    python -m tests.tidy.runbook --check    status 1 where it is not what the errors say now
"""

import argparse
import sys

from appliance.errors import IwatoError
from tests.tidy import catalogue, error_tree
from tests.tidy.tree import PROJECT

RUNBOOK = PROJECT / "appliance" / "RUNBOOK.md"
BEGIN = "<!-- errors: made by `make words` from appliance/errors.py and the Japanese catalogue -->"
END = "<!-- errors: end -->"
HEAD = """# Runbook

What every message of the box means and what to do. `iwato help IW-nnnn` shows the same text.
The first digit says who acts: 1 the person at the box, 2 whoever can look at the hardware, 3 whoever has the
drives, 4 the holders (somebody may be lying), 5 the holders with their tokens, 6 whoever runs the source,
7 whoever looks after the daemon.
"""


def section(kind: type[IwatoError], japanese: dict[str, str]) -> str:
    """One code: what happened and what to do, in English and Japanese, and the exit status."""
    return "\n".join([
        f"## {kind.code}",
        "",
        f"**{kind.what}**  ",
        f"{kind.remedy}",
        "",
        f"**{japanese.get(kind.what, '—')}**  ",
        f"{japanese.get(kind.remedy, '—')}",
        "",
        f"Exit status {kind.exit_status}.",
        "",
    ])


def part(japanese: dict[str, str]) -> str:
    """All sections, by code, between their marks."""
    kinds = sorted(error_tree.concrete(), key=lambda kind: kind.code)
    return "\n".join([BEGIN, "", *(section(kind, japanese) for kind in kinds), END])


def renewed(text: str, japanese: dict[str, str]) -> str:
    """The runbook with its made part brought up to date; the part is appended where it is missing."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before.rstrip()}\n\n{part(japanese)}{after or chr(10)}"


def current() -> str:
    """The runbook as it stands, or its head where there is none yet."""
    return RUNBOOK.read_text(encoding="utf-8") if RUNBOOK.exists() else HEAD


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tidy.runbook")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--write", action="store_true")
    act.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    wanted = renewed(current(), catalogue.translations())
    if arguments.write:
        RUNBOOK.write_text(wanted, encoding="utf-8")
    same = current() == wanted
    print("the runbook says what the errors say" if same else "RUNBOOK.md is out of date: run `make words`")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
