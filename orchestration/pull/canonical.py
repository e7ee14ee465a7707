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
from orchestration.pull.contracts import Contract, Mapping, Scalar
from orchestration.pull.kinds import Column, Kind, all_kinds
from orchestration.pull.records import FileContent

#: Instants outside of this range are typing errors or stand-ins for "none", not dates of a customer's life.
EARLIEST, LATEST = "1990-01-01", "2100-01-01"

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
_SECONDS_PER = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


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
    #: Rows that go on with a record of another row.
    rows_merged: int = 0

    @property
    def rows_read(self) -> int:
        return self.loaded.num_rows + self.quarantined.num_rows + self.rows_merged


def literal(value: Scalar | None) -> str:
    """A contract's value as an SQL text literal."""
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A contract's column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _text_expression(mapping: Mapping, contract: Contract, present: dict[str, str]) -> str:
    """The column's text in the export, trimmed; null where it is missing."""
    if mapping.value is not None:
        return literal(mapping.value)
    if mapping.sql is not None:
        text = f"cast(({mapping.sql}) as varchar)"
    else:
        name = present.get((mapping.source or "").lower())
        text = f"cast({identifier(name)} as varchar)" if name else "cast(null as varchar)"
    text = f"nullif(trim({text}), '')"
    missing = [*contract.missing, *mapping.missing]
    if missing:
        text = f"case when {text} in ({', '.join(literal(m) for m in missing)}) then null else {text} end"
    if mapping.map:
        cases = " ".join(
            f"when lower({text}) = {literal(str(key).lower())} then {literal(value)}"
            for key, value in mapping.map.items()
            if key != "*"
        )
        rest = f"when {text} is not null then {literal(mapping.map['*'])}" if "*" in mapping.map else ""
        text = f"case {cases} {rest} else {text} end"
    return text


def _local_and_instant(text: str, mapping: Mapping, timezone: str) -> tuple[str, str]:
    """Wall-clock time in ``timezone``, and the same as a timestamp in UTC; text without an offset is local time."""
    zone = literal(timezone)
    if mapping.unit in ("epoch_seconds", "epoch_milliseconds"):
        factor = 1_000_000 if mapping.unit == "epoch_seconds" else 1_000
        instant = f"make_timestamp(try_cast(round(try_cast({text} as double) * {factor}) as bigint))"
        return f"({instant} at time zone 'UTC' at time zone {zone})", instant
    if mapping.formats:
        local = f"try_strptime({text}, [{', '.join(literal(f) for f in mapping.formats)}])"
        return local, f"({local} at time zone {zone}) at time zone 'UTC'"
    has_offset = rf"regexp_matches({text}, '(Z|UTC|[+-]\d\d(:?\d\d)?)$') and regexp_matches({text}, '\d:\d\d')"
    # '… +0500' and '…+05:30' and '… UTC' are all in use; DuckDB reads '+05:30' and 'Z'.
    iso = rf"regexp_replace(regexp_replace({text}, ' ?UTC$', 'Z'), ' ?([+-]\d\d):?(\d\d)$', '\1:\2')"
    zoned, plain = f"try_cast({iso} as timestamptz)", f"try_cast({text} as timestamp)"
    return (
        f"case when {has_offset} then {zoned} at time zone {zone} else {plain} end",
        f"case when {has_offset} then {zoned} at time zone 'UTC' else ({plain} at time zone {zone}) at time zone 'UTC' end",
    )


def _instant(text: str, mapping: Mapping, timezone: str) -> str:
    return _local_and_instant(text, mapping, timezone)[1]


def _promise(text: str, mapping: Mapping, timezone: str) -> str:
    """Like an instant, but midnight in ``timezone`` promises the day: kept until its last microsecond."""
    local, instant = _local_and_instant(text, mapping, timezone)
    zone = literal(timezone)
    end_of_day = f"(({local}) + interval 1 day) at time zone {zone} at time zone 'UTC' - interval 1 microsecond"
    return f"case when date_trunc('day', {local}) = ({local}) then {end_of_day} else {instant} end"


def _number(text: str, contract: Contract) -> str:
    return f"replace(replace({text}, '.', ''), ',', '.')" if contract.decimal == "," else text


def _seconds(text: str, mapping: Mapping, contract: Contract) -> str:
    factor = _SECONDS_PER.get(mapping.unit or "seconds", 1)
    clock = rf"case when regexp_matches({text}, '^\d+:\d\d:\d\d$') then epoch(try_cast({text} as interval)) end"
    number = f"try_cast({_number(text, contract)} as double) * {factor}"
    return f"try_cast(round(coalesce({clock}, case when isfinite({number}) then {number} end)) as bigint)"


