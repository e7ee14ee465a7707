"""From a file's text columns to typed canonical rows, or to quarantine with the reason.

The typing runs in DuckDB over the Arrow table. Only names and literals of the *contract* become part of a statement;
nothing from the data does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.errors import ConfigurationError, RefusedFileError
from orchestration.pull.contracts import Contract, Mapping
from orchestration.pull.kinds import Column, Kind, all_kinds
from orchestration.pull.records import FileContent
from orchestration.pull.values import (
    changes_clocks,
    declare,
    identifier,
    literal,
    prepared,
    present_text,
    problem,
    rule_problem,
    text_of,
    typed,
)

QUARANTINE_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("_source", pa.string()),
        ("_file", pa.string()),
        ("_row", pa.int64()),
        ("_batch", pa.int64()),
        ("_contract", pa.string()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
        ("record", pa.string()),
    ]
)


@dataclass(frozen=True)
class Origin:
    """Where rows come from: the source's name, the file in it, the number of its landing, and the contract.

    ``series`` and ``delivery`` are explained with LINEAGE.
    """

    source: str
    file: str
    batch: int
    contract: str
    series: str | None = None
    delivery: int | None = None


@dataclass(frozen=True)
class Canonical:
    """A file after its contract: rows to load and rows in quarantine (as QUARANTINE_SCHEMA)."""

    loaded: pa.Table
    quarantined: pa.Table
    unknown_columns: list[str]
    #: Columns of the kind that the file has a word for, be it always an empty one.
    told_columns: tuple[str, ...]
    #: Rows that go on with a record of another row.
    rows_merged: int = 0

    @property
    def rows_read(self) -> int:
        return self.loaded.num_rows + self.quarantined.num_rows + self.rows_merged


def _statement(contract: Contract, kind: Kind, present: dict[str, str], tried: bool = False) -> str:
    """Every row with its texts (``t_``), its typed values (``c_``) and why it cannot be taken (``problems``).

    With ``tried`` an expression of the contract that fails on a value fails for its row only.
    """
    mapped = {name: contract.columns.get(name) for name in kind.columns}
    texts = [f"{_text(column, mapped[name], contract, present, tried)} as t_{name}" for name, column in kind.columns.items()]
    source = text_of(contract.source, contract, present) if contract.source else "cast(null as varchar)"
    failures = [
        f"case when try({{'v': cast(({mapping.sql}) as varchar)}}) is null then {literal(name)} end"
        for name, mapping in mapped.items()
        if tried and mapping and mapping.sql is not None
    ]
    moved = [name for name in kind.in_time_order if mapped[name] and changes_clocks(contract.timezone)]
    mappings = {name: mapping or Mapping(value="") for name, mapping in mapped.items()}
    ready = [f"{text} as n_{name}" for name, c in kind.columns.items() if (text := prepared(c, f"t_{name}", contract))]
    values = [
        f"{typed(column, kind, mappings[name], contract)} as {'f' if name in moved else 'c'}_{name}"
        for name, column in kind.columns.items()
    ]
    values += [f"{typed(kind.columns[name], kind, mappings[name], contract, second=True)} as s_{name}" for name in moved]
    problems = [(column.name, problem(column, kind)) for column in kind.columns.values()]
    problems += [(rule.column, rule_problem(rule.holds, rule.otherwise, kind)) for rule in kind.rules]
    structs = ", ".join(f"{{'column_name': {literal(name)}, 'reason': {reason}}}" for name, reason in problems)
    failed = f"[{', '.join(failures)}]" if failures else "cast([] as varchar[])"
    failed = f"list_transform(list_filter({failed}, lambda n: n is not null), lambda n: {_FAILED})"
    chosen = "".join(f", {expression} as c_{name}" for name, expression in _clock_times(moved).items())
    return f"""
        with texts as (select _row, {", ".join(texts)}, {source} as s_source, {failed} as failures from mapped),
        prepared as (select *, {", ".join(ready)} from texts),
        typed as (select *, {", ".join(values)} from prepared),
        placed as (select *{chosen} from typed)
        select *, failures || list_filter([{structs}], lambda p: p.reason is not null) as problems
        from placed
    """


_FAILED = "{'column_name': n, 'reason': 'has a value on which the SQL of the contract fails'}"


def _text(column: Column, mapping: Mapping | None, contract: Contract, present: dict[str, str], tried: bool) -> str:
    return present_text(column, text_of(mapping, contract, present, tried)) if mapping else "cast(null as varchar)"


def _clock_times(names: list[str]) -> dict[str, str]:
    """Of clock times that happen twice (``f_`` the first instant, ``s_`` the second) the one that fits those of its record.

    It is the first, unless that lies before what came earlier, or an hour more than the second before what comes next.
    """
    chosen = {}
    for place, name in enumerate(names):
        first, second = f"f_{name}", f"s_{name}"
        before = ", ".join(f"c_{earlier}" for earlier in names[:place])
        after = ", ".join(f"case when f_{later} = s_{later} then f_{later} end" for later in names[place + 1 :])
        cases = f"when {first} < greatest({before}) then {second} " if before else ""
        if after:
            next_at = f"least({after})"
            cases += f"when {second} <= {next_at} and {next_at} - {second} < interval 1 hour then {second} "
        chosen[name] = f"case when {first} = {second} then {first} {cases}else {first} end"
    return chosen


def canonicalise(
    content: FileContent, contract: Contract, origin: Origin, companions: dict[str, pa.Table] | None = None
) -> Canonical:
    """Apply a contract to a file's rows.

    Rows read = rows loaded + rows quarantined + rows merged into others, always: the result is checked against the file.

    Raises:
        ConfigurationError: the contract's SQL does not run, or loses or multiplies rows.
        RefusedFileError: a column that the contract needs is not in the file.
    """
    kind = all_kinds()[contract.kind]
    present = {name.lower(): name for name in content.header}
    if contract.query is None:
        _require_columns(contract, kind, present)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        declare(con)
        con.register("file", _with_optional(content.table, contract))
        for name, table in (companions or {}).items():
            con.register(name, table)
        # From here on no statement can reach a file or an extension.
        con.execute("set enable_external_access = false")
        try:
            con.execute(f"create temp table mapped as {contract.query or 'select * from file'}")
            header = [row[0] for row in con.execute("describe mapped").fetchall()]
            _same_rows(con, contract, content.table.num_rows)
            merged = _merge(con, contract)
        except _ON_A_VALUE:
            # Its message quotes the value.
            raise RefusedFileError(
                f"has a value on which the query of contract {contract.name} fails; let the query use try_cast and try_strptime"
            ) from None
        except duckdb.Error as error:
            raise _sql_error(contract, origin, error) from None
        told = _told_columns(contract, kind, header if contract.query else content.header)
        _type(con, contract, kind, {name.lower(): name for name in header}, origin)
        loaded = _loaded(con, kind, origin, contract)
        quarantined = _quarantined(con, content, kind, origin)
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
    unknown = [name for name in content.header if name.lower() not in used and name.lower() not in sql]
    return Canonical(loaded, quarantined, unknown, told, merged)


def _told_columns(contract: Contract, kind: Kind, header: list[str]) -> tuple[str, ...]:
    present = {name.lower() for name in header}
    mapped = [(name, mapping) for name in kind.columns if (mapping := contract.columns.get(name))]
    return tuple(name for name, m in mapped if m.sql or m.value not in (None, "") or (m.source and m.source.lower() in present))


#: What DuckDB raises because of a value, not because of the statement.
_ON_A_VALUE = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)


def _sql_error(contract: Contract, origin: Origin, error: duckdb.Error) -> ConfigurationError:
    return ConfigurationError(f"contract {contract.name!r}: its SQL fails on {origin.file}: {str(error).splitlines()[0]}")


def _type(con: duckdb.DuckDBPyConnection, contract: Contract, kind: Kind, present: dict[str, str], origin: Origin) -> None:
    """Make the table ``result``; where the contract's SQL fails on a value, that value's row says so."""
    try:
        con.execute(f"create temp table result as {_statement(contract, kind, present)}")
    except _ON_A_VALUE:
        con.execute(f"create temp table result as {_statement(contract, kind, present, tried=True)}")
    except duckdb.Error as error:
        raise _sql_error(contract, origin, error) from None


def _with_optional(table: pa.Table, contract: Contract) -> pa.Table:
    present = {name.lower() for name in table.column_names}
    for name in contract.optional_columns:
        if name.lower() not in present:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table


def _require_columns(contract: Contract, kind: Kind, present: dict[str, str]) -> None:
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
    rows = con.execute("select count(*), count(distinct _row) from mapped").fetchone()
    if rows != (expected, expected):
        raise ConfigurationError(
            f"contract {contract.name!r}: its query gives {rows[0] if rows else 0} rows for the file's {expected}; "
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
    left = con.execute("select (select count(*) from flagged) - (select count(*) from mapped)").fetchone()
    return int(left[0]) if left else 0


def _lineage(origin: Origin) -> tuple[str, list[str | int | None]]:
    values: list[str | int | None] = [origin.source, origin.file, origin.batch, origin.contract, origin.series, origin.delivery]
    return (
        "? as _source, ? as _file, _row, cast(? as bigint) as _batch, ? as _contract, cast(? as varchar) as _series, "
        "cast(? as bigint) as _delivery",
        values,
    )


def _of_source(name: str, kind: Kind, contract: Contract) -> str:
    """A column's value; an id carries the source whose number it is."""
    value = identifier("c_" + name)
    if name not in kind.ids:
        return value
    mapping = contract.columns.get(name)
    if mapping and mapping.in_source is not None:
        return f"{literal(mapping.in_source + ':')} || {value}" if mapping.in_source else value
    return f"coalesce(s_source || ':', '') || {value}"


