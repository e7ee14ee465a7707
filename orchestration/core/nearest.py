"""A wrong word and the right ones, in a message."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

#: So many right words are listed.
_LISTED = 40


def nearest(word: Any, words: Iterable[str]) -> str:
    """The right word that a wrong one may mean, as the end of a sentence; nothing where none is near."""
    there = {str(right).lower(): str(right) for right in words}
    text = str(word).lower()
    found = get_close_matches(text, there, n=1, cutoff=0.6)
    if not found and len(text) > 3:
        # Part of one, such as the city of a time zone.
        found = [right for right in there if right.rpartition("/")[2] == text or text.replace(" ", "_") in right.split("/")][:1]
    return f"; did you mean {there[found[0]]!r}?" if found else ""


def none_of(word: Any, words: Iterable[str], what: str = "") -> str:
    """That a word is none of the right ones, which are these; and the nearest."""
    words = list(words)
    more = ", …" if len(words) > _LISTED else ""
    return f"{what}{word!r} is none of: {', '.join(words[:_LISTED])}{more}{nearest(word, words)}"