def _typed_expression(column: Column, text: str, mapping: Mapping, contract: Contract) -> str:
    number = _number(text, contract)
    match column.type:
        case "text" | "prose":
            return text
        case "email":
            return f"lower({text})"
        case "phone":
            return text
        case "word":
            return f"lower({text})"
        case "one_of":
            return f"case when lower({text}) in ({', '.join(literal(v) for v in column.values)}) then lower({text}) end"
        case "instant":
            return _instant(text, mapping, contract.timezone)
        case "promise":
            return _promise(text, mapping, contract.timezone)
        case "date":
            return f"cast({_instant(text, mapping, 'UTC')} as date)"
        case "seconds":
            return _seconds(text, mapping, contract)
        case "integer":
            rounded = f"try_cast({number} as double)"
            return f"case when {rounded} = round({rounded}) then try_cast({rounded} as bigint) end"
        case "number":
            return f"case when isfinite(try_cast({number} as double)) then try_cast({number} as double) end"
        case "boolean":
            return (
                f"case when lower({text}) in ('true', 't', 'yes', 'y', '1', '1.0') then true "
                f"when lower({text}) in ('false', 'f', 'no', 'n', '0', '0.0') then false end"
            )
        case _:
            return f"try_cast({number} as {column.sql_type})"


def _problem(column: Column) -> str:
    """SQL: why the row cannot be taken because of this column, or null. ``t_`` is the text, ``c_`` the typed value."""
    text, value = identifier(f"t_{column.name}"), identifier(f"c_{column.name}")
    cases = []
    if column.required:
        cases.append(f"when {text} is null then 'is required but empty'")
    what = f"one of: {', '.join(column.values)}" if column.values else f"a valid {column.type}"
    # Personal values stay out of messages: the row number leads to them.
    shown = f"'a value of ' || length({text}) || ' characters'" if column.is_personal else f"'''' || left({text}, 80) || ''''"
    cases.append(f"when {text} is not null and {value} is null then {shown} || {literal(' is not ' + what)}")
    if column.type in ("instant", "promise", "date"):
        cases.append(
            f"when {value} < timestamp '{EARLIEST}' or {value} >= timestamp '{LATEST}' "
            f"then {shown} || ' lies outside of {EARLIEST} to {LATEST}'"
        )
    if column.type == "seconds" or column.name in ("reopens", "agent_replies", "quantity"):
        cases.append(f"when {value} < 0 then {shown} || ' is negative'")
    return f"case {' '.join(cases)} end"


def _statement(contract: Contract, kind: Kind, present: dict[str, str]) -> str:
    mapped = {name: contract.columns.get(name) for name in kind.columns}
    texts = ",\n".join(
        f"{_text_expression(m, contract, present) if m else 'cast(null as varchar)'} as {identifier('t_' + name)}"
        for name, m in mapped.items()
    )
    typed = ",\n".join(
        f"{_typed_expression(kind.columns[name], identifier('t_' + name), m or Mapping(value=''), contract)} "
        f"as {identifier('c_' + name)}"
        for name, m in mapped.items()
    )
    problems = ",\n".join(f"{{'column_name': {literal(c.name)}, 'reason': {_problem(c)}}}" for c in kind.columns.values())
    source = _text_expression(contract.source, contract, present) if contract.source else "cast(null as varchar)"
    return f"""
        with texts as (select _row, {texts}, {source} as s_source from mapped),
        typed as (select *, {typed} from texts)
        select *, list_filter([{problems}], lambda p: p.reason is not null) as problems
        from typed
    """


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
            statement = _statement(contract, kind, {name.lower(): name for name in header})
            con.execute(f"create temp table result as {statement}")
        except duckdb.Error as error:
            raise ConfigurationError(f"contract {contract.name!r}: its SQL fails on {origin.file}: {error}") from error
        loaded = _loaded(con, kind, origin, contract)
        quarantined = _quarantined(con, content, kind, origin)
    used = {(m.source or "").lower() for m in contract.columns.values()}
    used |= {(contract.source.source or "").lower()} if contract.source else set()
    goes_on = contract.continuation.rows if contract.continuation else ""
    sql = " ".join([contract.query or "", goes_on, *(m.sql or "" for m in contract.columns.values())]).lower()
    unknown = [name for name in content.header if name.lower() not in used and name.lower() not in sql]
    return Canonical(loaded, quarantined, unknown, merged)


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
    names = contract.continuation.of
    of = ", ".join(f"nullif(trim(cast({identifier(name)} as varchar)), '') as of_{i}" for i, name in enumerate(names))
    same = " and ".join(f"going.of_{i} = carrying.of_{i}" for i in range(len(names)))
    condition = f"coalesce(({contract.continuation.rows}), false)"
    con.execute(f"create temp table flagged as select _row, {condition} as goes_on, {of} from mapped")
    con.execute(
        "delete from mapped where _row in (select going._row from flagged as going where going.goes_on "
        f"and exists (select 1 from flagged as carrying where not carrying.goes_on and {same}))"
    )
    left = con.execute("select (select count(*) from flagged) - (select count(*) from mapped)").fetchone()
    return int(left[0]) if left else 0


def _lineage(origin: Origin) -> tuple[str, list[str | int | None]]:
    where: list[str | int | None] = [origin.source, origin.file, origin.batch, origin.contract]
    return (
        "? as _source, ? as _file, _row, cast(? as bigint) as _batch, ? as _contract, cast(? as varchar) as _series, "
        "cast(? as bigint) as _delivery",
        [*where, origin.series, origin.delivery],
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