def _loaded(con: duckdb.DuckDBPyConnection, kind: Kind, origin: Origin, contract: Contract) -> pa.Table:
    lineage, values = _lineage(origin)
    columns = ", ".join(f"{_of_source(name, kind, contract)} as {identifier(name)}" for name in kind.columns)
    query = f"select {columns}, {lineage} from result where len(problems) = 0 order by _row"
    return con.sql(query, params=values).to_arrow_table().cast(kind.arrow_schema)


def _quarantined(con: duckdb.DuckDBPyConnection, content: FileContent, kind: Kind, origin: Origin) -> pa.Table:
    rejected = con.execute(
        "select _row, list_aggregate(list_transform(problems, lambda p: p.column_name), 'string_agg', ', '), "
        "list_aggregate(list_transform(problems, lambda p: p.column_name || ' ' || p.reason), 'string_agg', '; ') "
        "from result where len(problems) > 0 order by _row"
    ).fetchall()
    numbers = pa.array([row for row, _, _ in rejected], pa.int64())
    originals = content.table.filter(pc.is_in(content.table["_row"], value_set=numbers)).to_pylist()
    by_row = {record.pop("_row"): json.dumps(record, ensure_ascii=False) for record in originals}
    rows = [(row, columns, reason, by_row[row]) for row, columns, reason in rejected]
    rows += [(b.row, None, b.reason, b.text) for b in content.broken]
    return pa.Table.from_pylist(
        [
            {
                "kind": kind.name, "_source": origin.source, "_file": origin.file, "_row": row,
                "_batch": origin.batch, "_contract": origin.contract, "column_name": columns, "reason": reason, "record": record,
            }
            for row, columns, reason, record in sorted(rows, key=lambda r: r[0])
        ],
        schema=QUARANTINE_SCHEMA,
    )  # fmt: skip
