"""Writes the C tables of the firmware from the model's literals. Run as a module it rewrites both files.

Phases, turns, codes, limits, messages and the memory's layout have one source, in Python; the C is committed,
so that an image is built without Python, and a test compares it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

from firmware.model import acts, fram, limits, order_lines, phases, sshsig, ticking, uploads
from firmware.model.facts import KeyKind
from firmware.wire import codes, frame, messages, session
from firmware.wire.fields import Blob, Code, Flag, Kind, Many, Octets, Record, SInt, UInt

LOGIC = Path(__file__).parents[2] / "firmware" / "interlock" / "logic"
ENUMS: dict[type[IntEnum], str] = {
    codes.Phase: "PHASE",
    codes.Medium: "MEDIUM",
    codes.UploadKind: "UPLOAD",
    codes.EventKind: "EVENT",
    codes.Cause: "CAUSE",
    KeyKind: "KEY",
}
FRAME_NUMBERS = {
    "PAYLOAD_BYTES_MAX": frame.PAYLOAD_BYTES_MAX,
    "MAC_BYTES": frame.MAC_BYTES,
    "FRAME_HEADER_BYTES": frame.HEADER.size,
    "FRAME_VERSION": frame.VERSION,
    "RAW_BYTES_MIN": frame.RAW_BYTES_MIN,
    "RAW_BYTES_MAX": frame.RAW_BYTES_MAX,
    "STUFFED_BYTES_MAX": frame.STUFFED_BYTES_MAX,
    "REORDER_WINDOW": session.REORDER_WINDOW,
    "CHUNK_BYTES_MAX": messages.CHUNK_BYTES_MAX,
}
MADE = "/* Made by tests/firmware/c_tables.py from the model's literals; change those. */"


def _declare(name: str, kind: Kind) -> str:
    match kind:
        case UInt(size=1) | Code() | Flag():
            return f"uint8_t {name};"
        case UInt() | SInt():
            return f"int64_t {name};"
        case Octets(size=size):
            return f"uint8_t {name}[{size}];"
        case Blob(most=most):
            return f"uint16_t {name}_bytes; uint8_t {name}[{most}];"
        case Record(shape=shape):
            return f"struct {shape.__name__} {name};"
        case Many(item=Record(shape=shape), most=most):
            return f"uint8_t {name}_count; struct {shape.__name__} {name}[{most}];"
        case Many(item=Octets(size=size), most=most):
            return f"uint8_t {name}_count; uint8_t {name}[{most}][{size}];"
    raise AssertionError(f"no C for {kind}")


def _put(name: str, kind: Kind) -> str:
    match kind:
        case UInt(size=1) | Code() | Flag():
            return f"put_integer(w, v->{name}, 1);"
        case UInt(size=size) | SInt(size=size):
            return f"put_integer(w, v->{name}, {size});"
        case Octets(size=size):
            return f"put_bytes(w, v->{name}, {size});"
        case Blob():
            return f"put_integer(w, v->{name}_bytes, 2); put_bytes(w, v->{name}, v->{name}_bytes);"
        case Record(shape=shape):
            return f"put_{shape.__name__}(w, &v->{name});"
        case Many(item=item):
            one = _put(f"{name}[i]", item)
            return f"put_integer(w, v->{name}_count, 1); for (size_t i = 0; i < v->{name}_count; i++) {one}"
    raise AssertionError(f"no C for {kind}")


def _checked(name: str, member: str) -> str:
    code = f"v->{name}"
    return f"{code} = (uint8_t)get_integer(r, 1); {code} = checked(r, {code}, {member}({code}));"


def _get(name: str, kind: Kind) -> str:
    match kind:
        case UInt(size=1):
            return f"v->{name} = (uint8_t)get_integer(r, 1);"
        case Flag():
            return _checked(name, "is_flag")
        case Code(codes=members):
            return _checked(name, f"is_{ENUMS[members]}")
        case UInt(size=size):
            return f"v->{name} = get_integer(r, {size});"
        case SInt(size=4):
            return f"v->{name} = get_signed_word(r);"
        case Octets(size=size):
            return f"get_bytes(r, v->{name}, {size});"
        case Blob(most=most, least=least):
            return f"v->{name}_bytes = (uint16_t)get_blob(r, v->{name}, {least}, {most});"
        case Record(shape=shape):
            return f"get_{shape.__name__}(r, &v->{name});"
        case Many(item=item, most=most):
            one = _get(f"{name}[i]", item)
            count = f"v->{name}_count = (uint8_t)get_count(r, {most});"
            return f"{count} for (size_t i = 0; i < v->{name}_count; i++) {one}"
    raise AssertionError(f"no C for {kind}")


def _parts(record: Record) -> Iterator[Record]:
    """Every record inside `record`, itself last."""
    for _, kind in record.fields:
        inner = kind.item if isinstance(kind, Many) else kind
        if isinstance(inner, Record):
            yield from _parts(inner)
    yield record


def _records() -> list[Record]:
    found: dict[str, Record] = {}
    for whole in (*messages.TABLE.values(), fram.FRAM):
        for record in _parts(whole):
            if record.fields:
                found.setdefault(record.shape.__name__, record)
    return list(found.values())


def _numbers() -> Iterator[tuple[str, int]]:
    yield from FRAME_NUMBERS.items()
    for name, value in vars(limits).items():
        if name.isupper() and isinstance(value, int):
            yield name, value
    yield "WARN_EARLY_S", limits.WARNINGS_S[0]
    yield "WARN_LATE_S", limits.WARNINGS_S[1]
    yield "MEMORY_BYTES_MAX", fram.RECORD_BYTES_MAX
    yield "KIND_COUNT", len(codes.UploadKind) + 1
    yield "RELEASABLE_COUNT", len(order_lines.RELEASABLE)
    for number, row in messages.TABLE.items():
        yield f"MESSAGE_{row.shape.__name__}", number


def header() -> str:
    lines = [MADE, "#ifndef TABLES_H", "#define TABLES_H", '#include "fields.h"', ""]
    for members, prefix in ENUMS.items():
        listed = ", ".join(f"{prefix}_{one.name} = {one.value}" for one in members)
        lines.append(f"enum {members.__name__} {{ {listed} }};")
    for prefix, names in (("TURN", phases.Turn), ("ACT", phases.Act)):
        listed = ", ".join(f"{prefix}_{name}" for name in names.__members__)
        lines.append(f"enum {names.__name__} {{ {prefix}_NONE, {listed}, {prefix}_COUNT }};")
    lines += [f"#define PHASE_COUNT {len(codes.Phase)}", f"#define CAUSE_COUNT {len(codes.Cause)}"]
    for name, value in _numbers():
        timed = "_S" in name or "_MS" in name  # seconds and milliseconds are 64 bits wide everywhere
        lines.append(
            f"#define {name} INT64_C({value})" if timed or value >= 2**31 else f"#define {name} {value}"
        )
    lines.append(f'#define MEMORY_MAGIC "{fram.MAGIC.decode()}"')
    lines.append("struct Row { uint8_t listed, phase, acts[3]; };")
    lines.append("extern const struct Row TURNS[PHASE_COUNT][TURN_COUNT];")
    lines.append("extern const uint8_t CAUSE_OF[TURN_COUNT], LINK_ENDS[256], DRIVE_ENDS[256];")
    lines.append(f"extern const uint8_t SMALL_ORDER[{len(sshsig.SMALL_ORDER)}][32];")
    listed = ", ".join(f"LINE_{_c_word(word)}" for word in _words())
    lines.append(f"enum Line {{ LINE_NONE, {listed}, LINE_COUNT }};")
    lines.append("extern const char *const NAMESPACES[KIND_COUNT], *const ORDER_HEADS[KIND_COUNT];")
    lines.append("extern const char *const LINE_WORDS[LINE_COUNT];")
    lines.append("extern const uint8_t ORDER_LINES[KIND_COUNT][9];")
    lines.append("extern const uint16_t UPLOAD_WHERE[KIND_COUNT]; /* bit n: phase n */")
    lines.append("struct Releasable { uint8_t cause; const char *name; };")
    lines.append("extern const struct Releasable RELEASABLE[RELEASABLE_COUNT];")
    for record in _records():
        name = record.shape.__name__
        fields = " ".join(_declare(field, kind) for field, kind in record.fields)
        lines.append(f"struct {name} {{ {fields} }};")
        lines.append(f"void put_{name}(struct Writer *w, const struct {name} *v);")
        lines.append(f"void get_{name}(struct Reader *r, struct {name} *v);")
    shapes = " ".join(f"struct {row.shape.__name__} {row.shape.__name__};" for row in _messages())
    lines.append(f"union Message {{ {shapes} }};")
    lines.append("uint8_t get_message(const uint8_t *payload, size_t bytes, union Message *m); /* a Cause */")
    return "\n".join([*lines, "#endif", ""])


def _messages() -> list[Record]:
    return [row for row in messages.TABLE.values() if row.fields]


def _reading() -> Iterator[str]:
    yield "uint8_t get_message(const uint8_t *payload, size_t bytes, union Message *m) {"
    yield "    struct Reader r = {payload, 1, bytes, false};"
    yield "    switch (payload[0]) {"
    for number, row in messages.TABLE.items():
        name = row.shape.__name__
        if row.fields:
            yield f"    case {number}: get_{name}(&r, &m->{name}); break;"
    empty = " ".join(f"case {number}:" for number, row in messages.TABLE.items() if not row.fields)
    yield f"    {empty} break;"
    yield "    default: return CAUSE_WIRE_UNKNOWN_MESSAGE;"
    yield "    }"
    yield "    return r.bad || r.at != bytes ? CAUSE_WIRE_MALFORMED : CAUSE_NONE;"
    yield "}"


def _turn_rows() -> Iterator[str]:
    for (phase, event), (after, done) in phases.TABLE.items():
        listed = ", ".join(f"ACT_{act.name}" for act in done) or "0"
        yield f"    [PHASE_{phase.name}][TURN_{event.name}] = {{1, PHASE_{after.name}, {{{listed}}}}},"


def _words() -> list[str]:
    """Every keyword of every order, once."""
    return list(dict.fromkeys(word for rows in order_lines.LINES.values() for word, _ in rows[1:]))


def _c_word(word: str) -> str:
    return word.upper().replace("-", "_")


def _papers() -> Iterator[str]:
    """The tables of what holders sign."""
    named = ", ".join(f'[{kind.value}] = "{name.decode()}"' for kind, name in order_lines.NAMESPACES.items())
    yield f"const char *const NAMESPACES[KIND_COUNT] = {{{named}}};"
    heads = ", ".join(
        f'[{kind.value}] = "{rows[0][0]} {rows[0][1]}\\n"' for kind, rows in order_lines.LINES.items()
    )
    yield f"const char *const ORDER_HEADS[KIND_COUNT] = {{{heads}}};"
    words = ", ".join(f'[LINE_{_c_word(word)}] = "{word} "' for word in _words())
    yield f"const char *const LINE_WORDS[LINE_COUNT] = {{{words}}};"
    yield "const uint8_t ORDER_LINES[KIND_COUNT][9] = {"
    for kind, rows in order_lines.LINES.items():
        yield f"    [{kind.value}] = {{{', '.join(f'LINE_{_c_word(word)}' for word, _ in rows[1:])}}},"
    yield "};"
    where = ", ".join(
        f"[{kind.value}] = {sum(1 << phase for phase in phases_of)}"
        for kind, phases_of in uploads.WHERE.items()
    )
    yield f"const uint16_t UPLOAD_WHERE[KIND_COUNT] = {{{where}}};"
    faults = ", ".join(f'{{{cause.value}, "{cause.name}"}}' for cause in order_lines.RELEASABLE)
    yield f"const struct Releasable RELEASABLE[RELEASABLE_COUNT] = {{{faults}}};"


def source() -> str:
    lines = [MADE, '#include "tables.h"', ""]
    for members, prefix in ENUMS.items():
        cases = " ".join(f"case {one.value}:" for one in members)
        lines.append(f"static bool is_{prefix}(uint8_t code) {{")
        lines.append(f"    switch (code) {{ {cases} return true; default: return false; }}")
        lines.append("}")
    lines.append("static bool is_flag(uint8_t code) { return code < 2; }")
    lines += ["const struct Row TURNS[PHASE_COUNT][TURN_COUNT] = {", *_turn_rows(), "};"]
    causes = ", ".join(f"[TURN_{turn.name}] = CAUSE_{cause.name}" for turn, cause in acts.CAUSE_OF.items())
    lines.append(f"const uint8_t CAUSE_OF[TURN_COUNT] = {{{causes}}};")
    for name, ends in (("LINK_ENDS", ticking._LINK_ENDS), ("DRIVE_ENDS", ticking._DRIVE_ENDS)):
        listed = ", ".join(f"[CAUSE_{cause.name}] = TURN_{turn.name}" for cause, turn in ends.items())
        lines.append(f"const uint8_t {name}[256] = {{{listed}}};")
    keys = ",\n".join(
        "    {" + ", ".join(str(byte) for byte in key) + "}" for key in sorted(sshsig.SMALL_ORDER)
    )
    lines += [f"const uint8_t SMALL_ORDER[{len(sshsig.SMALL_ORDER)}][32] = {{", keys + "};"]
    lines += _papers()
    for record in _records():
        name = record.shape.__name__
        for verb, place, one, const in (("put", "Writer *w", _put, "const "), ("get", "Reader *r", _get, "")):
            lines.append(f"void {verb}_{name}(struct {place}, {const}struct {name} *v) {{")
            lines += [f"    {one(field, kind)}" for field, kind in record.fields]
            lines.append("}")
    return "\n".join([*lines, *_reading(), ""])


FILES = {"tables.h": header, "tables.c": source}


def main() -> None:
    for name, make in FILES.items():
        (LOGIC / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
