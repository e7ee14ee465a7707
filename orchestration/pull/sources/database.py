"""A database as a source of exports: each table or query becomes NDJSON, of which later runs read only what changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.core.errors import ConfigurationError
from orchestration.pull.sources.asked import AskedSource
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.pull.sources.remote.stores import secret
from orchestration.settings.locations import DatabaseLocation, Table

if TYPE_CHECKING:
    import psycopg

#: Rows that are fetched, written and remembered together.
ROWS_TOGETHER = 5_000
PROGRESS_SECONDS = 10


class DatabaseSource(AskedSource):
    """Tables of a PostgreSQL database.

    Raises:
        ConfigurationError: the driver is not installed.
    """

    def __init__(
        self,
        name: str,
        location: DatabaseLocation,
        folder: Path,
        may_ask: Callable[[], bool],
        since: date | None,
        progress: Callable[[str], None],
    ) -> None:
        super().__init__(name, folder, may_ask)
        self._location, self._since, self._progress = location, since, progress
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise ConfigurationError("a database needs an extra; install it with: pip install 'cxhouse[postgresql]'") from error

    def ask(self) -> None:
        import psycopg

        try:
            # Without a password of ours libpq looks at PGPASSWORD and ~/.pgpass.
            with psycopg.connect(self._location.at, connect_timeout=10, password=secret(self.name, "PASSWORD")) as con:
                con.read_only = True
                # Every table as of one instant: a comment's ticket is there, too.
                con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                for name, table in self._location.tables.items():
                    self._read(con, name, table)
        except psycopg.Error as error:
            raise UnreadableSourceError(_in_words(error)) from error

    def _read(self, con: psycopg.Connection, name: str, table: Table) -> None:
        asked = f"{self._location.at} {table.table} {table.query} {table.changed}"
        known, work = self.deliveries.known_of(name, asked), self.deliveries.work(name)
        given = self._since.isoformat() if self._since else None
        if work is None or work["given"] != given or table.changed is None:
            newest = known.get("newest") if self._since is None else None
            seen = known.get("recent", {}) if self._since is None else {}
            work = self.deliveries.begin(name, given=given, newest=newest, seen=seen, before=seen)
        reported_at = began = time.monotonic()
        for rows in self._rows(con, name, table, _value_of(work["newest"])):
            self._take(name, work, table, rows)
            if table.changed is not None:  # what is read whole is one file, which others are read along with
                self.deliveries.cut(name)
            self.deliveries.save()
            if time.monotonic() - reported_at > PROGRESS_SECONDS:
                reported_at = time.monotonic()
                self._progress(f"pull: {self.name}: {name}: {work['records']:,} rows, {reported_at - began:,.0f} s")
        self._finish(name, known, work, table)

    def _rows(self, con: psycopg.Connection, name: str, table: Table, newest: Any) -> Iterator[list[dict[str, Any]]]:
        """Rows from the newest known one on, in the order in which they changed."""
        from psycopg import sql
        from psycopg.rows import dict_row

        what: Any = sql.SQL("select * from ")
        what += sql.Identifier(*table.table.split(".")) if table.table else sql.SQL(f"({table.query}) as asked")
        values: list[Any] = []
        if table.changed:
            column = sql.Identifier(table.changed)
            if isinstance(newest, datetime):
                newest -= timedelta(minutes=table.overlap)
            if newest is None and self._since is not None:
                newest = self._start_of(con, what, column)
            if newest is not None:
                # A row whose column is empty may be new: it is looked at each time.
                what += sql.SQL(" where {column} >= %s or {column} is null").format(column=column)
                values = [newest]
            what += sql.SQL(" order by {column} nulls first").format(column=column)
        with con.cursor(name=f"cxhouse_{name}", row_factory=dict_row) as cursor:
            cursor.itersize = ROWS_TOGETHER
            cursor.execute(what, values)
            if table.changed and table.changed not in [column.name for column in cursor.description or []]:
                raise UnreadableSourceError(f"{name}: there is no column {table.changed!r}")
            while rows := cursor.fetchmany(ROWS_TOGETHER):
                yield rows

    def _start_of(self, con: psycopg.Connection, what: Any, column: Any) -> datetime | None:
        """The day given for this run, where the column holds instants; a number is no date, and all is read."""
        from psycopg import sql

        first = con.execute(sql.SQL("select {column} from ({what}) as typed where {column} is not null limit 1").format(
            column=column, what=what
        )).fetchone()  # fmt: skip
        assert self._since is not None
        is_instant = first is not None and isinstance(first[0], date)
        return datetime.combine(self._since, datetime.min.time(), UTC) if is_instant else None

    def _take(self, name: str, work: dict[str, Any], table: Table, rows: list[dict[str, Any]]) -> None:
        lines, newest = [], _value_of(work["newest"])
        seen: dict[str, list[str] | None] = work["seen"]
        for row in rows:
            line = json.dumps(row, default=_plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            if table.changed is None:
                lines.append(line)
                continue
            mark, value = hashlib.sha256(line).hexdigest()[:16], row[table.changed]
            if value is not None and not isinstance(value, date | int | float | Decimal):
                raise UnreadableSourceError(f"{name}: {table.changed!r} is neither an instant nor a number")
            newest = value if newest is None else newest if value is None else max(newest, value)
            if mark not in seen:
                lines.append(line)
            seen[mark] = _text(value)
        limit = newest - timedelta(minutes=table.overlap) if isinstance(newest, datetime) else newest
        work["seen"] = {
            mark: stored for mark, stored in seen.items() if stored is None or limit is None or _value_of(stored) >= limit
        }
        work["newest"] = _text(newest)
        self.deliveries.add(name, lines)

    def _finish(self, name: str, known: dict[str, Any], work: dict[str, Any], table: Table) -> None:
        keep = True
        if table.changed is None:
            digest = hashlib.sha256()
            for line in self.deliveries.lines_of_work(name):
                digest.update(line)
            keep, known["whole"] = digest.hexdigest() != known.get("whole"), digest.hexdigest()
        else:
            known["newest"], known["recent"] = work["newest"] or known.get("newest"), work["seen"]
        known["records"] = known.get("records", 0) + (work["records"] if keep else 0)
        known["read_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.deliveries.finish(name, keep)

    def described(self) -> list[str]:
        self.deliveries.look()
        lines = []
        for name, table in self._location.tables.items():
            known = self.deliveries.known(name)
            state = f"{known.get('records', 0):,} rows, read at {known['read_at'][:16]}" if "read_at" in known else "not read yet"
            how = f"what changed by {table.changed}" if table.changed else "all of it"
            lines.append(f"{self.name}/{name} ({table.table or 'a query'}): {state}; a run reads {how}")
        return lines


def _plain(value: Any) -> Any:
    """A value of the database as JSON; numbers that JSON would round are text, as every cell is in the end.

    Others are numbers: the text 10.000 would be ten thousand under a contract with a decimal comma.
    """
    if isinstance(value, Decimal) and value.is_finite() and value.as_tuple().exponent and Decimal(repr(float(value))) == value:
        return float(value)
    if isinstance(value, date | clock):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


def _text(value: Any) -> list[str] | None:
    """A value of the column that grows, for the state."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return ["instant", value.isoformat()]
    return ["date", value.isoformat()] if isinstance(value, date) else ["number", str(value)]


def _value_of(stored: list[str] | None) -> Any:
    match stored:
        case ["instant", text]:
            return datetime.fromisoformat(text)
        case ["date", text]:
            return date.fromisoformat(text)
        case ["number", text]:
            return Decimal(text)
    return None


def _in_words(error: psycopg.Error) -> str:
    """What went wrong, in words that hold no address, name or value."""
    state = error.sqlstate or ""
    message = str(error)
    if state.startswith("28") or "password" in message or "authentication" in message:
        return "access is denied: check the credentials in the environment"
    if state == "42501":
        return "a table may not be read by this user"
    if state.startswith("42"):
        return "there is no such table or column, or the query is not valid"
    if state == "3D000" or "does not exist" in message:
        return "there is no such database"
    return "the server does not answer" if not state else f"the database answered with an error ({state})"
