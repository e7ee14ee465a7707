"""Each text is scored once, by the best model there is of its language, and again when a better one comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from orchestration.core import durable
from orchestration.privacy.identifiers import FORGOTTEN
from orchestration.privacy.retention import REMOVED
from orchestration.pull.home.tables import put_table
from orchestration.settings.model import Settings
from orchestration.texts.kept import HASH, kept_of, texts_of
from orchestration.texts.sources import EACH
from orchestration.texts.tables import MODELS, SCORES, TABLES, TOPICS, TOPICS_FOUND, ensure_text_tables

if TYPE_CHECKING:
    from orchestration.texts.judging import Rules

_FOUND = ("text_hash", "language", "language_from", "sentences", "lexicon_polarity", "worst_sentence")
_LIBRARIES = ("numpy", "py3langid", "scikit-learn", "scipy", "snowballstemmer", "stop-words", "vaderSentiment")


def score_texts(
    settings: Settings, con: duckdb.DuckDBPyConnection, progress: Callable[[str], None], rules: Rules | None = None
) -> dict[str, int]:
    """Score the texts of the staging tables that ``con`` shows, and write the tables; returns their rows.

    Raises a duckdb.Error where a staging table is not there.
    """
    ensure_text_tables(settings)
    _list_texts(con)
    outlived = _outlived(settings, con)
    topics = _outlived_topics(settings, con)
    if not _count(con, "listed"):
        nothing = {name: schema.empty_table() for name, (_, schema) in TABLES.items()} | {SCORES: outlived} | topics
        for name, table in nothing.items():
            put_table(table, name, settings.raw, settings.scratch)
        return {name: table.num_rows for name, table in nothing.items()}
    # Not before it is needed: the libraries take seconds to import.
    from orchestration.texts.judging import Rules
    from orchestration.texts.pains import topic_tables
    from orchestration.texts.serving import models_of, scored_by_model

    made_by = code_version()
    is_ours = _is_ours(settings, made_by)
    _take_over(settings, con, made_by)
    new = _count(con, "listed anti join known using (text_hash)")
    if new:
        progress(f"texts: {new} new")
        _score_by_lexicon(con)
    con.execute("create or replace temp table current as select * from listed join known using (text_hash)")
    models = models_of(con, kept_of(settings), rules or Rules(), made_by, progress)
    scored = scored_by_model(con, models)
    rows = {
        SCORES: pa.concat_tables([scored.cast(TABLES[SCORES][1]), outlived]),
        MODELS: pa.Table.from_pylist([row for model in models for row in model.rows], schema=TABLES[MODELS][1]),
        **topic_tables(settings, con, kept_of(settings), is_ours, progress, topics),
    }
    for name, table in rows.items():
        put_table(table, name, settings.raw, settings.scratch)
    kept = kept_of(settings)
    kept.folder.mkdir(parents=True, exist_ok=True)
    durable.write_text(kept.record, json.dumps({"made_by": made_by, "files": _files(settings)}))
    return {name: table.num_rows for name, table in rows.items()}


def code_version() -> str:
    """Changes with the code, the word lists and the libraries that score."""
    digest = hashlib.sha256(json.dumps([version(name) for name in _LIBRARIES]).encode())
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".yml"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


#: A text without what is in the place of one that was taken out.
_REST = f"""trim(replace(replace("text", '{FORGOTTEN}', ''), '{REMOVED}', ''), ' ' || chr(10))"""


def _list_texts(con: duckdb.DuckDBPyConnection) -> None:
    """Each text that there is, without the text."""
    con.execute(
        f"""
        create or replace temp table listed as
        select record_kind, record_id, said_at, label, {HASH} as text_hash
        from ({EACH})
        where {_REST} <> ''
        """
    )


def _outlived(settings: Settings, con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Scores of records whose text was taken out since: forgotten, or its time was over. A figure of the past stays as it was."""
    before = ds.dataset([settings.raw / SCORES / name for name in _files(settings)])  # noqa: F841 (DuckDB reads it by its name)
    names = ", ".join(name if name != "text_hash" else "'' as text_hash" for name in TABLES[SCORES][1].names)
    emptied = f"""select record_kind, record_id from ({EACH}) where trim("text") <> '' and {_REST} = ''"""
    found = con.sql(f"select {names} from before semi join ({emptied}) using (record_kind, record_id)")
    return found.to_arrow_table().cast(TABLES[SCORES][1])


def _outlived_topics(settings: Settings, con: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """The topics of records whose text was taken out since because its time was over; not of persons who were forgotten."""
    rows = ds.dataset(sorted((settings.raw / TOPICS).glob("*.parquet")))  # noqa: F841 (DuckDB reads it by its name)
    topics = ds.dataset(sorted((settings.raw / TOPICS_FOUND).glob("*.parquet")))  # noqa: F841
    gone = f"""
        select record_kind, record_id from ({EACH})
        where contains("text", '{REMOVED}') and not contains("text", '{FORGOTTEN}') and {_REST} = ''
    """
    con.execute(f"create or replace temp table outlived as select * from rows semi join ({gone}) using (record_kind, record_id)")
    kept = con.sql("select * replace ('' as text_hash) from outlived order by record_kind, record_id, topic_id").to_arrow_table()
    found = con.sql("select * from topics semi join outlived using (topic_id) order by topic_id").to_arrow_table()
    return {TOPICS: kept.cast(TABLES[TOPICS][1]), TOPICS_FOUND: found.cast(TABLES[TOPICS_FOUND][1])}


def _take_over(settings: Settings, con: duckdb.DuckDBPyConnection, made_by: str) -> None:
    """What an earlier run found of these texts, where this code would find the same: tables ``scored_before`` and ``known``."""
    nothing = TABLES[SCORES][1].empty_table()
    files = [settings.raw / SCORES / name for name in _files(settings)]
    before = ds.dataset(files) if _is_ours(settings, made_by) else nothing  # noqa: F841 (DuckDB reads it by its name)
    con.execute(
        """
        create or replace temp table scored_before as
        select distinct on (text_hash) * from before semi join listed using (text_hash)
        """
    )
    con.execute(
        f"""
        create or replace temp table known as
        select {", ".join(_FOUND)} from scored_before
        """
    )


def _is_ours(settings: Settings, made_by: str) -> bool:
    if settings.full_refresh:
        return False
    try:
        record = json.loads(kept_of(settings).record.read_text(encoding="utf-8"))
        return bool(record == {"made_by": made_by, "files": _files(settings)})
    except (OSError, ValueError):
        return False


def _files(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.raw / SCORES).glob("*.parquet"))


def _score_by_lexicon(con: duckdb.DuckDBPyConnection) -> None:
    from orchestration.texts.serving import by_lexicon

    con.execute(
        "create or replace temp table new_hashes as select distinct text_hash from listed anti join known using (text_hash)"
    )
    kept = pa.schema([TABLES[SCORES][1].field(name) for name in _FOUND])
    batches = [
        pa.Table.from_pylist([{"text_hash": key, **by_lexicon(text, stated)} for key, text, stated in batch], schema=kept)
        for batch in texts_of(con, "select text_hash from new_hashes")
    ]
    found = pa.concat_tables(batches)  # noqa: F841 (DuckDB reads it by its name)
    con.execute("insert into known by name select * from found")


def _count(con: duckdb.DuckDBPyConnection, source: str) -> int:
    row = con.execute(f"select count(*) from {source}").fetchone()
    return int(row[0]) if row else 0
