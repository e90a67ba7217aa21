"""Rules on words that must not stand in any file of the project. Each maps one file to its findings.

The patterns are put together from pieces, so that this file passes its own rules.
"""

import re

from tests.tidy.tree import Source

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~*}-])/(work|farm|root)(?=[/\s\"'`,;:)]|$)", re.MULTILINE)
REGISTRY_HOST = re.compile(
    r"py" r"pi\.org|python" r"hosted\.org|registry\.npm" r"js|npm" r"js\.(com|org)|deb\.debian\." r"org"
    r"|proxy\.golang\." r"org|crates\." r"io"
)


def _hits(pattern: re.Pattern[str], what: str, source: Source) -> list[str]:
    return [
        f"{source.path}:{number}: {what}: {line.strip()[:80]}"
        for number, line in enumerate(source.text.splitlines(), start=1)
        if pattern.search(line)
    ]


def unfinished(source: Source) -> list[str]:
    """What is not done is in the issues, not in the code."""
    return _hits(UNFINISHED, "unfinished", source)


def machine_path(source: Source) -> list[str]:
    """Nothing depends on where somebody keeps the checkout."""
    return _hits(MACHINE_PATH, "path of one machine", source)


def registry_host(source: Source) -> list[str]:
    """Where packages come from is the installer's own setting."""
    return _hits(REGISTRY_HOST, "host of a registry", source)


RULES = (unfinished, machine_path, registry_host)
