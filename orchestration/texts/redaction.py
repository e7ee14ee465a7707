"""Texts that may be shown: without what leads to somebody.

What has a form (e-mail addresses, phones, accounts, cards, numbers of records, addresses of houses) is found by it. Names have
none: they are found behind words that lead to one, on a list of common first names, and where the record's own data names
them. Others stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from orchestration.core.personal_data import places

_NAMES_FILE = Path(__file__).parent / "names.yml"
_MARKS = {"e-mail address": "[e-mail]", "phone number": "[phone]", "IBAN": "[account]", "card number": "[card]"}
#: What is in a redacted text in the place of something.
MARKS = re.compile(r"\[(?:e-mail|phone|account|card|number|address|name)\]")
_NUMBER, _ADDRESS, _NAME = "[number]", "[address]", "[name]"
_CAPITAL = r"[A-ZÀ-ÖØ-ÞŁŚŻŹĆŃĄĘÓ]"
#: No name (and no street, below) is longer; without a bound each letter of "A1-A1-…" would be tried up to the last one.
_PROPER = rf"{_CAPITAL}[\w'’-]{{0,40}}\w"
#: Any run of seven digits or more, whatever is between them, and any word with four digits or more that is no year.
_DIGITS = re.compile(r"(?<![\w.,])\+?\(?\d(?:[ \t().,/\-–]{0,3}\d){6,}(?!\w)")
_CODES = re.compile(r"#?\w+(?:[-_/]\w+)*")
_CODE_DIGITS = 4
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_NUMBERED = re.compile(
    r"""(?:\#|\b(?:order|ticket|case|invoice|customer|reference|ref|tracking|bestell(?:ung|nummer)|auftrag(?:snummer)?|vorgang|rechnung(?:snummer)?
    |kundennummer|commande|dossier|facture|client|ordine|pratica|fattura|pedido|caso|factura|zamówieni[ea]|zgłoszeni[ea]|faktur[ay]|encomenda|nota)
    (?:\s*(?:no|nr|num|number|id|numer|numéro|numero|número|n[°ºo]?)\b\.?)?\s*[:#.]?\s*)(?P<id>[\w-]*\d[\w-]*)""",
    re.IGNORECASE | re.VERBOSE,
)
_HOUSE = r"\d{1,4}\s?(?:[a-zA-Z]\b)?(?:\s?[-/]\s?\d{1,4}[a-zA-Z]?)?"
_CODE = r"\d{5}-\d{3}|\d{2}-\d{3}|\d{4,5}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}"
#: What may follow a house's number: the town with its code.
_TOWN = rf"(?:,?\s+(?:{_CODE})(?:,?\s+{_PROPER}){{0,3}}|,\s+{_PROPER}(?:\s+{_PROPER})?)?"
_WORDS = rf"(?:(?:d[aeio]s?|del|della|dei|degli|delle|du|des|la|le|los|las|von|św\.|gen\.|[dl]['’])\s?)*{_PROPER}"
_STREETS_BEFORE = (
    "via|viale|piazza|corso|vicolo|largo|calle|avenida|avda|plaza|paseo|camino|rua|travessa|praça|alameda|estrada|ulica|ulicy|aleja|osiedle|ul|al|pl|os"
    "|rue|boulevard|chemin|allée|impasse|quai|place|avenue"
)
_STREETS_BEHIND = "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Place|Square|Way|Terrace|Crescent|Boulevard|Blvd"
_ADDRESSES = re.compile(
    "|".join(
        [
            rf"\b\d{{1,4}}[a-zA-Z]?,?\s+(?:{_PROPER}\s+){{1,3}}(?:{_STREETS_BEHIND})\b\.?{_TOWN}",
            rf"\b{_CAPITAL}[\w-]{{0,60}}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer)\s+{_HOUSE}{_TOWN}",
            rf"\b(?:{_PROPER}\s+){{1,2}}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Ring|Damm)\s+{_HOUSE}{_TOWN}",
            rf"\b{_HOUSE},?\s*(?:bis|ter)?,?\s*(?i:{_STREETS_BEFORE})\b\.?\s+(?:{_WORDS}\s*){{1,4}}{_TOWN}",
            rf"\b(?i:{_STREETS_BEFORE})\b\.?\s+(?:{_WORDS}\s*){{1,4}},?\s*(?:n[°ºo]?\.?\s*|nr\s*)?{_HOUSE}{_TOWN}",
            rf"(?<![\w-])(?:{_CODE})\s+{_PROPER}",
            r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b",
        ]
    )
)


