"""Answers on a scale as exports write them: '4 of 5', '4/5', '★★★★☆', '4 stars', '4 - good', and in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from orchestration.draft.lexicon import listed, plain

NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_OF = re.compile(r"(?P<value>\d{1,3}([.,]\d+)?)(\s*/\s*|\s+(?P<of>[^\W\d]+(\s[^\W\d]+)?)\s+)(?P<top>\d{1,3})(?P<rest>\D*)")
_WITH = re.compile(r"(?P<value>\d{1,3}([.,]\d+)?)\s*(?P<rest>\D+)")
_FULL, _EMPTY = "★⭐🌟", "☆✩"
_GLYPHS = re.compile(rf"[{_FULL}{_EMPTY}\s\ufe0f]+")
#: '5 - Excellent', '5: excellent', '5 (excellent)', 'Excellent (5)'.
_LABELLED = re.compile(r"(?P<value>\d{1,2})\s*([-–—:=.)]\s*|\()[^\d()]+\)?|[^\d()]+\((?P<value2>\d{1,2})\)")


@dataclass(frozen=True)
class Answer:
    """What a text says on a scale; ``top`` is the highest answer where the text names it."""

    value: float
    top: int | None = None
    #: The words beside a number may turn the scale round: '1 - very good'.
    is_labelled: bool = False

    @property
    def number(self) -> int | float:
        return int(self.value) if self.value == int(self.value) else self.value


@lru_cache(maxsize=2**12)
def answer(text: str) -> Answer | None:
    """What a text that is more than a number says on a scale; none where that is not known."""
    if NUMBER.fullmatch(text):
        return None
    if found := _OF.fullmatch(text):
        is_of = found["of"] is None or plain(found["of"]) in listed("out_of")
        value, top = _number(found["value"]), int(found["top"])
        return Answer(value, top) if is_of and _is_of_stars(found["rest"]) and value <= top > 1 else None
    if _GLYPHS.fullmatch(text):
        full, empty = (sum(text.count(mark) for mark in marks) for marks in (_FULL, _EMPTY))
        return Answer(full, full + empty if empty else None) if full + empty else None
    if (found := _WITH.fullmatch(text)) and found["rest"].strip() and _is_of_stars(found["rest"]):
        return Answer(_number(found["value"]))
    if found := _LABELLED.fullmatch(text):
        return Answer(_number(found["value"] or found["value2"]), is_labelled=True)
    word = listed("numbers").get(plain(text))
    return Answer(int(word)) if word is not None else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _is_of_stars(rest: str) -> bool:
    """Is what is behind a number nothing, or a word for stars?"""
    return all(word in listed("stars") for word in plain(rest).split()) and (not rest.strip() or bool(plain(rest)))


def is_answer(text: str) -> bool:
    """Is a text an answer on a scale, be it a number, or one in words?"""
    if NUMBER.fullmatch(text) or answer(text) is not None:
        return True
    word = plain(text)
    return any(word in listed(key) for key in ("good", "bad", "not_rated", "of_five"))


def are_of_five(texts: Iterable[str]) -> bool:
    """Are these the words of a scale from very bad to very good? Without one of "very" or "neutral" they may be two only."""
    found = [listed("of_five").get(plain(text)) for text in texts if plain(text) not in listed("not_rated")]
    return all(found) and any(one is not None and one.value in ("1", "3", "5") for one in found)
