"""From a file's text columns to typed canonical rows, or to quarantine with the reason.

The typing runs in DuckDB, which takes the file's blocks of rows and gives typed ones, a few at a time: no step holds a whole
file. Only what looks at several rows at once, a contract's ``query`` or ``continuation``, has them all in a table, which DuckDB
puts on disk where its memory ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.core.connections import connect, explain
from orchestration.core.errors import ConfigurationError, LimitExceededError, RefusedFileError
from orchestration.core.literals import identifier
from orchestration.pull.contracts.contract import Contract
from orchestration.pull.files.headers import SHEET, by_name, found, options
from orchestration.pull.files.records import Rows
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.pull.personal import names_shown
from orchestration.pull.rows.availability import available_columns
from orchestration.pull.rows.row_order import put_in_order
from orchestration.pull.rows.sifting import Sifted, condition_of, sift
from orchestration.pull.rows.sorting import Feed, Origin, Sorter
from orchestration.pull.rows.statement import REPEATED, statement
from orchestration.pull.rows.values import declare

#: So many typed rows are taken at a time.
BLOCK_ROWS = 2**15
#: All rows of a companion of several files, and the place of the file that each is of.
_PARTS, _PART = "_cxhouse_parts", "_cxhouse_part"


@dataclass(frozen=True)
class Canonical:
    """What became of a file's rows under its contract."""

    rows_loaded: int
    rows_quarantined: int
    unknown_columns: list[str]
    #: Columns of the kind that the file has a word for, be it always an empty one; and what it cannot say ("status!cancelled").
    available_columns: tuple[str, ...]
    #: Rows that go on with a record of another row, or repeat it.
    rows_merged: int = 0
    #: Rows that the contract's ``where`` leaves out.
    rows_left_out: int = 0
    messages: tuple[str, ...] = ()

    @property
    def rows_carrying_none(self) -> int:
        """Rows that carry no record of their own."""
        return self.rows_merged + self.rows_left_out

    @property
    def rows_read(self) -> int:
        return self.rows_loaded + self.rows_quarantined + self.rows_carrying_none


def canonicalise(
    rows: Rows, contract: Contract, origin: Origin, loaded: Path, rejected: Path, companions: dict[str, list[Rows]] | None = None
) -> Canonical:
    """Apply a contract to a file's rows: what can be loaded is written to one file of Parquet, the rest to another.

    Rows read = rows loaded + quarantined + merged into others + left out, always: the result is checked against the file.

    Raises:
        ConfigurationError: the contract's SQL does not run, or loses or multiplies rows.
        RefusedFileError: a column that the contract needs is not in the file.
    """
    kind = all_kinds()[contract.kind]
    if contract.query is None or not rows.header:
        require_columns(contract, kind, rows.header)
    present = {name.lower() for name in rows.header}
    further = [name for name in contract.optional_columns if name.lower() not in present]
    feed = Feed(rows, further, keeps=not contract.looks_around)
    with connect() as con:
        con.execute("set TimeZone = 'UTC'")
        declare(con)
        for name, parts in (companions or {}).items():
            put_companion(con, name, parts, contract.also_reads[name].key)
        # From here on no statement can reach a file or an extension.
        con.execute("set enable_external_access = false")
        condition = None
        if contract.looks_around:
            sifted = _put_together(con, contract, feed, origin)
        else:
            sifted, condition = Sifted(feed.header), condition_of(contract, feed.header)
        sorter = Sorter(kind, origin, loaded, rejected)
        good, bad = _type(con, contract, by_name(sifted.header), feed, sorter, condition)
    put_in_order(kind, loaded, sorter.twice)
    there = feed.count + feed.broken
    left_out = there - good - bad - sifted.merged if condition else sifted.left_out
    if left_out < 0 or good + bad + sifted.merged + left_out != there:
        raise ConfigurationError(
            f"contract {contract.name!r}: {good + bad + sifted.merged + left_out:,} rows came of the {there:,} of {origin.file}"
        )
    available = available_columns(contract, kind, sifted.header if contract.query else rows.header, further)
    unknown = unknown_columns(contract, rows.header)
    messages = (*sifted.messages, *(_kept_back(name, count) for name, count in sorted(sorter.kept_back.items())))
    return Canonical(good, bad, unknown, available, sifted.merged, left_out, messages)


def _kept_back(name: str, count: int) -> str:
    values = "1 value looks" if count == 1 else f"{count:,} values look"
    return f"extra {name}: {values} like an address, a number of somebody or a sentence: left out, since members are published"


