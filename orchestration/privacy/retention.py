"""How long a home keeps what persons wrote, and how it arrived: the setting `retention`, applied by each run.

Rows themselves stay: figures of the past would shrink, and a customer's first order would be forgotten, without a word.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.core import durable
from orchestration.core.errors import ConfigurationError, RefusedFileError
from orchestration.privacy.identifiers import FORGOTTEN
from orchestration.privacy.roll import write_whole
from orchestration.privacy.rows import NOTHING
from orchestration.pull.home.ledger import Landed, Ledger
from orchestration.pull.home.originals import drop_original, has_original, keep_rows, no_rows_path
from orchestration.pull.home.tables import RowGroups, put_file
from orchestration.pull.jobs import Job, options_of
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.settings.model import Retention, Settings

#: What is where a text was whose time is over.
REMOVED = "[removed]"
ALL = "all"
#: Of each raw file of a kind with a limit: the day of its first row that still has a text.
_NEXT = "retention.json"


def check_retention(settings: Settings) -> None:
    """Hold the setting against the kinds.

    Raises:
        ConfigurationError: it names a kind that there is not, or texts of a kind that has none.
    """
    for name, limits in settings.retention.items():
        if name != ALL and name not in all_kinds():
            raise ConfigurationError(f"retention: no kind {name!r}; there are: {ALL}, {', '.join(all_kinds())}")
        if name != ALL and limits.texts is not None and not texts_of_kind(all_kinds()[name]):
            raise ConfigurationError(f"retention: {name} has no texts")


def texts_of_kind(kind: Kind) -> list[str]:
    """The columns of a kind that hold free text."""
    return [name for name, column in kind.columns.items() if column.type == "prose"]


def limits_of(settings: Settings, kind: str) -> Retention:
    """The limits of a kind: its own, else those of all. An original goes no later than the texts that it holds."""
    own, common = settings.retention.get(kind, Retention()), settings.retention.get(ALL, Retention())
    texts = (own.texts if own.texts is not None else common.texts) if texts_of_kind(all_kinds()[kind]) else None
    originals = own.originals if own.originals is not None else common.originals
    rejected = own.rejected if own.rejected is not None else common.rejected
    earliest = [days for days in (originals, texts, rejected) if days is not None]
    return Retention(originals=min(earliest) if earliest else None, texts=texts, rejected=rejected)


def apply_retention(settings: Settings, ledger: Ledger, wanted: list[Job], now: datetime | None = None) -> Iterator[str]:
    """Remove what has been kept for long enough; says what was removed."""
    if not settings.retention:
        return
    now = now or datetime.now(UTC).replace(tzinfo=None)
    landed = ledger.landed()
    arrived = {file.batch: datetime.fromisoformat(file.landed_at).astimezone(UTC).replace(tzinfo=None) for file in landed}
    originals = sum(_drop_if_over(settings, file, wanted, now - arrived[file.batch]) for file in landed)
    if originals:
        yield f"retention: {originals:,} original(s) removed"
    for kind in all_kinds().values():
        limits = limits_of(settings, kind.name)
        if limits.texts is not None:
            until = now - timedelta(days=limits.texts)
            if removed := _remove_texts(settings, kind, until):
                yield f"retention: {kind.name}: texts of {removed:,} row(s) of before {until:%Y-%m-%d} removed"
        if limits.rejected is not None:
            over = {batch for batch, at in arrived.items() if at < now - timedelta(days=limits.rejected)}
            if emptied := sum(_empty(path) for path in _of_batches(settings.quarantine / kind.name, over)):
                yield f"retention: {kind.name}: cells of {emptied:,} rejected row(s) removed"


# -- originals ---------------------------------------------------------------------------------------------------------


def _drop_if_over(settings: Settings, file: Landed, wanted: list[Job], age: timedelta) -> bool:
    landing, read_by = settings.landing, [job for job in wanted if job.file.batch == file.batch]
    kinds = {job.contract.kind for job in read_by}
    days = [limit for kind in kinds if (limit := limits_of(settings, kind).originals) is not None]
    if not kinds and (common := settings.retention.get(ALL)) and common.originals is not None:
        days = [common.originals]
    if not days or age < timedelta(days=min(days)) or not has_original(landing, file):
        return False
    if any(file in files[-1:] for job in wanted for files in job.companions.values()):
        # New files cannot be read without it. A newer one takes its place; an older part is no longer needed by what was loaded.
        return False
    for job in read_by:
        try:
            keep_rows(landing, file, options_of(job.contract), None, settings.scratch)
        except RefusedFileError:
            continue
    # Should nothing have been loaded of it, it is not fetched again, either.
    no_rows_path(landing, file).touch()
    drop_original(landing, file)
    return True


# -- texts -------------------------------------------------------------------------------------------------------------


def _instant_of(kind: Kind) -> str:
    return next(name for name, column in kind.columns.items() if column.required and column.type == "instant")


def _remove_texts(settings: Settings, kind: Kind, until: datetime) -> int:
    """Take the texts out of rows of before an instant; a file is looked at when the first of its rows is due."""
    known = _read_next(settings)
    removed, at = 0, _instant_of(kind)
    names = texts_of_kind(kind)
    kept: dict[str, str] = {}
    for path in sorted((settings.raw / kind.name).glob("*.*.parquet")):
        due = known.get(f"{kind.name}/{path.name}")
        if due is not None and due > until.isoformat():
            kept[f"{kind.name}/{path.name}"] = due
            continue
        with pq.ParquetFile(path) as file:
            there = [name for name in names if name in file.schema_arrow.names]
            times = file.read(columns=[at, *there])
        has_text = _any([_is_text(times[name]) for name in there], times.num_rows)
        over = pc.and_(has_text, pc.fill_null(pc.less(times[at], pa.scalar(until, pa.timestamp("us"))), False))
        later = pc.min(times[at].filter(pc.and_(has_text, pc.invert(over)))).as_py()
        count = pc.sum(over).as_py() or 0
        name = _without_texts(settings, path, at, there, until) if count else path.name
        removed += count
        kept[f"{kind.name}/{name}"] = (later or datetime.max).isoformat()
    others = {name: due for name, due in known.items() if not name.startswith(f"{kind.name}/")}
    write_whole(settings.home / _NEXT, json.dumps({**others, **kept}))
    return removed


def _read_next(settings: Settings) -> dict[str, str]:
    try:
        return dict(json.loads((settings.home / _NEXT).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _is_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    over = pc.is_in(column, value_set=pa.array([REMOVED, FORGOTTEN], pa.string()))
    return pc.and_(pc.is_valid(column), pc.invert(over))


def _any(masks: list[pa.ChunkedArray], rows: int) -> pa.ChunkedArray:
    found = pa.chunked_array([pa.repeat(False, rows)])
    for mask in masks:
        found = pc.or_(found, mask)
    return found


def _without_texts(settings: Settings, path: Path, at: str, names: list[str], until: datetime) -> str:
    """Write a raw file again; returns its new name."""
    draft = settings.scratch / f"retention_{path.parent.name}_{path.name}"
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with pq.ParquetFile(path) as file, RowGroups(draft, file.schema_arrow) as out:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            over = pc.fill_null(pc.less(table[at], pa.scalar(until, pa.timestamp("us"))), False)
            for name in names:
                column = pc.if_else(pc.and_(over, _is_text(table[name])), pa.scalar(REMOVED), table[name])
                table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
            out.write(table)
    put = put_file(draft, path.parent, path.name.partition(".")[0])
    durable.sync_moved([put])
    return put.name


# -- rejected rows -----------------------------------------------------------------------------------------------------


def _of_batches(folder: Path, batches: set[int]) -> list[Path]:
    return [path for path in sorted(folder.glob("*.*.parquet")) if int(path.name.partition("_")[0]) in batches]


def _empty(path: Path) -> int:
    """Take the cells out of all rejected rows of a file: their reasons and numbers stay, and the counts agree."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    held = Counter(table["record"].to_pylist())
    count = sum(rows for record, rows in held.items() if record != NOTHING)
    if count:
        nothing = pa.repeat(NOTHING, table.num_rows)
        draft = path.with_name(f"{path.name}.draft")
        pq.write_table(table.set_column(table.column_names.index("record"), "record", nothing), draft, compression="zstd")
        durable.sync_moved([put_file(draft, path.parent, path.name.partition(".")[0])])
    return count
