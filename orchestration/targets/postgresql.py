"""PostgreSQL as a target: its schemas get the published tables, all of them in one transaction.

Changed tables are loaded into temporary tables beside those that readers use; then rows that differ are deleted and inserted.
Tables, and so views, grants and row-level security that users put on them, stay; a reader's snapshot holds one version.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.core.connections import connect
from orchestration.core.errors import CxhouseError
from orchestration.core.literals import identifier, literal
from orchestration.settings.model import Settings
from orchestration.settings.targets import PostgreSQL
from orchestration.targets.relations import Column, Contents, Reference, Relation, references

if TYPE_CHECKING:
    import psycopg

#: PostgreSQL's type for each of DuckDB's; lists, maps and records become jsonb, and what is not named here text.
TYPES = {
    "BIGINT": "bigint",
    "BLOB": "bytea",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "FLOAT": "real",
    "HUGEINT": "numeric(39, 0)",
    "INTEGER": "integer",
    "INTERVAL": "interval",
    "SMALLINT": "smallint",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "TINYINT": "smallint",
    "UBIGINT": "numeric(20, 0)",
    "UINTEGER": "bigint",
    "USMALLINT": "integer",
    "UTINYINT": "smallint",
    "UUID": "uuid",
    "VARCHAR": "text",
}
#: Two runs, of whatever homes, do not load into one database at the same time: an arbitrary number that only cxhouse takes.
LOCK = 0x63786875
_CHUNK = 1 << 20


def type_of(column: Column) -> str:
    """PostgreSQL's type for a column."""
    if column.data_type.startswith("DECIMAL"):
        return column.data_type.lower().replace("decimal", "numeric")
    return "jsonb" if _is_nested(column) else TYPES.get(column.data_type, "text")


def _is_nested(column: Column) -> bool:
    return column.data_type.endswith("]") or column.data_type.startswith(("MAP", "STRUCT", "JSON"))


@contextmanager
def _connected(target: PostgreSQL) -> Iterator[psycopg.Connection[Any]]:
    try:
        import psycopg
    except ImportError as error:
        raise CxhouseError("the target postgresql needs an extra; install it with: pip install 'cxhouse[postgresql]'") from error
    try:
        with psycopg.connect(target.url, application_name="cxhouse", connect_timeout=10, client_encoding="utf8") as con:
            yield con
    except psycopg.Error as error:
        raise CxhouseError(f"PostgreSQL: {_problem(error)}") from error


def _problem(error: psycopg.Error) -> str:
    """What the server says, as far as it holds no value of a row."""
    state, said = error.sqlstate or "", error.diag.message_primary or str(error).partition("\n")[0]
    if state.startswith("22"):  # data that a type does not take: the message quotes it
        return f"a value does not fit its column ({type(error).__name__})"
    if state == "2BP01":  # dependent objects: they are named in the detail
        return f"{said}: {error.diag.message_detail}; drop or change them, then run 'cxhouse push'"
    if state == "42501":
        return f"{said}; the user needs the right to create schemas and roles in the database, or they must be there"
    return said or type(error).__name__


def push(
    settings: Settings, target: PostgreSQL, published: Contents, progress: Callable[[str], None], compare_all: bool = False
) -> int:
    """Bring the server to a version; returns how many tables differed.

    Args:
        settings: where temporary files go.
        target: the server, its schemas and roles.
        published: the version and its tables.
        progress: gets a line for each table.
        compare_all: also compare tables that the server holds as of this version, as far as it is known.

    Raises:
        CxhouseError: the server cannot be reached, or refuses; it then shows readers what it showed before.
    """
    wanted = [relation for relation in published.tables if relation.publication in target.schemas]
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with _connected(target) as con, con.transaction(), tempfile.TemporaryDirectory(dir=settings.scratch) as folder:
        loading = Loading(con, target, Path(folder))
        loading.prepare()
        changed = [relation for relation in wanted if compare_all or not loading.is_current(relation)]
        for number, relation in enumerate(changed, 1):
            progress(f"postgresql: {relation.publication}.{relation.name} ({number} of {len(changed)})")
            loading.stage(relation)
        loading.switch(wanted, changed)
        loading.remove_others(wanted)
        loading.grant()
    return len(changed)