def put_beside(con: duckdb.DuckDBPyConnection, name: str, others: Rows) -> None:
    """A companion's rows as a table, block by block, so that what its reader raises arrives as it is."""
    con.register("empty", others.schema.empty_table())
    con.execute(f"create temp table {identifier(name)} as select * from empty")
    con.unregister("empty")
    for block in others.blocks():
        con.register("block", block.table)
        con.execute(f"insert into {identifier(name)} select * from block")
        con.unregister("block")


def put_companion(con: duckdb.DuckDBPyConnection, name: str, parts: list[Rows], key: list[str]) -> None:
    """The files of a companion, the oldest first, as one table: of the rows that share the key those of the newest file."""
    if len(parts) == 1:
        put_beside(con, name, parts[0])
        return
    for place, part in enumerate(parts):
        con.register(f"empty_{place}", part.schema.empty_table())
    empty = " union all by name ".join(f"select * from empty_{place}" for place in range(len(parts)))
    con.execute(f"create temp table {_PARTS} as select *, 0 as {_PART} from ({empty})")
    for place, part in enumerate(parts):
        con.unregister(f"empty_{place}")
        for block in part.blocks():
            con.register("block", block.table)
            con.execute(f"insert into {_PARTS} by name select *, {place} as {_PART} from block")
            con.unregister("block")
    record = ", ".join(f"trim({identifier(column)})" for column in key)
    con.execute(
        f"create temp table {identifier(name)} as select * exclude ({_PART}) from {_PARTS} "
        f"qualify {_PART} = max({_PART}) over (partition by {record})"
    )
    con.execute(f"drop table {_PARTS}")


def unknown_columns(contract: Contract, header: list[str]) -> list[str]:
    """Columns of a file that its contract does not name."""
    present = by_name(header)
    named = [m.source for m in contract.mappings]
    named += [contract.source.source] if contract.source else []
    named += contract.continuation.of if contract.continuation else []
    named += [*contract.distinct_on, *contract.carry_down, *(contract.where if isinstance(contract.where, dict) else ())]
    named += [contract.unpivot.name, contract.unpivot.value, *contract.unpivot.keep] if contract.unpivot else []
    named += [name for m in contract.columns.values() for name in m.place_in]
    used = {found(present, name) for name in named}
    used |= {SHEET if contract.sheets else None}
    used |= {column for m in contract.mappings for column in options(present, m.option_of)}
    sql = " ".join(
        [
            contract.query or "",
            contract.where if isinstance(contract.where, str) else "",
            contract.continuation.rows if contract.continuation else "",
            *(m.sql or "" for m in contract.mappings),
        ]
    ).lower()
    return [name for name in header if name not in used and name.lower() not in sql]


#: What DuckDB raises because of a value, not because of the statement.
_ON_A_VALUE = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
#: How the same begins where it comes with a stream of results.
_TOLD_ON_A_VALUE = ("Conversion Error", "Out of Range Error", "Invalid Input Error")


def _is_on_a_value(error: Exception) -> bool:
    return isinstance(error, _ON_A_VALUE) or (isinstance(error, OSError) and str(error).startswith(_TOLD_ON_A_VALUE))


def _put_together(con: duckdb.DuckDBPyConnection, contract: Contract, feed: Feed, origin: Origin) -> Sifted:
    """Make the table ``mapped`` of the rows that carry a record."""
    try:
        con.register("rows_of_file", feed.reader())
        con.execute("create temp table file as select * from rows_of_file")
        con.unregister("rows_of_file")
        con.execute(f"create temp table mapped as {contract.query or 'select * from file'}")
        con.execute("drop table file")
        if contract.also_reads:
            mark_repeated(con)
        _same_rows(con, contract, feed.count)
        return sift(con, contract)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if feed.error is None and _is_on_a_value(error):
            # Its message quotes the value.
            raise RefusedFileError(
                f"has a value on which {_sql_of_all_rows(contract)} of contract {contract.name} fails; let it use try_cast and "
                "try_strptime"
            ) from None
        raise _meaning(error, feed, contract, origin) from None


def _sql_of_all_rows(contract: Contract) -> str:
    """What of a contract's SQL may fail before any row is typed."""
    parts = {"the query": contract.query, "`continuation`": contract.continuation, "`where`": contract.where}
    return " or ".join(name for name, part in parts.items() if part) or "a key"