class _Span(NamedTuple):
    start: int
    end: int
    mark: str


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text with marks such as ``[e-mail]`` in the place of what leads to somebody.

    Args:
        text: any text, in any of the languages that sentiment is read in.
        known: what the record is known to name: ids, e-mail addresses, names of its customer, in whatever spelling.
    """
    spans = [_Span(found.start, found.end, _MARKS[found.kind]) for found in places(text)]
    spans += _known(text, known)
    spans += [_Span(*match.span(), _ADDRESS) for match in _ADDRESSES.finditer(text)]
    spans += [_Span(*match.span("id"), _NUMBER) for match in _NUMBERED.finditer(text)]
    spans += [_Span(*match.span(), _NUMBER) for match in _DIGITS.finditer(text)]
    spans += [_Span(*match.span(), _NUMBER) for match in _CODES.finditer(text) if _is_code(match.group())]
    spans += _names(text)
    return _marked(text, spans)


def _is_code(word: str) -> bool:
    return sum(map(str.isdigit, word)) >= _CODE_DIGITS and not _YEAR.match(word)


def _marked(text: str, spans: list[_Span]) -> str:
    """Spans that overlap become one, with the mark of the first found."""
    parts, at = [], 0
    ordered = sorted(enumerate(spans), key=lambda item: (item[1].start, item[0]))
    merged: list[tuple[int, int, int, str]] = []
    for rank, span in ordered:
        if merged and span.start < merged[-1][1]:
            start, end, first, mark = merged[-1]
            merged[-1] = (start, max(end, span.end), min(first, rank), mark if first < rank else span.mark)
        else:
            merged.append((span.start, span.end, rank, span.mark))
    for start, end, _, mark in merged:
        parts += [text[at:start], mark]
        at = end
    return "".join([*parts, text[at:]])


def _known(text: str, known: Iterable[str]) -> list[_Span]:
    """Where the record's own values are, and the parts of its e-mail address: anna.nowak@… is Anna, and Nowak."""
    words = {value.strip() for value in known if value and len(value.strip()) > 2}
    parts = {part for value in words if "@" in value for part in re.split(r"[._+\d-]+", value.partition("@")[0]) if len(part) > 2}
    spans = []
    for word in words | parts:
        mark = _NUMBER if any(letter.isdigit() for letter in word) else _NAME
        pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
        spans += [_Span(*match.span(), mark) for match in re.finditer(pattern, text, re.IGNORECASE)]
    return spans


def _names(text: str) -> list[_Span]:
    led, listed = _patterns()
    spans = [_Span(*match.span("name"), _NAME) for match in led.finditer(text)]
    return spans + [_Span(*match.span(), _NAME) for match in listed.finditer(text)]


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words with a capital behind what leads to a name; and common first names, with the word with a capital behind them."""
    content = yaml.safe_load(_NAMES_FILE.read_text(encoding="utf-8"))
    salutations = [re.escape(word.replace("-", " ")) for word in content["salutations"].split()]
    introductions = [re.escape(word.strip()).replace(r"\ ", r"\s+") for word in content["introductions"].split(",")]
    leads = "|".join(sorted({*salutations, *introductions}, key=len, reverse=True))
    name = rf"{_PROPER}(?:[ -](?:(?:von|van|de|da|di|del|della|dos|du|le|la)\s+)?{_PROPER}){{0,2}}"
    led = re.compile(rf"(?<!\w)(?i:{leads})\b[.,:]?\s+(?P<name>{name})")
    listed = "|".join(sorted(set(content["first_names"].split()), key=len, reverse=True))
    return led, re.compile(rf"(?<!\w)(?:{listed})(?:[ -](?:(?:von|van|de|da|di|del|della|dos)\s+)?{_PROPER}){{0,2}}(?!\w)")
