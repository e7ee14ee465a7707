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

from orchestration.connections import connect, explain
from orchestration.errors import ConfigurationError, RefusedFileError
from orchestration.pull.contracts import Contract
from orchestration.pull.kinds import Kind, all_kinds
from orchestration.pull.literals import identifier
from orchestration.pull.records import Rows
from orchestration.pull.sorting import Feed, Origin, Sorter
from orchestration.pull.statement import statement
from orchestration.pull.values import declare

#: So many typed rows are taken at a time.
BLOCK_ROWS = 2**15


@dataclass(frozen=True)
class Canonical:
    """What became of a file's rows under its contract."""

    rows_loaded: int
    rows_quarantined: int
    unknown_columns: list[str]
    #: Columns of the kind that the file has a word for, be it always an empty one.
    told_columns: tuple[str, ...]
    #: Rows that go on with a record of another row.
    rows_merged: int = 0

    @property
    def rows_read(self) -> int:
        return self.rows_loaded + self.rows_quarantined + self.rows_merged


def canonicalise(
    rows: Rows, contract: Contract, origin: Origin, loaded: Path, rejected: Path, companions: dict[str, Rows] | None = None
) -> Canonical:
    """Apply a contract to a file's rows: what can be loaded is written to one file of Parquet, the rest to another.

    Rows read = rows loaded + rows quarantined + rows merged into others, always: the result is checked against the file.

    Raises:
        ConfigurationError: the contract's SQL does not run, or loses or multiplies rows.
        RefusedFileError: a column that the contract needs is not in the file.
    """
    kind = all_kinds()[contract.kind]
    if contract.query is None:
        require_columns(contract, kind, {name.lower(): name for name in rows.header})
    present = {name.lower() for name in rows.header}
    further = [name for name in contract.optional_columns if name.lower() not in present]
    feed = Feed(rows, further, keeps=not looks_around(contract))
    with connect() as con:
        con.execute("set TimeZone = 'UTC'")
        declare(con)
        for name, others in (companions or {}).items():
            put_beside(con, name, others)
        # From here on no statement can reach a file or an extension.
        con.execute("set enable_external_access = false")
        header, merged = feed.header, 0
        if looks_around(contract):
            header, merged = _put_together(con, contract, feed, origin)
        sorter = Sorter(kind, origin, loaded, rejected)
        good, bad = _type(con, contract, {name.lower(): name for name in header}, feed, sorter)
    if good + bad + merged != feed.count + feed.broken:
        raise ConfigurationError(
            f"contract {contract.name!r}: {good + bad + merged:,} rows came of the {feed.count + feed.broken:,} of {origin.file}"
        )
    told = _told_columns(contract, kind, header if contract.query else rows.header)
    return Canonical(good, bad, unknown_columns(contract, rows.header), told, merged)


def looks_around(contract: Contract) -> bool:
    """Does the contract look at several rows of a file at once?"""
    return contract.query is not None or contract.continuation is not None


def put_beside(con: duckdb.DuckDBPyConnection, name: str, others: Rows) -> None:
    """A companion's rows as a table, block by block, so that what its reader raises arrives as it is."""
    con.register("empty", others.schema.empty_table())
    con.execute(f"create temp table {identifier(name)} as select * from empty")
    con.unregister("empty")
    for block in others.blocks():
        con.register("block", block.table)
        con.execute(f"insert into {identifier(name)} select * from block")
        con.unregister("block")


def _told_columns(contract: Contract, kind: Kind, header: list[str]) -> tuple[str, ...]:
    present = {name.lower() for name in header}
    mapped = [(name, mapping) for name in kind.columns if (mapping := contract.columns.get(name))]
    return tuple(name for name, m in mapped if m.sql or m.value not in (None, "") or (m.source and m.source.lower() in present))


def unknown_columns(contract: Contract, header: list[str]) -> list[str]:
    """Columns of a file that its contract does not name."""
    used = {(m.source or "").lower() for m in contract.columns.values()}
    used |= {(contract.source.source or "").lower()} if contract.source else set()
    used |= {name.lower() for name in contract.continuation.of} if contract.continuation else set()
    sql = " ".join(
        [
            contract.query or "",
            contract.continuation.rows if contract.continuation else "",
            *(m.sql or "" for m in contract.columns.values()),
        ]
    ).lower()
    return [name for name in header if name.lower() not in used and name.lower() not in sql]


#: What DuckDB raises because of a value, not because of the statement.
_ON_A_VALUE = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
#: How the same begins where it comes with a stream of results.
_TOLD_ON_A_VALUE = ("Conversion Error", "Out of Range Error", "Invalid Input Error")


