"""The words a person reads, in two languages.

Purpose: mark English sentences for translation (`N_`) where they are written and look them up
(`Catalogue`) where they are shown. Does not decide which language a face uses.
The lowest layer of all, so that an error can carry its own sentence.
"""

import gettext
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
LANGUAGES = ("en", "ja")


def N_(msgid: str) -> str:  # noqa: N802 - the marker's name is fixed by gettext's tools
    """Mark a sentence for translation; returns it unchanged."""
    return msgid


class Catalogue:
    """Translations of one language. English is the msgid itself, so it needs no file."""

    def __init__(self, language: str) -> None:
        self.language = language
        languages = [] if language == "en" else [language]
        self._texts = gettext.translation("iwato", LOCALE_DIR, languages=languages, fallback=True)

    def text(self, msgid: str, **values: object) -> str:
        """The sentence in this language with its `{values}` filled in; `values` are shown as they
        are, so a name from outside must have been escaped before."""
        found = self._texts.gettext(msgid)
        return found.format(**values) if values else found
