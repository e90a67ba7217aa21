"""The Japanese catalogue against the sentences in the code.

    python -m tests.tidy.catalogue --write   sentences → iwato.pot → iwato.po (new ones empty) → iwato.mo
    python -m tests.tidy.catalogue --check   every finding on one line; status 1 if there is any

A sentence is the literal in `N_("…")` or `_("…")`, wherever it stands, also inside an f-string (which
Babel's own extractor does not read on Python 3.11, so the syntax tree is read here). Does not translate.
"""

import argparse
import ast
import re
import string
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from tests.tidy.tree import PRODUCT, PROJECT, Source, python_sources

LOCALE = PROJECT / "appliance" / "locale"
TEMPLATE = LOCALE / "iwato.pot"
TRANSLATION = LOCALE / "ja" / "LC_MESSAGES" / "iwato.po"
COMPILED = TRANSLATION.with_suffix(".mo")
MARKERS = {"N_", "_"}
STILL = datetime(2026, 1, 1, tzinfo=UTC)  # a fixed date, so that only sentences make a difference

# An open relay is safe and an open window is not, so no sentence may use these words for a line.
SWITCH_WORDS = re.compile(
    r"\b(link|line|relay|network|connection)s?( is| are| was| were| stays?)? (open|opened|closed|on|off)\b"
    r"|\b(open|opens|close|closes|switch on|switch off|turn on|turn off) the (link|line|relay|network)",
    re.IGNORECASE,
)
SWITCH_WORDS_JA = re.compile(r"(リンク|回線|リレー|ネットワーク).{0,3}(オン|オフ|開い|開く|閉じ)")


def sentences(source: Source) -> Iterator[tuple[str | None, int]]:
    """(sentence, line) of every marker; None where the marked thing is not a literal."""
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS):
            continue
        literal = node.args[0] if len(node.args) == 1 else None
        if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
            yield literal.value, node.lineno
        else:
            yield None, node.lineno


def marked(sources: Iterable[Source]) -> dict[str, list[str]]:
    """Every marked sentence with the files that use it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for source in sources:
        for sentence, _ in sentences(source):
            if sentence is not None:
                found[sentence].add(source.path)
    return {sentence: sorted(paths) for sentence, paths in sorted(found.items())}


def unmarked(source: Source) -> list[str]:
    """Markers without a literal, and literals shown through a catalogue without a marker."""
    findings = [
        f"{source.path}:{line}: a marker takes one literal"
        for sentence, line in sentences(source)
        if sentence is None and source.path != "appliance/words.py"
    ]
    return findings + [
        f"{source.path}:{node.lineno}: wrap the sentence in N_()"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _shows_a_bare_sentence(node)
    ]


def _shows_a_bare_sentence(call: ast.Call) -> bool:
    """`catalogue.text("…")` without a marker: extraction would miss it."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "text"
        and ast.unparse(call.func.value).endswith(("catalogue", "face"))
        and bool(call.args)
        and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
        and ast.unparse(call.args[0]) != "'{text}'"  # a frame for foreign text, without a word of its own
    )


def fields(sentence: str) -> set[str]:
    """The placeholders of a sentence, with their formats."""
    return {
        f"{name}!{conversion or ''}:{spec or ''}"
        for _, name, spec, conversion in string.Formatter().parse(sentence)
        if name is not None
    }


def disagreements(english: Iterable[str], japanese: Mapping[str, str]) -> list[str]:
    """What keeps the catalogue from being complete and true."""
    findings = []
    for sentence in english:
        translated = japanese.get(sentence, "")
        if not translated:
            findings.append(f"no Japanese for {sentence!r}")
        elif fields(sentence) != fields(translated):
            findings.append(f"placeholders differ: {sentence!r} / {translated!r}")
        if SWITCH_WORDS.search(sentence):
            findings.append(f"a line is CONNECTED or cut, never open, closed, on or off: {sentence!r}")
        if SWITCH_WORDS_JA.search(translated):
            findings.append(f"回線は「接続」「切断」: {translated!r}")
    gone = sorted(set(japanese) - set(english))
    return findings + [f"no such sentence any more: {sentence!r}" for sentence in gone]


def _texts(catalog: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalog if message.id and not message.fuzzy}


def translations(path: Path = TRANSLATION) -> dict[str, str]:
    """Sentence → Japanese, as the translator's file has it; entries marked fuzzy do not count."""
    with path.open("rb") as file:
        return _texts(read_po(file, locale="ja"))


def compiled(path: Path = COMPILED) -> dict[str, str]:
    """Sentence → Japanese, as the product reads it."""
    with path.open("rb") as file:
        return _texts(read_mo(file))


def findings() -> list[str]:
    """Everything that is wrong with the catalogue now."""
    sources = python_sources(*PRODUCT)
    japanese = translations()
    wrong = [finding for source in sources for finding in unmarked(source)]
    wrong += disagreements(marked(sources), japanese)
    if compiled() != {sentence: text for sentence, text in japanese.items() if text}:
        wrong.append("iwato.mo is not the compiled iwato.po: run `make words`")
    return wrong


def _catalog(comment: str, locale: str | None = None) -> Catalog:
    return Catalog(
        locale=locale, project="iwato", version="1", creation_date=STILL, revision_date=STILL, fuzzy=False,
        msgid_bugs_address="-", last_translator="-", language_team="-", header_comment=f"# {comment}",
    )


def write() -> None:
    """Bring the three files up to date; keeps every translation whose sentence is still used."""
    template = _catalog("Iwato. Made by `make words`.")
    japanese = _catalog("Iwato in Japanese. `make words` adds new sentences, empty.", locale="ja")
    known = translations() if TRANSLATION.exists() else {}
    for sentence, paths in marked(python_sources(*PRODUCT)).items():
        places = [(path, 0) for path in paths]
        template.add(sentence, locations=places)
        japanese.add(sentence, known.get(sentence, ""), locations=places)
    TRANSLATION.parent.mkdir(parents=True, exist_ok=True)
    for path, catalog in ((TEMPLATE, template), (TRANSLATION, japanese)):
        text = BytesIO()
        write_po(text, catalog, width=110, include_lineno=False)
        path.write_bytes(text.getvalue())
    with COMPILED.open("wb") as file:
        write_mo(file, japanese)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tidy.catalogue")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--write", action="store_true")
    act.add_argument("--check", action="store_true")
    if parser.parse_args().write:
        write()
    wrong = findings()
    print("\n".join(wrong) or "the Japanese catalogue is complete")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
