"""Topics as a step: which texts complain, what they are about, and a few of their sentences where the home shows such."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration import durable
from orchestration.seeds import effective_seed
from orchestration.settings import Settings
from orchestration.texts import words
from orchestration.texts.cleaning import cleaned
from orchestration.texts.examples import examples_of
from orchestration.texts.step import Kept, texts_of
from orchestration.texts.tables import EXAMPLES, TABLES, TOPICS, TOPICS_FOUND
from orchestration.texts.topics import FOUND, Corpus, Finding, Topic, after_week, corpus_of, members, of_their_own, weeks_of

#: Tickets, calls, and reviews of one to four stars out of five.
_COMPLAINING = """
with told as (
    select 'review' as record_kind, review_id as record_id, 'orders' as parent_kind, order_id as parent_id,
        rating between 0 and 0.8 * coalesce(rating_scale, 5) as is_shown
    from staging.stg_reviews
    union all
    select 'transcript', transcript_id, case when call_id is not null then 'calls' else 'tickets' end,
        coalesce(call_id, ticket_id), true
    from staging.stg_transcripts
    union all
    select 'call', call_id, 'calls', call_id, true
    from staging.stg_calls
),
placed as (
    select told.* replace (coalesce(legs.call_id, told.parent_id) as parent_id)
    from told
    left join conformed.int_call_legs as legs on told.parent_kind = 'calls' and told.parent_id = legs.leg_id
)
select current.record_kind, current.record_id, current.said_at, current.text_hash, current.language,
    coalesce(people.customer_key, parents.customer_key) as customer_key
from current
left join placed on current.record_kind = placed.record_kind and current.record_id = placed.record_id
left join conformed.int_record_customers as people
    on people.record_kind = current.record_kind || 's' and people.record_id = current.record_id
left join conformed.int_record_customers as parents
    on parents.record_kind = placed.parent_kind and parents.record_id = placed.parent_id
where current.record_kind in ('ticket', 'call', 'transcript', 'review')
    and coalesce(placed.is_shown, current.record_kind <> 'review')
    and current.said_at is not null