class Loading:
    """One load in one transaction."""

    def __init__(self, con: psycopg.Connection[Any], target: PostgreSQL, folder: Path) -> None:
        self._con, self._target, self._folder = con, target, folder
        self._state = f"{identifier(target.state_schema)}.tables"

    def _execute(self, statement: str, values: list[Any] | None = None) -> list[Any]:
        cursor = self._con.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def prepare(self) -> None:
        """The lock, the schemas, and the table that says which version of each table the server holds."""
        self._execute("select pg_advisory_xact_lock(%s)", [LOCK])
        self._execute("set local client_min_messages = warning")
        for schema in (*self._target.schemas.values(), self._target.state_schema):
            self._execute(f"create schema if not exists {identifier(schema)}")
        self._execute(
            f"create table if not exists {self._state} "
            "(schema_name text, table_name text, version text not null, primary key (schema_name, table_name))"
        )

    def _table(self, relation: Relation) -> str:
        return f"{identifier(self._target.schemas[relation.publication])}.{identifier(relation.name)}"

    def _names(self, relation: Relation) -> list[str]:
        return [self._target.schemas[relation.publication], relation.name]

    def _there(self, relation: Relation) -> list[tuple[str, str]]:
        """Names and types of the table's columns on the server; none where there is no such table."""
        return self._execute(
            "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a "
            "inner join pg_class as c on c.oid = a.attrelid inner join pg_namespace as n on n.oid = c.relnamespace "
            "where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped order by a.attnum",
            self._names(relation),
        )

    def is_current(self, relation: Relation) -> bool:
        """Does the server hold this version of the table?"""
        known = self._execute(
            f"select version from {self._state} where schema_name = %s and table_name = %s", self._names(relation)
        )
        return known == [(relation.version,)] and bool(self._there(relation))

    def stage(self, relation: Relation) -> None:
        """Load one table beside the one that readers use."""
        columns = ", ".join(f"{identifier(column.name)} {type_of(column)}" for column in relation.columns)
        self._execute(f"create temporary table {_staged(relation)} ({columns}) on commit drop")
        self._copy(relation)
        self._execute(f"create table if not exists {self._table(relation)} ({columns})")

    def switch(self, wanted: list[Relation], changed: list[Relation]) -> None:
        """Bring over what was staged. PostgreSQL changes no table after its rows, so all tables' columns come first."""
        pairs = [
            (relation, column, owner) for relation, column, owner in references(wanted) if relation in changed or owner in changed
        ]
        for relation in changed:
            self._fit_columns(relation, pairs)
        holding = [pair for pair in pairs if self._holds(*pair, changed)]
        for pair in pairs:
            if pair not in holding:
                self._drop_reference(pair[0], pair[1])
        for relation in changed:
            self._replace_rows(relation)
        self._execute("set constraints all immediate")
        for relation in changed:
            self._declare_key(relation)
            self._describe(relation)
            self._execute(
                f"insert into {self._state} values (%s, %s, %s) "
                "on conflict (schema_name, table_name) do update set version = excluded.version",
                [*self._names(relation), relation.version],
            )
        for relation, column, owner in holding:
            self._declare_reference(relation, column, owner)

    def _copy(self, relation: Relation) -> None:
        """Through a file of CSV, which both sides write and read by themselves: the rows are never in this process."""
        path = self._folder / "rows.csv"
        texts = [column.name for column in relation.columns if type_of(column) in ("text", "jsonb")]
        quotes = f", force_quote ({', '.join(map(identifier, texts))})" if texts else ""
        with connect() as con:
            con.execute("set TimeZone = 'UTC'")
            con.execute(
                f"copy (select {', '.join(map(_expression, relation.columns))} "
                f"from read_parquet({literal(str(relation.parquet))})) "
                f"to {literal(str(path))} (format csv, header false, nullstr ''{quotes})"
            )
        with (
            self._con.cursor() as cursor,
            cursor.copy(f"copy {_staged(relation)} from stdin (format csv)".encode()) as copy,
            path.open("rb") as rows,
        ):
            while block := rows.read(_CHUNK):
                copy.write(block)
        path.unlink()
        self._execute(f"analyze {_staged(relation)}")

    def _fit_columns(self, relation: Relation, pairs: list[Reference]) -> None:
        """Give the table the columns of this version. The table itself stays, with the policies that users gave it."""
        table, there = self._table(relation), dict(self._there(relation))
        wanted = dict(
            self._execute(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s::regclass and attnum > 0",
                [_staged(relation)],
            )
        )
        # Without cascade: a view or policy of the user's on a column that goes is an error, which names it.
        for name in (name for name, type_ in there.items() if wanted.get(name) != type_):
            for other, column, owner in pairs:
                if column == name and relation in (other, owner):
                    self._drop_reference(other, column)
            self._execute(f"alter table {table} drop column {identifier(name)}")
        for name in (name for name, type_ in wanted.items() if there.get(name) != type_):
            self._execute(f"alter table {table} add column {identifier(name)} {wanted[name]}")

    def _declare_key(self, relation: Relation) -> None:
        key, table = relation.key, self._table(relation)
        if key is None or self._execute("select 1 from pg_index where indrelid = %s::regclass and indisunique", [table]):
            return
        names = ", ".join(map(identifier, key.columns))
        if key.nullable:
            self._execute(f"create unique index on {table} ({names})")
        else:
            self._execute(f"alter table {table} add primary key ({names})")

    def _replace_rows(self, relation: Relation) -> None:
        table = self._table(relation)
        names = ", ".join(identifier(column.name) for column in relation.columns)
        values = ", ".join(f"staged.{identifier(column.name)}" for column in relation.columns)
        if relation.key is None:
            self._execute(f"delete from {table}")
            self._execute(f"insert into {table} ({names}) select {names} from {_staged(relation)}")
            return
        theirs = ", ".join(f"old.{identifier(column.name)}" for column in relation.columns)
        same_key = " and ".join(self._same(name, name in relation.key.nullable) for name in relation.key.columns)
        self._execute(
            f"delete from {table} as old where not exists "
            f"(select from {_staged(relation)} as staged where {same_key} and ({values}) is not distinct from ({theirs}))"
        )
        self._execute(
            f"insert into {table} ({names}) select {names} from {_staged(relation)} as staged where not exists "
            f"(select from {table} as old where {same_key})"
        )

    @staticmethod
    def _same(name: str, is_nullable: bool) -> str:
        """Equality that can be hashed, also of columns that may be null."""
        column = identifier(name)
        if not is_nullable:
            return f"staged.{column} = old.{column}"
        return f"coalesce('=' || staged.{column}::text, '') = coalesce('=' || old.{column}::text, '')"

    def _describe(self, relation: Relation) -> None:
        table = self._table(relation)
        self._execute(f"comment on table {table} is {literal(relation.description)}")
        for column in relation.columns:
            self._execute(f"comment on column {table}.{identifier(column.name)} is {literal(column.description)}")

    def _holds(self, relation: Relation, column: str, owner: Relation, changed: list[Relation]) -> bool:
        """Is every value of the column there in the table whose key it is, once the staged rows are?"""
        name = identifier(column)
        ours, theirs = (_staged(one) if one in changed else self._table(one) for one in (relation, owner))
        return not self._execute(
            f"select 1 from {ours} as a where a.{name} is not null "
            f"and not exists (select from {theirs} as b where b.{name} = a.{name}) limit 1"
        )

    def _drop_reference(self, relation: Relation, column: str) -> None:
        name = identifier(_constraint(relation, column))
        self._execute(f"alter table if exists {self._table(relation)} drop constraint if exists {name}")

    def _declare_reference(self, relation: Relation, column: str, owner: Relation) -> None:
        """A foreign key, by which BI tools join."""
        table, name, constraint = self._table(relation), identifier(column), _constraint(relation, column)
        if self._execute("select 1 from pg_constraint where conrelid = %s::regclass and conname = %s", [table, constraint]):
            return
        self._execute(
            f"alter table {table} add constraint {identifier(constraint)} foreign key ({name}) "
            f"references {self._table(owner)} ({name}) deferrable initially deferred"
        )

    def remove_others(self, wanted: list[Relation]) -> None:
        """Tables that an earlier version published, and this one does not."""
        names = {tuple(self._names(relation)) for relation in wanted}
        for schema, table in self._execute(f"select schema_name, table_name from {self._state}"):
            if (schema, table) not in names:
                self._execute(f"drop table if exists {identifier(schema)}.{identifier(table)}")
                self._execute(f"delete from {self._state} where schema_name = %s and table_name = %s", [schema, table])

    def grant(self) -> None:
        """Readers of the marts, and analysts, who read both: as roles, which an administrator gives to people."""
        reader, analyst = self._target.reader_role, self._target.analyst_role
        for role in (reader, analyst):
            if not self._execute("select 1 from pg_roles where rolname = %s", [role]):
                self._execute(f"create role {identifier(role)} nologin")
        for publication, schema in self._target.schemas.items():
            for role in (reader, analyst) if publication == "marts" else (analyst,):
                self._execute(f"grant usage on schema {identifier(schema)} to {identifier(role)}")
                self._execute(f"grant select on all tables in schema {identifier(schema)} to {identifier(role)}")


def _staged(relation: Relation) -> str:
    """The temporary table with the rows of this version."""
    return f"pg_temp.{identifier(f'{relation.publication}_{relation.name}')}"


def _constraint(relation: Relation, column: str) -> str:
    """The name of a foreign key, as short as PostgreSQL keeps names."""
    name = f"{relation.name}_{column}_reference"
    return name if len(name) < 60 else f"reference_{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def _expression(column: Column) -> str:
    """A column as PostgreSQL's COPY reads it."""
    name = identifier(column.name)
    if _is_nested(column):
        return f"cast(to_json({name}) as varchar) as {name}"
    if type_of(column) == "text":
        return f"replace(cast({name} as varchar), chr(0), '') as {name}"
    return f"hex({name}) as {name}" if column.data_type == "BLOB" else name
