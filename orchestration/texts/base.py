"""Sentiment by lexicon and rules: what every home has, before it has any labelled text to learn from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from orchestration.texts.lexicon import DENIED, Lexicon, folded, lexicon

#: Changes whenever a text may get another score for the same words.
VERSION = "2"
#: Below it, and above its opposite, a text takes sides.
NEUTRAL = 0.05
#: How a sum of values becomes a polarity: x / sqrt(x² + 15), as VADER does.
_SOFTENING = 15.0
#: What a denied word weighs: "not good" is less bad than "bad", "not bad" less good than "good".
_DENIED_GOOD, _DENIED_BAD = -0.74, -0.4
_BOOST, _DAMP = 1.3, 0.7
#: Words between a negator and what it denies.
_REACH = 3
#: What is before a "but" counts less, what is after it more.
_BEFORE_BUT, _AFTER_BUT = 0.5, 1.5
_SHOUTED, _EXCLAIMED = 1.2, 0.1

_SENTENCES = re.compile(r"(?<=[.!?…])\s+|\n+")
_TOKENS = re.compile(r"[^\W_]+(?:'[^\W_]+)?|<3|\^\^|>?[:;=]-?'?[()DPp/\\]|[,;:.!?]|[^\w\s]")
_BREAKS = frozenset(",;:.!?()")
#: French and Italian words that have run together with the word behind them.
_ELIDED = re.compile(r"^(?:qu|[cdjlmnst]|un|dell|all|nell|dall|sull|quell)'(?=\w)")


@dataclass(frozen=True)
class Scored:
    """What the words of a text say. ``polarity`` and ``worst`` (the worst sentence's) are in [-1, 1]."""

    polarity: float
    worst: float
    sentences: int
    #: Words that carried sentiment.
    hits: int


def sentences(text: str) -> list[str]:
    """The sentences of a text; a line is one at most."""
    return [part for part in (part.strip() for part in _SENTENCES.split(text)) if part]


def score(text: str, language: str) -> Scored:
    """The sentiment of a text: the mean over its sentences that have any."""
    words = lexicon(language)
    found = [sentence_value(sentence, language, words) for sentence in sentences(text)]
    opinions = [polarity for polarity, hits in found if hits]
    if not opinions:
        return Scored(0.0, 0.0, len(found), 0)
    mean = sum(opinions) / len(opinions)
    return Scored(mean, min(opinions), len(found), sum(hits for _, hits in found))


def sentence_value(sentence: str, language: str, words: Lexicon) -> tuple[float, int]:
    """Polarity of a sentence, and how many of its words carried it."""
    spelled = _TOKENS.findall(sentence.replace("’", "'"))
    small = [folded(token, language) for token in spelled]
    tokens = [_ELIDED.sub("", token) if "'" in token else token for token in small]
    denials = _denials(small, language, words)
    shouts = _is_mixed_case(sentence)
    values: list[float] = []
    turn = None
    place = 0
    while place < len(tokens):
        if tokens[place] in words.buts and values:
            turn = len(values)
        length, value, is_expected = _at(tokens, place, words)
        if value or is_expected:
            value = _in_context(tokens, denials, place, length, value, is_expected, words)
            if value and shouts and length == 1 and len(tokens[place]) > 2 and spelled[place].isupper():
                value *= _SHOUTED
            if value:
                values.append(value)
        place += length
    if turn is not None and turn < len(values):
        values = [value * (_BEFORE_BUT if at < turn else _AFTER_BUT) for at, value in enumerate(values)]
    total = sum(values)
    total += math.copysign(min(sentence.count("!"), 3) * _EXCLAIMED, total) if total else 0.0
    return total / math.sqrt(total * total + _SOFTENING), len(values)


def _at(tokens: list[str], place: int, words: Lexicon) -> tuple[int, float, bool]:
    """The phrase or word that begins here: tokens, value, whether it is said of what should be."""
    for phrase, value in words.phrases.get(tokens[place], ()):
        if tuple(tokens[place : place + len(phrase)]) == phrase:
            return len(phrase), value, False
    value, is_expected = words.value(tokens[place])
    return 1, value, is_expected


def _denials(tokens: list[str], language: str, words: Lexicon) -> frozenset[int]:
    """Places of the negators, those that have run together with a verb among them ("n'est", "isn't")."""
    return frozenset(
        place
        for place, token in enumerate(tokens)
        if token in words.negators or token.endswith("n't") or (language == "fr" and token.startswith("n'"))
    )


def _in_context(
    tokens: list[str], denials: frozenset[int], place: int, length: int, value: float, is_expected: bool, words: Lexicon
) -> float:
    """A value as the words around it have it: denied, strengthened, weakened."""
    if not tokens[place][0].isalnum():
        return value
    denied = False
    for before in range(place - 1, max(place - 1 - _REACH, -1), -1):
        token = tokens[before]
        if token in _BREAKS or token in words.buts:
            break
        if before in denials:
            denied = True
            break
    after = place + length
    if not denied and length == 1 and after < len(tokens) and tokens[after] in words.follows:
        denied = True
    if is_expected:
        return DENIED if denied else 0.0
    if place and tokens[place - 1] in words.boosters:
        value *= _BOOST
    elif place and tokens[place - 1] in words.dampers:
        value *= _DAMP
    return value * (_DENIED_GOOD if value > 0 else _DENIED_BAD) if denied and length == 1 else value


def _is_mixed_case(sentence: str) -> bool:
    """Capitals are loud only beside small letters."""
    return not sentence.isupper() and not sentence.islower()