order by current.said_at, current.record_kind, current.record_id
"""
#: Weeks whose topics are kept, so that a late file does not begin from the first.
_KEPT_WEEKS = 8
#: Texts of a topic that are looked at for how its words are written.
_LOOKED_AT = 200
#: In the place of a topic for texts that are about none.
NONE = "none"
#: The first of January 1970 was one, and so stands three days behind a Monday.
_THURSDAY = 3


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


@dataclass(frozen=True)
class Named:
    """A row of the seed ``topics``: a text with a word of each set is about it. Topics with words of a row
    without a name are left out."""

    name: str
    words: tuple[frozenset[str], ...]

    @property
    def id(self) -> str:
        return "n" + hashlib.sha256(self.name.casefold().encode()).hexdigest()[:8]

    def covers(self, topic: Topic) -> bool:
        return all(keys.intersection(topic.words) for keys in self.words)


def topic_tables(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    kept: Kept,
    is_ours: bool,
    progress: Callable[[str], None],
    outlived: dict[str, pa.Table],
    rules: Finding | None = None,
) -> dict[str, pa.Table]:
    """The tables of topics for the texts in the table ``current``.

    ``is_ours``: what ``kept`` holds was made by this code. ``outlived``: rows of texts that are no longer there, and
    their topics, which keep their ids.
    """
    said = [
        Said(kind, record, week_of(at), key, language, customer)
        for kind, record, at, key, language, customer in con.execute(_COMPLAINING).fetchall()
    ]
    keys = _keys(con, said, kept.words, is_ours)
    corpus = corpus_of([keys[one.text_hash] for one in said], [one.week for one in said], [one.author for one in said])
    old = outlived[TOPICS_FOUND].to_pylist()
    known = {one.id: one for one in map(_old_topic, old) if one.id.startswith(FOUND)}
    found = _found(settings, corpus, said, kept.topics if is_ours else None, kept.topics, known, rules or Finding())
    named = read_named(settings, progress)
    table, labels = _members(con, corpus, said, found, named)
    shown = examples_of(settings, con, corpus, said, table, labels) if settings.publish_examples else []
    table += outlived[TOPICS].to_pylist()
    labels += [row for row in old if row["topic_id"] not in {label["topic_id"] for label in labels}]
    return {
        TOPICS: pa.Table.from_pylist(table, schema=TABLES[TOPICS][1]),
        TOPICS_FOUND: pa.Table.from_pylist(labels, schema=TABLES[TOPICS_FOUND][1]),
        EXAMPLES: pa.Table.from_pylist(shown, schema=TABLES[EXAMPLES][1]),
    }


def week_of(at: date) -> int:
    """Weeks from Monday to Monday, counted from 1970, UTC."""
    return ((date(at.year, at.month, at.day) - date(1970, 1, 1)).days + _THURSDAY) // 7


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


# -- words ---------------------------------------------------------------------------------------------------------------


def _keys(con: duckdb.DuckDBPyConnection, said: list[Said], path: Path, is_ours: bool) -> dict[str, list[str]]:
    """The keys of each text, by its hash: those of earlier runs are kept."""
    languages = {one.text_hash: one.language for one in said}
    keys = {key: found for key, found in (_load(path) if is_ours else {}).items() if key in languages}
    new = sorted(languages.keys() - keys.keys())
    if new:
        asked = pa.table({"text_hash": new})  # noqa: F841 (DuckDB reads it by its name)
        con.execute("create or replace temp table asked_for as select * from asked")
        for batch in texts_of(con, "select text_hash from asked_for"):
            for key, text, _ in batch:
                keys[key] = words.distinct_keys(cleaned(text), languages[key])
        _save(path, keys)
    return keys


def _load(path: Path) -> dict[str, list[str]]:
    try:
        with np.load(path, allow_pickle=False) as held:
            vocabulary, columns = held["vocabulary"].tolist(), held["columns"].tolist()
            hashes, starts = held["hashes"].tolist(), held["starts"].tolist()
    except (OSError, ValueError, KeyError):
        return {}
    return {
        key: [vocabulary[column] for column in columns[first:last]]
        for key, first, last in zip(hashes, starts[:-1], starts[1:], strict=True)
    }


def _save(path: Path, keys: dict[str, list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = sorted({key for found in keys.values() for key in found})
    place = {key: number for number, key in enumerate(vocabulary)}
    draft = path.with_suffix(".draft")
    with draft.open("wb") as stream:
        np.savez_compressed(
            stream,
            vocabulary=np.array(vocabulary or [""]),
            hashes=np.array(list(keys) or [], dtype=str),
            starts=np.concatenate([[0], np.cumsum([len(found) for found in keys.values()], dtype=np.int64)]).astype(np.int64),
            columns=np.array([place[key] for found in keys.values() for key in found], np.int64),
        )
    draft.replace(path)


# -- topics --------------------------------------------------------------------------------------------------------------


def _found(
    settings: Settings,
    corpus: Corpus,
    said: list[Said],
    before: Path | None,
    path: Path,
    topics: dict[str, Topic],
    rules: Finding,
) -> list[Topic]:
    """The topics of all weeks; of weeks whose texts are as they were, those that were found then."""
    weeks = weeks_of(corpus, week_of(settings.as_of_instant()))
    digests = dict(zip(weeks, _digests(said, weeks, [asdict(rules), sorted(topics)]), strict=True))
    weeks_before = {week: group for week, (digest, group) in _load_weeks(before).items() if digests.get(week) == digest}
    at = max(weeks_before, default=None)
    done: list[tuple[int, list[Topic]]] = []
    if at is not None:
        topics = {topic.id: topic for topic in weeks_before[at]}
        done = sorted(weeks_before.items())
    for week in weeks:
        if at is None or week > at:
            topics = after_week(corpus, week, topics, rules)
            done.append((week, sorted(topics.values(), key=lambda topic: topic.id)))
    path.parent.mkdir(parents=True, exist_ok=True)
    told = [[week, digests[week], [asdict(topic) for topic in group]] for week, group in done[-_KEPT_WEEKS:]]
    durable.write_text(path, json.dumps(told))
    return of_their_own(corpus, sorted(topics.values(), key=lambda topic: topic.id), rules)


def _digests(said: list[Said], weeks: list[int], basis: object) -> Iterator[str]:
    """For each week what its topics depend on: the texts of the weeks before it, and who wrote them."""
    digest = hashlib.sha256(json.dumps(basis).encode())
    place = 0
    for week in weeks:
        while place < len(said) and said[place].week < week:
            one = said[place]
            digest.update(f"{one.week} {one.text_hash} {one.language} {one.author}\n".encode())
            place += 1
        yield digest.hexdigest()


def _load_weeks(path: Path | None) -> dict[int, tuple[str, list[Topic]]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8")) if path else []
        return {week: (digest, [_topic(item) for item in topics]) for week, digest, topics in told}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _old_topic(row: dict) -> Topic:
    return Topic(row["topic_id"], tuple(row["keys"].split()), week_of(row["found_on"]), week_of(row["last_found_on"]))


def _topic(item: dict) -> Topic:
    return Topic(str(item["id"]), tuple(item["words"]), int(item["first_week"]), int(item["last_week"]))


def _members(
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
    labels = []
    for topic in sorted(texts):
        group, forms = parts.get(topic, []), written[topic]
        own_words = [forms[key] for key in wanted[topic] if key in forms]
        labels.append(
            {
                "topic_id": topic, "topic": called.get(topic) or ", ".join(own_words[:3]), "words": ", ".join(own_words),
                "keys": " ".join(wanted[topic]), "is_named": topic in called,
                "languages": ", ".join(sorted({said[row].language for row in texts[topic]})),
                "found_on": day_of(min((one.first_week for one in group), default=None)),
                "last_found_on": day_of(max((one.last_week for one in group), default=None)),
            }
        )  # fmt: skip
    return table, labels


def _wanted(group: list[Topic], named: list[Named]) -> list[str]:
    """The keys by which a topic goes, the most telling first."""
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
) -> dict[str, dict[str, str]]:
    """For each topic how most of its texts write its words: looked at are a few of them, by their hash."""
    chosen = {topic: sorted({said[row].text_hash for row in rows})[:_LOOKED_AT] for topic, rows in texts.items()}
    topics: dict[str, list[str]] = {}
    for topic, hashes in chosen.items():
        for key in hashes:
            topics.setdefault(key, []).append(topic)
    languages = {one.text_hash: one.language for one in said}
    counts: dict[str, dict[str, Counter[str]]] = {topic: {key: Counter() for key in keys} for topic, keys in wanted.items()}
    asked = pa.table({"text_hash": sorted(topics)})  # noqa: F841 (DuckDB reads it by its name)
    con.execute("create or replace temp table asked_for as select * from asked")
    for batch in texts_of(con, "select text_hash from asked_for"):
        for key, text, _ in batch:
            for name, form in words.keys_of(cleaned(text), languages[key]):
                for topic in topics[key]:
                    if name in counts[topic]:
                        counts[topic][name][form] += 1
    return {
        topic: {name: min(forms, key=lambda form: (-forms[form], form)) for name, forms in found.items() if forms}
        for topic, found in counts.items()
    }


def day_of(week: int | None) -> date | None:
    """The Monday of a week."""
    return None if week is None else date(1970, 1, 1) + timedelta(days=week * 7 - _THURSDAY)
