"""Topics as a step: which texts complain, what they are about, and a few of their sentences where the home shows such."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.core import durable
from orchestration.settings.model import Settings
from orchestration.texts import words
from orchestration.texts.cleaning import cleaned
from orchestration.texts.examples import examples_of
from orchestration.texts.kept import Kept, texts_of
from orchestration.texts.tables import EXAMPLES, TABLES, TOPICS, TOPICS_FOUND
from orchestration.texts.topic_names import read_named, topics_by_text
from orchestration.texts.topics import (
    FOUND,
    Corpus,
    Finding,
    Said,
    Topic,
    after_week,
    corpus_of,
    of_their_own,
    week_of,
    weeks_of,
)

#: Tickets, calls, and reviews of one to four stars out of five.
_COMPLAINING = """
with records as (
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
    select records.* replace (coalesce(legs.call_id, records.parent_id) as parent_id)
    from records
    left join conformed.int_call_legs as legs on records.parent_kind = 'calls' and records.parent_id = legs.leg_id
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
    table, labels = topics_by_text(con, corpus, said, found, named)
    shown = examples_of(settings, con, corpus, said, table, labels) if settings.publish_examples else []
    table += outlived[TOPICS].to_pylist()
    labels += [row for row in old if row["topic_id"] not in {label["topic_id"] for label in labels}]
    return {
        TOPICS: pa.Table.from_pylist(table, schema=TABLES[TOPICS][1]),
        TOPICS_FOUND: pa.Table.from_pylist(labels, schema=TABLES[TOPICS_FOUND][1]),
        EXAMPLES: pa.Table.from_pylist(shown, schema=TABLES[EXAMPLES][1]),
    }


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
    content = [[week, digests[week], [asdict(topic) for topic in group]] for week, group in done[-_KEPT_WEEKS:]]
    durable.write_text(path, json.dumps(content))
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
        content = json.loads(path.read_text(encoding="utf-8")) if path else []
        return {week: (digest, [_topic(item) for item in topics]) for week, digest, topics in content}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _old_topic(row: dict) -> Topic:
    return Topic(row["topic_id"], tuple(row["keys"].split()), week_of(row["found_on"]), week_of(row["last_found_on"]))


def _topic(item: dict) -> Topic:
    return Topic(str(item["id"]), tuple(item["words"]), int(item["first_week"]), int(item["last_week"]))