def _is_on_a_value(error: Exception) -> bool:
    return isinstance(error, _ON_A_VALUE) or (isinstance(error, OSError) and str(error).startswith(_TOLD_ON_A_VALUE))


def _put_together(con: duckdb.DuckDBPyConnection, contract: Contract, feed: Feed, origin: Origin) -> tuple[list[str], int]:
    """Make the table ``mapped`` of all rows; returns its columns, and how many rows were merged into others."""
    try:
        con.register("rows_of_file", feed.reader())
        con.execute("create temp table file as select * from rows_of_file")
        con.unregister("rows_of_file")
        con.execute(f"create temp table mapped as {contract.query or 'select * from file'}")
        con.execute("drop table file")
        header = [row[0] for row in con.execute("describe mapped").fetchall()]
        _same_rows(con, contract, feed.count)
        return header, _merge(con, contract)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if feed.error is None and _is_on_a_value(error):
            # Its message quotes the value.
            raise RefusedFileError(
                f"has a value on which the query of contract {contract.name} fails; let the query use try_cast and try_strptime"
            ) from None
        raise _meaning(error, feed, contract, origin) from None


def _type(
    con: duckdb.DuckDBPyConnection, contract: Contract, present: dict[str, str], feed: Feed, sorter: Sorter, tried: bool = False
) -> tuple[int, int]:
    """Type and sort the rows; where the contract's SQL fails on a value, once more, and that value's row says so."""
    lineage, values = _lineage(sorter.origin)
    sql = statement(contract, sorter.kind, present, lineage, tried)
    if tried:
        # What two tried expressions share would be worked out before either is tried.
        con.execute("set disabled_optimizers = 'common_subexpressions'")
    if feed.keeps:
        # Several threads would give rows in another order than the file's.
        con.execute("set threads = 1")
        con.register("mapped", feed.reader())
    else:
        sql += " order by _row"
    try:
        return sorter.sort(con.sql(sql, params=values).to_arrow_reader(BLOCK_ROWS), feed)
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if tried or feed.error is not None or not _is_on_a_value(error):
            raise _meaning(error, feed, contract, sorter.origin) from None
    return _type(con, contract, present, feed, sorter, tried=True)


def _meaning(error: Exception, feed: Feed, contract: Contract, origin: Origin) -> Exception:
    """What an error in DuckDB comes from: the file, too little memory, or the contract."""
    if feed.error is not None:
        return feed.error
    if (told := explain(error, f"the pull of {origin.file}")) is not None:
        return told
    if not isinstance(error, duckdb.Error):
        return error
    return ConfigurationError(f"contract {contract.name!r}: its SQL fails on {origin.file}: {str(error).splitlines()[0]}")


def require_columns(contract: Contract, kind: Kind, present: dict[str, str]) -> None:
    lacking = [
        source for name in kind.required_columns if (source := contract.columns[name].source) and source.lower() not in present
    ]
    if lacking:
        if len(present) == 1 and all(name in next(iter(present)) for name in map(str.lower, lacking)):
            raise RefusedFileError(
                f"was read as one column ({next(iter(present.values()))}), which holds the names of several: say in a contract "
                "by which `delimiter` they are separated, or export it with commas"
            )
        raise RefusedFileError(
            f"lacks the column(s) {', '.join(lacking)}, which {kind.name} requires (it has: "
            f"{', '.join(present.values()) or 'none'}); rename them in the export, or write a contract that maps them"
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


def _merge(con: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Take out the rows that go on with a record of another row; one that no row carries the record of stays."""
    if contract.continuation is None:
        return 0
    of = ", ".join(
        f"nullif(trim(cast({identifier(name)} as varchar)), '') as of_{i}" for i, name in enumerate(contract.continuation.of)
    )
    same = " and ".join(f"going.of_{i} = carrying.of_{i}" for i in range(len(contract.continuation.of)))
    con.execute(
        f"create temp table flagged as select _row, coalesce(({contract.continuation.rows}), false) as goes_on, {of} from mapped"
    )
    con.execute(
        "delete from mapped where _row in (select going._row from flagged as going where going.goes_on "
        f"and exists (select 1 from flagged as carrying where not carrying.goes_on and {same}))"
    )
    ((left,),) = con.execute("select (select count(*) from flagged) - (select count(*) from mapped)").fetchall()
    return int(left)


def _lineage(origin: Origin) -> tuple[dict[str, str], list[str | int | None]]:
    """SQL of the columns that say where a row comes from, and the values that it asks for."""
    text, number = "cast(? as varchar)", "cast(? as bigint)"
    columns = {
        "_source": text, "_file": text, "_row": "_row", "_batch": number, "_contract": text, "_series": text, "_delivery": number,
    }  # fmt: skip
    return columns, [origin.source, origin.file, origin.batch, origin.contract, origin.series, origin.delivery]
