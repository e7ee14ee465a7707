"""Sentences in customers' own words that can be shown: redacted, of different people, and of words that many use.

Patterns and lists find most of what leads to somebody. Other names have neither form nor list; but they are rare: a word that
fewer than ``min_people`` people have used is left out, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.core.personal_data import finds
from orchestration.settings.model import Settings
from orchestration.texts import words
from orchestration.texts.base import sentences
from orchestration.texts.cleaning import cleaned
from orchestration.texts.kept import texts_of
from orchestration.texts.redaction import MARKS, redacted
from orchestration.texts.topics import Corpus, Said

PER_TOPIC = 3
#: Texts of a topic that are looked at, the newest with most of its words first.
_LOOKED_AT = 60
_SHORTEST, _LONGEST = 20, 240
#: Words that may be left out of an example, as a share of its words.
_LEFT_OUT = 0.2
_GAP = "…"
_WORD = re.compile(r"\[[a-z-]+\]|[^\W_]+(?:[-'’][^\W_]+)*")


def common_keys(corpus: Corpus, known_authors: np.ndarray, min_people: int) -> frozenset[str]:
    """The keys of words that enough people have used; those whom nobody knows may be one and the same."""
    authors = np.where(known_authors, corpus.authors, -1)
    part = corpus.rows.tocoo()
    pairs = np.unique(np.stack([part.col, authors[part.row]]), axis=1)
    people = np.bincount(pairs[0], minlength=len(corpus.vocabulary))
    return frozenset(corpus.vocabulary[place] for place in np.flatnonzero(people >= min_people).tolist())


def shown(sentence: str, language: str, common: frozenset[str]) -> tuple[str, float]:
    """A redacted sentence without words that few people use, and the share of its words that were left out."""
    counts = [0, 0]

    def kept(match: re.Match[str]) -> str:
        word = match[0]
        if word.startswith("["):
            return word
        counts[0] += 1
        if all(_is_common(part, language, common) for part in re.split(r"['’-]", word) if part):
            return word
        counts[1] += 1
        return _GAP

    text = _WORD.sub(kept, sentence)
    text = re.sub(rf"{_GAP}(?:\W*{_GAP})+", _GAP, text)
    return " ".join(text.split()), counts[1] / counts[0] if counts[0] else 1.0


def _is_common(word: str, language: str, common: frozenset[str]) -> bool:
    if word.isdigit():
        return len(word) <= 2
    if any(letter.isdigit() for letter in word):
        return False
    return words.is_plain(word, language) or any(key in common for key, _ in words.keys_of(word, language))


def examples_of(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    corpus: Corpus,
    said: Sequence[Said],
    table: list[dict],
    labels: list[dict],
) -> list[dict]:
    """For each topic of enough people up to three sentences, each of somebody else: topic_id, place, language, example."""
    common = common_keys(corpus, np.array([one.customer_key is not None for one in said], bool), settings.min_people)
    by_record = {(one.record_kind, one.record_id): number for number, one in enumerate(said)}
    rows: dict[str, list[tuple[float, int]]] = {}
    for row in table:
        number = by_record.get((row["record_kind"], row["record_id"]))
        if number is not None and row["share_of_words"] is not None:
            rows.setdefault(row["topic_id"], []).append((-row["share_of_words"], -number))
    people = {topic: {said[-number].customer_key for _, number in found} - {None} for topic, found in rows.items()}
    wanted = {
        topic: [said[-number] for _, number in sorted(found)[:_LOOKED_AT]]
        for topic, found in rows.items()
        if len(people[topic]) >= settings.min_people
    }
    texts = _texts(con, {one.text_hash for found in wanted.values() for one in found})
    keys = {label["topic_id"]: frozenset(label["keys"].split()) for label in labels}
    return [row for topic in sorted(wanted) for row in _of_topic(topic, wanted[topic], keys[topic], texts, common)]


def _texts(con: duckdb.DuckDBPyConnection, hashes: set[str]) -> dict[str, str]:
    asked = pa.table({"text_hash": sorted(hashes)})  # noqa: F841 (DuckDB reads it by its name)
    con.execute("create or replace temp table asked_for as select * from asked")
    return {key: text for batch in texts_of(con, "select text_hash from asked_for") for key, text, _ in batch}


def _of_topic(
    topic: str, said: Sequence[Said], keys: frozenset[str], texts: dict[str, str], common: frozenset[str]
) -> Iterator[dict]:
    """The best sentences: with most of the topic's words, least left out; one for each author and wording."""
    found = []
    for place, one in enumerate(said):
        best = None
        for sentence in sentences(redacted(cleaned(texts[one.text_hash]))):
            own = len({key for key, _ in words.keys_of(MARKS.sub(" ", sentence), one.language)} & keys)
            if not own or not _SHORTEST <= len(sentence) <= _LONGEST:
                continue
            text, left_out = shown(sentence, one.language, common)
            if left_out <= _LEFT_OUT and not finds(text):
                best = min(best or (0, 1.0, 0, "", one), (-own, left_out, place, text, one), key=lambda item: item[:3])
        if best:
            found.append(best)
    authors: set[str] = set()
    wordings: set[str] = set()
    for _, _, _, text, one in sorted(found, key=lambda item: item[:3]):
        if one.author not in authors and text.casefold() not in wordings and len(authors) < PER_TOPIC:
            authors.add(one.author)
            wordings.add(text.casefold())
            yield {"topic_id": topic, "place": len(authors), "language": one.language, "example": text}
