"""What a text is about, word by word: a word that means something is a key, the same for all its forms, and for words of other
languages that mean the same where they are known (``concepts.yml``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import snowballstemmer
import stop_words
import yaml

from orchestration.texts.lexicon import LANGUAGES, folded

CONCEPTS_FILE, NAMES_FILE = (Path(__file__).parent / name for name in ("concepts.yml", "names.yml"))
#: Marks the key of a concept; any other key is the stem of a word, behind its language.
CONCEPT = "="
#: Different keys of one text, at most: what follows is a long call or a log.
MOST_KEYS = 120
_STEMMERS = {
    "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "pl": "polish", "pt": "portuguese",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHORTEST, _LONGEST, _SHORTEST_STEM = 3, 30, 3
#: Words of courtesy and of every case, which say nothing of what it is about.
_COURTESY = """
beaucoup favore dzisiaj
hello hi dear please thank thanks thx regards greetings team sir madam help want need know tell today yesterday tomorrow
day days week weeks month months time year still really just get got one two three would could since ago now already
again anyone nobody something also even hallo liebe bitte danke vielen dank gruss gruesse freundlich guten tag morgen
hilfe helfen moechte gerne heute gestern woche wochen tage tagen monat zeit jahr immer noch schon seit wurde wird mal
leider bonjour merci madame monsieur cordialement svp plait aide aider voudrais souhaite aujourd hui hier semaine
semaines jour jours mois temps toujours encore depuis deja fois personne buongiorno salve grazie cordiali saluti gentile
prego aiuto vorrei oggi ieri settimana settimane giorno giorni mese tempo ancora sempre gia volta nessuno hola gracias
saludos estimado favor ayuda quisiera quiero hoy ayer semana semanas dia dias mes tiempo todavia siempre desde vez nadie
dzien dobry witam prosze dziekuje pozdrawiam pomoc chce chcialbym dzis wczoraj tydzien tygodnie tygodni dni miesiac czas
nadal jeszcze ciagle juz raz nikt panstwo ola obrigado obrigada atenciosamente ajuda gostaria quero hoje ontem ainda
ninguem
"""


def keys_of(text: str, language: str) -> list[tuple[str, str]]:
    """The keys of a text's words in their order, each with the word as it is there; none in a language without a list."""
    if language not in _STEMMERS:
        return []
    look_up = _known(language)
    found = []
    for match in _WORD.finditer(text.replace("’", "'")):
        word = match[0].lower()
        parts = (word,) if "-" not in word or look_up(word) else word.split("-")
        found += [(key, part) for part in parts if (key := look_up(part))]
    return found


def distinct_keys(text: str, language: str) -> list[str]:
    """The different keys of a text, in order of appearance, ``MOST_KEYS`` at most."""
    return list(dict.fromkeys(key for key, _ in keys_of(text, language)))[:MOST_KEYS]


def keys_of_word(word: str, language: str | None = None) -> frozenset[str]:
    """The keys that a word can have: in one language, or in any."""
    return frozenset(key for one in ([language] if language else LANGUAGES) for key, _ in keys_of(word, one))


def is_plain(word: str, language: str) -> bool:
    """Is it a word that every text may have: of courtesy or grammar, or one of a concept?"""
    plain = folded(word, language)
    return len(plain) < _SHORTEST or plain in _empty_words(language) or _concept(plain, language) is not None


@cache
def _known(language: str) -> Callable[[str], str | None]:
    stem = snowballstemmer.stemmer(_STEMMERS[language]).stemWord
    empty, names = _empty_words(language), _first_names()

    @cache
    def look_up(word: str) -> str | None:
        plain = folded(word, language)
        if found := _concept(plain, language):
            return CONCEPT + found
        if plain in empty or plain in names or "-" in word or not _SHORTEST <= len(word) <= _LONGEST:
            return None
        root = folded(stem(word), language)
        return f"{language}:{root}" if len(root) >= _SHORTEST_STEM else None

    return look_up


@cache
def _first_names() -> frozenset[str]:
    """Who is named, an agent of whom many write, is no topic."""
    names = yaml.safe_load(NAMES_FILE.read_text(encoding="utf-8"))["first_names"]
    return frozenset(folded(names, "de").split()) | frozenset(folded(names, "en").split())


@cache
def _empty_words(language: str) -> frozenset[str]:
    listed = stop_words.get_stop_words(language)
    return frozenset(folded(word, language) for word in listed) | frozenset(_COURTESY.split())


def _concept(plain: str, language: str) -> str | None:
    words, stems = _concepts().get(language, ({}, {}))
    if plain in words:
        return words[plain]
    for end in range(len(plain), _SHORTEST_STEM - 1, -1):
        if plain[:end] in stems:
            return stems[plain[:end]]
    return None


@cache
def _concepts() -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """By language: whole words, and beginnings of words, with the concept that they stand for."""
    found: dict[str, tuple[dict[str, str], dict[str, str]]] = {language: ({}, {}) for language in LANGUAGES}
    for concept, languages in yaml.safe_load(CONCEPTS_FILE.read_text(encoding="utf-8")).items():
        for language, listed in languages.items():
            words, stems = found[language]
            for word in folded(listed, language).split():
                (stems if word.endswith("*") else words).setdefault(word.rstrip("*"), concept)
    return found
