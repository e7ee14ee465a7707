"""Topics: words that customers use together. Found week by week, so that a topic keeps its id as long as its words overlap, and
so that the same texts give the same topics and ids whenever they arrive.

A text is about a topic when it has two of its words (or the only one). The arrays: ``texts`` and ``keys`` are numbers of a text
and a key, one pair for each different key of a text; texts are numbered in the order of their time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from orchestration.texts.words import CONCEPT

#: The first of January 1970 was one, and so is three days behind a Monday.
_THURSDAY = 3
#: How the ids of topics begin that were found, not named.
FOUND = "t"


@dataclass(frozen=True)
class Finding:
    """When words are a topic."""

    #: Texts and people that say a word, without which it is none of a topic; and the share of texts.
    min_texts: int = 8
    min_people: int = 5
    min_share: float = 0.004
    #: A word of more texts than this says nothing of what they are about.
    max_share: float = 0.5
    #: The words that most texts have; others are none of a topic.
    most_words: int = 400
    #: How alike the texts of two words are (cosine), from which on these belong together; and how much more often they must meet
    #: than by chance.
    alike: float = 0.3
    lift: float = 1.5
    #: Words of a topic, at most.
    most_of_topic: int = 12
    #: A topic of which so many texts are another one's, too, is a part of that.
    inside: float = 0.7
    #: The newest texts that a week looks back on, and its days.
    window_texts: int = 20_000
    window_days: int = 365


@dataclass(frozen=True)
class Topic:
    """A topic with its words, the most characteristic first; the weeks in which it was first and last found
    are counted from 1970.
    """

    id: str
    words: tuple[str, ...]
    first_week: int
    last_week: int

    @property
    def needed(self) -> int:
        """Words of it that a text must have to be about it."""
        return min(2, len(self.words))


@dataclass(frozen=True)
class Corpus:
    """The words of texts in the order of time. ``weeks``: of each text; ``authors``: a number of who wrote it."""

    vocabulary: Sequence[str]
    weeks: np.ndarray
    authors: np.ndarray
    rows: sp.csr_matrix = field(repr=False)


def corpus_of(keys: Sequence[Sequence[str]], weeks: Sequence[int], authors: Sequence[str]) -> Corpus:
    """A corpus of texts that are sorted by time: the keys of each, its week, its author."""
    vocabulary = sorted({key for found in keys for key in found})
    place = {key: number for number, key in enumerate(vocabulary)}
    columns = np.fromiter((place[key] for found in keys for key in found), np.int64)
    starts = np.concatenate([[0], np.cumsum([len(found) for found in keys])])
    rows = sp.csr_matrix((np.ones(len(columns), np.int32), columns, starts), shape=(len(keys), len(vocabulary)))
    _, numbers = np.unique(np.array(authors, dtype=object).astype(str), return_inverse=True)
    return Corpus(vocabulary, np.array(weeks, np.int64), numbers, rows)


def words_together(corpus: Corpus, first: int, last: int, rules: Finding) -> list[tuple[str, ...]]:
    """The topics' words in the texts from ``first`` up to ``last`` (exclusive), the topic of most texts first."""
    rows = corpus.rows[first:last]
    texts = last - first
    counts = np.bincount(rows.indices, minlength=len(corpus.vocabulary))
    least = max(rules.min_texts, rules.min_share * texts)
    chosen = np.flatnonzero((counts >= least) & (counts <= rules.max_share * texts))
    if len(chosen) > rules.most_words:
        chosen = np.sort(chosen[np.lexsort((chosen, -counts[chosen]))[: rules.most_words]])
    chosen = chosen[_people(rows, chosen, corpus.authors[first:last]) >= rules.min_people]
    if not len(chosen):
        return []
    part, counts = rows[:, chosen], counts[chosen].astype(float)
    together = (part.T @ part).toarray().astype(float)
    alike = together / np.sqrt(np.outer(counts, counts))
    by_chance = np.outer(counts, counts) / texts
    alike[(together < rules.min_texts / 2) | (together < rules.lift * by_chance)] = 0.0
    np.fill_diagonal(alike, 1.0)
    groups = np.ones(1, int)
    if len(chosen) > 1:
        distances = squareform(np.round(1.0 - alike, 9), checks=False)
        groups = fcluster(linkage(distances, "average"), 1.0 - rules.alike, "distance")
    found = []
    for group in range(1, groups.max() + 1):
        members = np.flatnonzero(groups == group)
        # The words that stand for the whole: said often, and with the others of the topic.
        weight = alike[np.ix_(members, members)].mean(axis=1) * np.sqrt(counts[members])
        order = members[np.lexsort((members, -weight))][: rules.most_of_topic]
        words = tuple(corpus.vocabulary[chosen[member]] for member in order)
        if len(words) > 1 or words[0].startswith(CONCEPT):
            found.append((-float(counts[members].max()), words))
    return [words for _, words in sorted(found)]


