"""The words that carry sentiment, by language: our own lists, and for English VADER's lexicon below them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "lexicons"
#: Languages that have a lexicon (ISO 639-1).
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.yml") if path.stem != "shared"))
#: What the denial of something that ought to be weighs: "did not arrive".
DENIED = -2.0
_SHORTEST_STEM = 3
#: Letters that are no letter with an accent.
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "æ": "ae", "œ": "oe", "ø": "o", "’": "'", "‘": "'", "`": "'"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
#: The tokens of a phrase. English ones are spelled as the rules read a text ("can't", "well-made"); in others nothing is elided.
_WORD, _AS_SPELLED = re.compile(r"\w+"), re.compile(r"[^\W_]+(?:'[^\W_]+)?|[^\w\s]")
_LOW, _HIGH = "\u0300", "\u036f"


def folded(text: str, language: str) -> str:
    """Lower case without accents, as many write; German's umlauts are the two letters that stand for them."""
    text = text.lower().translate(_LETTERS)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    if language == "de":
        text = text.translate(_UMLAUTS)
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not _LOW <= letter <= _HIGH)


@dataclass(frozen=True)
class Lexicon:
    """One language's words. Values run from -4 (worst) to 4; stems stand for all words that begin with them."""

    words: dict[str, float] = field(default_factory=dict)
    stems: dict[str, float] = field(default_factory=dict)
    #: Words of more than one token, by their first: (tokens, value), longest first.
    phrases: dict[str, list[tuple[tuple[str, ...], float]]] = field(default_factory=dict)
    expected: frozenset[str] = frozenset()
    expected_stems: frozenset[str] = frozenset()
    negators: frozenset[str] = frozenset()
    #: Negators that may be behind what they deny.
    follows: frozenset[str] = frozenset()
    boosters: frozenset[str] = frozenset()
    dampers: frozenset[str] = frozenset()
    buts: frozenset[str] = frozenset()
    #: What was looked up before.
    known: dict[str, tuple[float, bool]] = field(default_factory=dict, compare=False)

    def value(self, token: str) -> tuple[float, bool]:
        """The value of a word, and whether it is said of what should be."""
        found = self.known.get(token)
        if found is None:
            found = self.known[token] = self._look_up(token)
        return found

    def _look_up(self, token: str) -> tuple[float, bool]:
        if token in self.words:
            return self.words[token], False
        if token in self.expected:
            return 0.0, True
        for end in range(len(token), _SHORTEST_STEM - 1, -1):
            stem = token[:end]
            if stem in self.stems:
                return self.stems[stem], False
            if stem in self.expected_stems:
                return 0.0, True
        return 0.0, False


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language; for any other, signs that all share."""
    shared = _weights(_read("shared")["words"], "")
    if language not in LANGUAGES:
        return Lexicon(words=shared)
    content = _read(language)
    listed = _weights(content["words"], language)
    words = {
        **(_vader() if language == "en" else {}),
        **{word: value for word, value in listed.items() if not word.endswith("*")},
    }
    expected = folded(content["expected"], language).split()

    def listed_words(key: str) -> frozenset[str]:
        return frozenset(folded(content.get(key, ""), language).split())

    return Lexicon(
        words={**words, **shared},
        stems={word[:-1]: value for word, value in listed.items() if word.endswith("*")},
        phrases=_phrases(content.get("phrases", {}), language),
        expected=frozenset(word for word in expected if not word.endswith("*")),
        expected_stems=frozenset(word[:-1] for word in expected if word.endswith("*")),
        negators=listed_words("negators"),
        follows=listed_words("follows"),
        boosters=listed_words("boosters"),
        dampers=listed_words("dampers"),
        buts=listed_words("buts"),
    )


def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


def _weights(by_weight: dict[int, str], language: str) -> dict[str, float]:
    return {word: float(value) for value, words in by_weight.items() for word in folded(words, language).split()}


def _phrases(by_weight: dict[int, str], language: str) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    pattern = _AS_SPELLED if language == "en" else _WORD
    for value, phrases in by_weight.items():
        for phrase in phrases.split(","):
            tokens = tuple(pattern.findall(folded(phrase, language)))
            found.setdefault(tokens[0], []).append((tokens, float(value)))
    return {first: sorted(entries, key=lambda entry: -len(entry[0])) for first, entries in found.items()}


def _vader() -> dict[str, float]:
    """VADER's words and their mean ratings; the file is read, not the package, which would bring a web client along."""
    package = find_spec("vaderSentiment")
    folders = [Path(place) for place in (package.submodule_search_locations or [])] if package else []
    lines = (folders[0] / "vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    return {parts[0]: float(parts[1]) for line in lines if len(parts := line.split("\t")) > 1}
