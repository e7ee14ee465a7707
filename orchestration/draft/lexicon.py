"""What columns are called and what is in cells, in seven languages; from ``names.yml`` and ``words.yml``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from orchestration.core.yaml_text import read_yaml
from orchestration.pull.kinds import Column, Kind, all_kinds

LANGUAGES = {
    "en": "English", "fr": "French", "de": "German", "es": "Spanish", "it": "Italian", "pl": "Polish", "pt": "Portuguese",
}  # fmt: skip
#: The language of names that vendors use, or that mean the same in several languages.
ANY = "any"
_JOINS = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-Z][a-zà-ÿ])|(?<=[a-z])(?=[A-Z])")
_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "№": "no", "º": "o", "°": "o"})


@dataclass(frozen=True)
class Name:
    """One way to call a canonical column."""

    column: str
    language: str
    written: str


@lru_cache(maxsize=2**16)
def plain(text: str) -> str:
    """Lower-cased words without accents, joined by single spaces: 'Créé le', 'cree_le' and 'CreeLe' are one.

    Stars, which some exports write for a rating, stay.
    """
    spread = _JOINS.sub(" ", text.translate(_LETTERS))
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", spread) if not unicodedata.combining(mark))
    return " ".join(re.findall(r"[^\W_]+|[★☆]+", bare.casefold()))


@cache
def _yaml(name: str) -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return content


@cache
def _own_names(kind_name: str) -> dict[str, str]:
    """Plain name -> the column that is called so in this kind only."""
    columns = _yaml("names.yml")["kinds"].get(kind_name, {}).get("columns", {})
    return {plain(name): column for column, by_language in columns.items() for names in by_language.values() for name in names}


def written_names(kind: Kind, column: str) -> dict[str, list[str]]:
    """language -> what the column is called in it, as people write it."""
    own = _yaml("names.yml")["kinds"].get(kind.name, {}).get("columns", {}).get(column, {})
    shared, taken = _yaml("names.yml")["shared"].get(column, {}), _own_names(kind.name)
    return {
        language: [
            *own.get(language, ()),
            *(name for name in shared.get(language, ()) if taken.get(plain(name), column) == column),
        ]
        for language in (ANY, *LANGUAGES)
    }


@cache
def names_of(kind_name: str) -> dict[str, Name]:
    """Plain name -> the column of the kind that is called so; the canonical names are among them."""
    kind = all_kinds()[kind_name]
    names: dict[str, Name] = {plain(column): Name(column, ANY, column) for column in kind.columns}
    for column in kind.columns:
        for language, written in written_names(kind, column).items():
            for name in written:
                names.setdefault(plain(name), Name(column, language, name.removesuffix(" ?")))
    return names


@cache
def unsure_names(kind_name: str) -> frozenset[str]:
    """Plain names that can mean something else too: those written with "?"."""
    content, columns = _yaml("names.yml"), all_kinds()[kind_name].columns
    parts = [content["kinds"].get(kind_name, {}).get("columns", {}), content["shared"]]
    found = [name for part in parts for column in columns for names in part.get(column, {}).values() for name in names]
    return frozenset(plain(name) for name in found if name.endswith(" ?"))


@cache
def squashed_names(kind_name: str) -> dict[str, Name]:
    """The same without blanks: 'CREATEDDATE' and 'Order-ID' as 'orderid'."""
    return {plain_name.replace(" ", ""): name for plain_name, name in reversed(names_of(kind_name).items())}


@cache
def kind_words(kind_name: str) -> frozenset[str]:
    """Plain words that files of a kind, and their columns, carry."""
    words = _yaml("names.yml")["kinds"].get(kind_name, {}).get("words", ())
    return frozenset(plain(word) for word in words)


@cache
def no_names() -> frozenset[str]:
    """Columns that look like one of ours, and are another thing."""
    return frozenset(plain(name) for name in _yaml("names.yml")["none"])


def is_end(header: str, end: str) -> bool:
    """Is a column of calls the number `from` which, or `to` which, was called?"""
    return plain(header) in {plain(name) for name in _yaml("names.yml")["ends"][end]}


@cache
def callers() -> frozenset[str]:
    """Names of a customer below which long numbers are telephones."""
    return frozenset(plain(name) for name in _yaml("names.yml")["callers"])


@dataclass(frozen=True)
class Meaning:
    """What a word in a cell stands for; ``is_sure`` is false of words that can mean something else too."""

    value: str
    is_sure: bool = True


@cache
def vocabulary(kind_name: str, column: str) -> dict[str, Meaning]:
    """Plain word -> the canonical word that it stands for."""
    spec = all_kinds()[kind_name].columns[column]
    words = _yaml("words.yml")["words"]
    spellings: dict[str, list[str]] = (
        words.get(f"{kind_name}.{column}") or words.get("channel" if _is_channel(spec) else column) or {}
    )
    meanings = {plain(value): Meaning(value) for value in spec.values}
    for value, spelled in spellings.items():
        if value in spec.values:
            for word in spelled:
                # 'WhatsApp' is two words, and 'Whatsapp' is one.
                for one in (plain(word), plain(word.lower())):
                    meanings.setdefault(one, Meaning(value, not word.endswith("?")))
    return meanings


def written_words(kind_name: str, column: str) -> dict[str, list[str]]:
    """canonical word -> how exports write it; words that can mean something else are left out."""
    spec = all_kinds()[kind_name].columns[column]
    words = _yaml("words.yml")["words"]
    spellings = words.get(f"{kind_name}.{column}") or words.get("channel" if _is_channel(spec) else column) or {}
    return {
        value: [
            word for word in spellings.get(value, [value]) if vocabulary(kind_name, column).get(plain(word)) == Meaning(value)
        ]
        for value in spec.values
    }


def _is_channel(spec: Column) -> bool:
    return spec.name == "preferred_channel"


@cache
def listed(key: str) -> dict[str, Any]:
    """One of the other lists of ``words.yml``: plain word -> what it stands for (of a plain list: the word)."""
    content = _yaml("words.yml")[key]
    if isinstance(content, list):
        return {plain(word) or word: word for word in content}
    if all(isinstance(value, list) for value in content.values()):
        return {
            plain(word.rstrip("?")): Meaning(value, not word.endswith("?"))
            for value, spelled in content.items()
            for word in spelled
        }
    return {plain(word): value for word, value in content.items()}


@cache
def missing_words() -> frozenset[str]:
    """What stands for nothing in a cell, lower-cased."""
    return frozenset(word.casefold() for word in _yaml("words.yml")["missing"])


@cache
def missing_dates() -> frozenset[str]:
    """Words that stand for a date that is missing."""
    return frozenset(_yaml("words.yml")["missing_dates"])


def zone_of(language: str) -> str | None:
    """The zone that a language hints at."""
    zone: str | None = _yaml("words.yml")["zones"].get(language)
    return zone