def _type(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    present: dict[str, str],
    feed: Feed,
    sorter: Sorter,
    condition: str | None,
    tried: bool = False,
) -> tuple[int, int]:
    """Type and sort the rows; where the contract's SQL fails on a value, once more, and that value's row says so.

    Only rows that meet the ``condition`` are taken.
    """
    lineage, values = _lineage(sorter.origin)
    sql = statement(contract, sorter.kind, present, lineage, condition, tried)
    # To rewrite a hundred columns' expressions takes longer than to work them out for ten thousand rows, and saves no time later.
    # And what two tried expressions share would be worked out before either is tried.
    con.execute(f"set disabled_optimizers = 'expression_rewriter{', common_subexpressions' if tried else ''}'")
    if feed.keeps:
        # Several threads would give rows in another order than the file's.
        con.execute("set threads = 1")
        con.register("mapped", feed.reader())
    else:
        sql += " order by _row"
    try:
        return sorter.sort(con.sql(sql, params=values).to_arrow_reader(BLOCK_ROWS), feed)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if tried and condition and feed.error is None and _is_on_a_value(error):
            # A row of which nobody can say whether it is a record may not be left out. (The message quotes the value.)
            raise RefusedFileError(
                f"has a value on which `where` of contract {contract.name} fails; let it use try_cast and try_strptime"
            ) from None
        if tried or feed.error is not None or not _is_on_a_value(error):
            raise _meaning(error, feed, contract, sorter.origin) from None
    return _type(con, contract, present, feed, sorter, condition, tried=True)


def _meaning(error: Exception, feed: Feed, contract: Contract, origin: Origin) -> Exception:
    """What an error in DuckDB comes from: the file, too little memory, or the contract."""
    if feed.error is not None:
        return feed.error
    if (explained := explain(error, f"the pull of {origin.file}")) is not None:
        # A query over all rows is the contract's wish; rows one by one are the file's.
        return explained if contract.looks_around else LimitExceededError("cannot be read: " + str(explained))
    if not isinstance(error, duckdb.Error):
        return error
    return ConfigurationError(f"contract {contract.name!r}: its SQL fails on {origin.file}: {str(error).splitlines()[0]}")


def require_columns(contract: Contract, kind: Kind, header: list[str]) -> None:
    """Refuse a file whose header lacks columns without which no row of the kind can be.

    Raises:
        RefusedFileError: a required column is missing, or there is none at all.
    """
    if not header:
        # Of text a header would be lacking: these are lists of records, such as the last page of an API.
        raise RefusedFileError("has no records that could be read, and so no columns: there is nothing to load from it")
    present = by_name(header)
    sources = [contract.columns[name].source for name in kind.required_columns]
    lacking = [source for source in sources if source and found(present, source) is None]
    wanted = [contract.columns[name].option_of for name in kind.required_columns]
    lacking += [" or ".join(patterns) for patterns in wanted if patterns and not options(present, patterns)]
    if lacking:
        if len(header) == 1 and all(name in header[0].lower() for name in map(str.lower, lacking)):
            raise RefusedFileError(
                f"was read as one column ({header[0]}), which holds the names of several: say in a contract "
                "by which `delimiter` they are separated, or export it with commas"
            )
        raise RefusedFileError(
            f"lacks the column(s) {', '.join(lacking)}, which {kind.name} requires (it has: "
            f"{names_shown(list(header)) or 'none'}); rename them in the export, or write a contract that maps them"
        )


def _same_rows(con: duckdb.DuckDBPyConnection, contract: Contract, expected: int) -> None:
    if contract.query is None:
        return
    (rows,) = con.execute("select count(*), count(distinct _row) from mapped").fetchall()
    if rows != (expected, expected):
        raise ConfigurationError(
            f"contract {contract.name!r}: its query gives {rows[0]} rows for the file's {expected}; "
            "each row of `file` must come out once, with its _row"
        )


def mark_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """Of a row that the files read along give several of, one stays, marked: nobody knows which of them is meant."""
    ((rows, different),) = con.execute("select count(*), count(distinct _row) from mapped").fetchall()
    if rows == different:
        con.execute(f"alter table mapped add column {REPEATED} boolean default false")
        return
    con.execute(
        f"create temp table marked as select *, count(*) over (partition by _row) > 1 as {REPEATED} from mapped "
        "qualify row_number() over (partition by _row) = 1"
    )
    con.execute("drop table mapped")
    con.execute("alter table marked rename to mapped")


def _lineage(origin: Origin) -> tuple[dict[str, str], list[str | int | None]]:
    """SQL of the columns that say where a row comes from, and the values that it asks for."""
    text, number = "cast(? as varchar)", "cast(? as bigint)"
    columns = {
        "_source": text, "_file": text, "_row": "_row", "_batch": number, "_contract": text, "_series": text, "_delivery": number,
    }  # fmt: skip
    return columns, [origin.source, origin.file, origin.batch, origin.contract, origin.series, origin.delivery]
