"""Draws the tables and the diagram of PROTOCOL.md from the literals. Run as a module it rewrites the file."""

from __future__ import annotations

import re
from pathlib import Path

from firmware.model.phases import TABLE as TURNS
from firmware.model.phases import Act
from firmware.wire import codes
from firmware.wire.codes import Phase
from firmware.wire.fields import Blob, Code, Flag, Kind, Octets, UInt
from firmware.wire.messages import TABLE

PROTOCOL = Path(__file__).parents[2] / "firmware" / "PROTOCOL.md"


def _kind(kind: Kind) -> str:
    match kind:
        case UInt(size=size):
            return f"u{8 * size}"
        case Octets(size=size):
            return f"bytes[{size}]"
        case Blob(most=most):
            return f"blob[{most}]"
        case Code(codes=members):
            return members.__name__
        case Flag():
            return "flag"
        case _:
            raise AssertionError(f"messages have no {kind}")


def message_table() -> str:
    lines = ["| number | message | fields | meaning |", "|---|---|---|---|"]
    for number, row in TABLE.items():
        fields = ", ".join(f"{name} {_kind(kind)}" for name, kind in row.fields) or "none"
        meaning = " ".join((row.shape.__doc__ or "").split("\n\n")[0].split())
        lines.append(f"| `0x{number:02X}` | {row.shape.__name__} | {fields} | {meaning} |")
    return "\n".join(lines)


def code_table() -> str:
    lines = ["| list | codes |", "|---|---|"]
    for members in (codes.Phase, codes.Medium, codes.UploadKind, codes.EventKind, codes.Cause):
        named = ", ".join(f"{member.value} {member.name}" for member in members)
        lines.append(f"| {members.__name__} | {named} |")
    return "\n".join(lines)


def phase_diagram() -> str:
    """The table as a Mermaid state diagram, equal arrows joined."""
    arrows: dict[tuple[Phase, Phase, tuple[Act, ...]], list[str]] = {}
    for (phase, event), (after, acts) in TURNS.items():
        arrows.setdefault((phase, after, acts), []).append(event.value)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.UNKNOWN.name}"]
    for (phase, after, acts), events in arrows.items():
        done = f" [{', '.join(act.value for act in acts)}]" if acts else ""
        lines.append(f"    {phase.name} --> {after.name}: {' | '.join(events)}{done}")
    return "\n".join([*lines, "```"])


DRAWN = {"messages": message_table, "codes": code_table, "phases": phase_diagram}


def redrawn(text: str) -> str:
    """`text` with every drawn section made anew."""
    for name, draw in DRAWN.items():
        pattern = re.compile(rf"(<!-- drawn: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        fresh = draw()
        text, count = pattern.subn(lambda found, fresh=fresh: f"{found[1]}{fresh}\n{found[2]}", text)  # type: ignore[misc]
        assert count == 1, f"the section {name} is not there exactly once"
    return text


if __name__ == "__main__":
    PROTOCOL.write_text(redrawn(PROTOCOL.read_text(encoding="utf-8")), encoding="utf-8")
