"""The topics of each text, under the names that users gave them in the seed ``topics``, or their own words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.settings.model import Settings
from orchestration.texts import words
from orchestration.texts.cleaning import cleaned
from orchestration.texts.kept import texts_of
from orchestration.texts.redaction import MARKS, redacted
from orchestration.texts.topics import Corpus, Said, Topic, day_of, members
from orchestration.warehouse.seeds import effective_seed

#: Texts of a topic that are looked at for how its words are written.
_LOOKED_AT = 200
#: Words of a topic that are its name, where nobody gave it one.
LABEL_WORDS = 3
#: In the place of a topic for texts that are about none.
NONE = "none"


@dataclass(frozen=True)
class Named:
    """A row of the seed ``topics``: a text with a word of each set is about it. Topics with words of a row
    without a name are left out.
    """

    name: str
    words: tuple[frozenset[str], ...]

    @property
    def id(self) -> str:
        return "n" + hashlib.sha256(self.name.casefold().encode()).hexdigest()[:8]

    def covers(self, topic: Topic) -> bool:
        return all(keys.intersection(topic.words) for keys in self.words)


def read_named(settings: Settings, progress: Callable[[str], None]) -> list[Named]:
    """What the seed ``topics`` of a home says."""
    found = []
    for number, row in effective_seed(settings.config_dir, "topics").rows:
        wanted = [words.keys_of_word(word, row["language"] or None) for word in row["words"].split()]
        known = tuple(keys for keys in wanted if keys)
        if known:
            found.append(Named(row["topic"], known))
        else:
            progress(f"texts: row {number} of the seed topics has no word that says what a text is about")
    return found


def topics_by_text(
    con: duckdb.DuckDBPyConnection, corpus: Corpus, said: list[Said], found: list[Topic], named: list[Named]
) -> tuple[list[dict], list[dict]]:
    """The rows of texts with their topics, and of topics: found ones under the names that the user gave them."""
    names = {topic.id: next((row for row in named if row.covers(topic)), None) for topic in found}
    shares: dict[tuple[int, str], float] = {}
    about = members(corpus, found).tocoo()
    for row, number, part in zip(about.row.tolist(), about.col.tolist(), about.data.tolist(), strict=True):
        own = names[found[number].id]
        if own is None or own.name:
            pair = (row, own.id if own else found[number].id)
            shares[pair] = max(shares.get(pair, 0.0), round(part, 6))
    for own in named:
        for row in _said_with(corpus, own) if own.name else ():
            shares[row, own.id] = 1.0
    texts: dict[str, list[int]] = {}
    for row, topic in sorted(shares):
        texts.setdefault(topic, []).append(row)
    parts: dict[str, list[Topic]] = {}
    for one in found:
        own = names[one.id]
        parts.setdefault(own.id if own else one.id, []).append(one)
    called = {own.id: own.name for own in named if own.name}
    wanted = {topic: _wanted(parts.get(topic, []), [own for own in named if own.id == topic]) for topic in texts}
    written = _written(con, said, texts, wanted)
    # A topic of names is none.
    nameless = {topic for topic, (own_words, _) in written.items() if not own_words and topic not in called}
    shares = {pair: part for pair, part in shares.items() if pair[1] not in nameless}
    table = [
        {
            "record_kind": said[row].record_kind, "record_id": said[row].record_id, "text_hash": said[row].text_hash,
            "topic_id": NONE, "share_of_words": None,
        }
        for row in sorted(set(range(len(said))) - {row for row, _ in shares})
    ] + [
        {
            "record_kind": said[row].record_kind, "record_id": said[row].record_id, "text_hash": said[row].text_hash,
            "topic_id": topic, "share_of_words": part,
        }
        for (row, topic), part in sorted(shares.items())
    ]  # fmt: skip
    labels = []
    for topic in sorted(texts.keys() - nameless):
        group, (own_words, label) = parts.get(topic, []), written[topic]
        labels.append(
            {
                "topic_id": topic, "topic": called.get(topic) or ", ".join(label), "words": ", ".join(own_words),
                "keys": " ".join(wanted[topic]), "is_named": topic in called,
                "languages": ", ".join(sorted({said[row].language for row in texts[topic]})),
                "found_on": day_of(min((one.first_week for one in group), default=None)),
                "last_found_on": day_of(max((one.last_week for one in group), default=None)),
            }
        )  # fmt: skip
    return table, labels


def _wanted(group: list[Topic], named: list[Named]) -> list[str]:
    """The keys by which a topic goes, the most characteristic first."""
    keys = [key for topic in sorted(group, key=lambda topic: (topic.first_week, topic.id)) for key in topic.words]
    keys += [key for row in named for word in row.words for key in sorted(word)]
    return list(dict.fromkeys(keys))


def _said_with(corpus: Corpus, own: Named) -> np.ndarray:
    """The texts that have a word of each of a row's sets."""
    place = {key: number for number, key in enumerate(corpus.vocabulary)}
    hits = np.ones(corpus.rows.shape[0], bool)
    for keys in own.words:
        columns = [place[key] for key in sorted(keys) if key in place]
        hits &= np.asarray(corpus.rows[:, columns].sum(axis=1)).ravel() > 0 if columns else False
    return np.flatnonzero(hits)


def _written(
    con: duckdb.DuckDBPyConnection, said: list[Said], texts: dict[str, list[int]], wanted: dict[str, list[str]]
) -> dict[str, tuple[list[str], list[str]]]:
    """For each topic its words as most texts of its commonest language write them (or all, if that lacks one), and its label:
    the first ones of that language. Looked at are a few texts, by their hash, without names.
    """
    chosen = {topic: sorted({said[row].text_hash for row in rows})[:_LOOKED_AT] for topic, rows in texts.items()}
    topics: dict[str, list[str]] = {}
    for topic, hashes in chosen.items():
        for key in hashes:
            topics.setdefault(key, []).append(topic)
    languages = {one.text_hash: one.language for one in said}
    main = {topic: Counter(said[row].language for row in rows).most_common(1)[0][0] for topic, rows in texts.items()}
    counts: dict[str, dict[str, Counter[tuple[bool, str]]]] = {
        topic: {key: Counter() for key in keys} for topic, keys in wanted.items()
    }
    asked = pa.table({"text_hash": sorted(topics)})  # noqa: F841 (DuckDB reads it by its name)
    con.execute("create or replace temp table asked_for as select * from asked")
    for batch in texts_of(con, "select text_hash from asked_for"):
        for key, text, _ in batch:
            for name, form in words.keys_of(MARKS.sub(" ", redacted(cleaned(text))), languages[key]):
                for topic in topics[key]:
                    if name in counts[topic]:
                        counts[topic][name][languages[key] != main[topic], form] += 1
    found = {}
    for topic, keys in counts.items():
        forms = [min(said_as, key=lambda form: (form[0], -said_as[form], form[1])) for said_as in keys.values() if said_as]
        own = [form for is_other, form in forms if not is_other]
        found[topic] = ([form for _, form in forms], (own or [form for _, form in forms])[:LABEL_WORDS])
    return found
