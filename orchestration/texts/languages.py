"""The language of a text: as the export names it, unless its words surely show another; else as its words show it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "unknown"
#: Below it the words of a text show no language: most texts of one or two words.
MIN_CONFIDENCE = 0.6
#: Words of which so many show another language than the export's so surely are in that: a column of languages is often that of
#: the account or the country.
_SURE, _SURE_WORDS = 0.95, 5
#: Languages to choose from. Those without a lexicon are among them, so that a text in one is not taken for its neighbour.
_RECOGNISED = (
    "ar", "ca", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hr", "hu", "it", "ja", "ko", "nl", "no", "pl", "pt", "ro",
    "ru", "sk", "sl", "sv", "tr", "uk", "zh",
)  # fmt: skip
#: Names that exports write in the place of a code.
_NAMES = {
    "english": "en", "anglais": "en", "englisch": "en", "inglese": "en", "ingles": "en", "inglés": "en", "angielski": "en",
    "german": "de", "deutsch": "de", "allemand": "de", "tedesco": "de", "aleman": "de", "alemán": "de", "niemiecki": "de",
    "french": "fr", "français": "fr", "francais": "fr", "französisch": "fr", "francese": "fr", "francés": "fr", "francuski": "fr",
    "italian": "it", "italiano": "it", "italienisch": "it", "italien": "it", "włoski": "it",
    "spanish": "es", "español": "es", "espanol": "es", "spanisch": "es", "espagnol": "es", "spagnolo": "es", "hiszpański": "es",
    "polish": "pl", "polski": "pl", "polnisch": "pl", "polonais": "pl", "polacco": "pl", "polaco": "pl",
    "portuguese": "pt", "português": "pt", "portugues": "pt", "portugiesisch": "pt", "portugais": "pt", "portoghese": "pt",
}  # fmt: skip
_CODE = re.compile(r"^([a-z]{2})(?:[-_][a-z]{2,4})*$")
_WORD = re.compile(r"[^\W\d_]{2,}")


def named_language(stated: str | None) -> str | None:
    """The code (ISO 639-1) of what an export's column says: "pt-BR", "FR", "German"; none for anything else."""
    if not stated:
        return None
    stated = stated.strip().lower()
    if match := _CODE.match(stated):
        return match[1]
    return _NAMES.get(stated)


def language_of(text: str, stated: str | None) -> tuple[str, str]:
    """The language of a text, and how it is known: "export", "words" or "unknown"."""
    named, words = named_language(stated), len(_WORD.findall(text[:400]))
    if words < (_SURE_WORDS if named else 2):
        return (named, "export") if named else (UNKNOWN, UNKNOWN)
    found, confidence = _identifier().classify(text[:1000])
    if named:
        return (found, "words") if found != named and confidence >= _SURE else (named, "export")
    return (found, "words") if confidence >= MIN_CONFIDENCE else (UNKNOWN, UNKNOWN)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_RECOGNISED)
    return identifier