def _people(rows: sp.csr_matrix, chosen: np.ndarray, authors: np.ndarray) -> np.ndarray:
    """Different authors of each chosen word."""
    part = rows[:, chosen].tocoo()
    pairs = np.unique(np.stack([part.col, authors[part.row]]), axis=1)
    return np.bincount(pairs[0], minlength=len(chosen))


def topics_of(corpus: Corpus, last_week: int, rules: Finding, known: Sequence[Topic] = ()) -> list[Topic]:
    """All topics that were found in any week up to ``last_week``, each with the words of the last week that found it.

    ``known`` are topics of texts that are no longer there.
    """
    topics = {topic.id: topic for topic in known}
    for week in weeks_of(corpus, last_week):
        topics = after_week(corpus, week, topics, rules)
    return sorted(topics.values(), key=lambda topic: topic.id)


def after_week(corpus: Corpus, week: int, topics: dict[str, Topic], rules: Finding) -> dict[str, Topic]:
    """The topics as a week knows them, which sees the texts of the weeks before it; ``topics`` are those that were known then."""
    last = int(np.searchsorted(corpus.weeks, week))
    first = max(int(np.searchsorted(corpus.weeks, week - rules.window_days // 7)), last - rules.window_texts)
    return matched(topics, words_together(corpus, first, last, rules), week)


def weeks_of(corpus: Corpus, last_week: int) -> list[int]:
    """The weeks in which topics are looked for: those after a week with texts, up to the one that is on."""
    return sorted({int(week) + 1 for week in np.unique(corpus.weeks) if week < last_week})


def matched(topics: dict[str, Topic], found: list[tuple[str, ...]], week: int) -> dict[str, Topic]:
    """The topics after a week that found these: one whose words overlap with an earlier one's is that one."""
    words = {topic.id: set(topic.words) for topic in topics.values()}
    pairs = [
        (-overlap, number, name)
        for number, group in enumerate(found)
        for name, others in words.items()
        if (overlap := len(others.intersection(group)) / min(len(others), len(group))) >= 0.5
    ]
    taken: dict[int, str] = {}
    for _, number, name in sorted(pairs):
        if number not in taken and name not in taken.values():
            taken[number] = name
    after = dict(topics)
    for number, group in enumerate(found):
        name = taken.get(number) or _new_id(group, after)
        first = after[name].first_week if name in after else week
        after[name] = Topic(name, group, first, week)
    return after


def _new_id(group: tuple[str, ...], others: dict[str, Topic]) -> str:
    """Of the words, so that it is the same wherever the same texts are read."""
    number = 0
    while True:
        name = FOUND + hashlib.sha256(f"{' '.join(sorted(group))} {number}".encode()).hexdigest()[:8]
        if name not in others:
            return name
        number += 1


def members(corpus: Corpus, topics: Sequence[Topic]) -> sp.csr_matrix:
    """Texts x topics: the share of a topic's words that a text has, where it has as many as make it one about the topic."""
    place = {key: number for number, key in enumerate(corpus.vocabulary)}
    entries = [(place[key], number) for number, topic in enumerate(topics) for key in topic.words if key in place]
    shape = (len(corpus.vocabulary), len(topics))
    columns, numbers = np.array(entries, np.int64).reshape(-1, 2).T
    said = (corpus.rows @ sp.csr_matrix((np.ones(len(entries), np.int32), (columns, numbers)), shape=shape)).tocoo()
    kept = said.data >= np.array([topic.needed for topic in topics], np.int64)[said.col]
    share = said.data[kept] / np.array([len(topic.words) for topic in topics], np.int64)[said.col[kept]]
    return sp.csr_matrix((share, (said.row[kept], said.col[kept])), shape=said.shape)


def of_their_own(corpus: Corpus, topics: Sequence[Topic], rules: Finding) -> list[Topic]:
    """Topics without those whose texts are nearly all of another one: the one found last, and the larger, stays."""
    said = members(corpus, topics).astype(bool).astype(np.int64)
    together = (said.T @ said).toarray()
    texts = together.diagonal()
    kept: list[int] = []
    for number in sorted(range(len(topics)), key=lambda at: (-topics[at].last_week, -texts[at], topics[at].id)):
        if texts[number] and not any(together[number, other] >= rules.inside * texts[number] for other in kept):
            kept.append(number)
    return [topics[number] for number in sorted(kept)]


# -- texts and weeks -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A text that complains. ``author`` is who wrote it, as far as it is known; else nobody else."""

    record_kind: str
    record_id: str
    week: int
    text_hash: str
    language: str
    customer_key: str | None

    @property
    def author(self) -> str:
        return self.customer_key or f"{self.record_kind} {self.record_id}"


def week_of(at: date) -> int:
    """Weeks from Monday to Monday, counted from 1970, UTC."""
    return ((date(at.year, at.month, at.day) - date(1970, 1, 1)).days + _THURSDAY) // 7


def day_of(week: int | None) -> date | None:
    """The Monday of a week."""
    return None if week is None else date(1970, 1, 1) + timedelta(days=week * 7 - _THURSDAY)
