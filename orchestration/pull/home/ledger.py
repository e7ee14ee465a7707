"""The ledger: which files arrived, and what became of each of their rows. SQLite, so that it survives a crash."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from orchestration.pull.home.ledger_tables import TABLES, bring_up_to_date
from orchestration.pull.personal import file_shown


@dataclass(frozen=True)
class Landed:
    """One landed file; ``batch`` numbers them in the order of arrival."""

    batch: int
    sha256: str
    source: str
    file: str
    bytes: int
    header: list[str]
    landed_at: str
    #: Number of the pull that brought it: that of its first file.
    pull: int | None = None
    withdrawn_at: str | None = None


@dataclass(frozen=True)
class Load:
    """What one contract made of one landed file."""

    batch: int
    contract: str
    kind: str
    fingerprint: str
    status: Literal["loaded", "refused", "gated", "withdrawn"]
    reason: str | None
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    loaded_at: str
    #: Rows that carry no record of their own: they go on with that of another row, repeat it, or are left out by the contract.
    rows_merged: int = 0
    #: Different records among the rows loaded.
    records: int | None = None
    #: Columns of the kind that the file has a word for, be it always an empty one; none where an earlier release loaded it.
    available_columns: str = ""


@dataclass(frozen=True)
class Alert:
    """A gate that failed (its name is the subject), or a run that broke."""

    raised_at: str
    run_id: str
    severity: str
    subject: str
    message: str
    affected_rows: int


def now() -> str:
    """This instant in UTC, as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Ledger:
    """The ledger file of one home."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: The connection of a transaction that is under way.
        self._held: sqlite3.Connection | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as con:
            con.executescript(TABLES)
            for table in ("landed", "loads"):
                bring_up_to_date(con, table)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything inside is one transaction: after a crash all of it is there, or nothing."""
        with self._connection() as con:
            self._held = con
            try:
                yield
            finally:
                self._held = None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if self._held is not None:
            yield self._held
            return
        con = sqlite3.connect(self._path, timeout=30)
        con.row_factory = sqlite3.Row
        # With the folder's names too, so that a loss of power takes back no transaction that was confirmed.
        con.execute("pragma synchronous = extra")
        try:
            with con:
                yield con
        finally:
            con.close()

    def mark(self, name: str) -> str | None:
        """A fact about the home as a whole; none where it was never written down."""
        with self._connection() as con:
            row = con.execute("select value from marks where name = ?", (name,)).fetchone()
        return row["value"] if row else None

    def set_mark(self, name: str, value: str) -> None:
        """Write down a fact about the home as a whole."""
        with self._connection() as con:
            con.execute("insert or replace into marks values (?, ?)", (name, value))

    def last_seen(self, source: str) -> dict[str, tuple[str, str]]:
        """For each file of a source the version that was seen last, and the hash of its content."""
        with self._connection() as con:
            rows = con.execute("select file, version, sha256 from seen where source = ? order by rowid", (source,))
            return {row["file"]: (row["version"], row["sha256"]) for row in rows}

    def land(self, sha256: str, source: str, file: str, size: int, header: list[str], pull: int | None = None) -> Landed:
        """Record the arrival of new bytes; ``pull`` is the batch of the first file of the same pull (none: this one)."""
        landed_at = now()
        with self._connection() as con:
            cursor = con.execute(
                "insert into landed (sha256, source, file, bytes, header, landed_at, pull) values (?, ?, ?, ?, ?, ?, ?)",
                (sha256, source, file, size, json.dumps(header), landed_at, pull),
            )
            batch = int(cursor.lastrowid or 0)
            con.execute("update landed set pull = ? where batch = ? and pull is null", (batch, batch))
        return Landed(batch, sha256, source, file, size, header, landed_at, pull or batch)

    def list_source(self, source: str, files: int) -> None:
        """Record that a source said what it holds."""
        with self._connection() as con:
            con.execute("insert or replace into sources values (?, ?, ?, null, ?)", (source, now(), now(), files))

    def miss_source(self, source: str, problem: str) -> None:
        """Record that a source could not be read, and why; when it last could stays known."""
        with self._connection() as con:
            con.execute(
                "insert into sources values (?, ?, null, ?, null) "
                "on conflict (source) do update set asked_at = excluded.asked_at, problem = excluded.problem",
                (source, now(), problem),
            )

    def sources(self) -> list[dict[str, Any]]:
        """Each source with when it was last asked and last read, and when its newest file landed; by name."""
        with self._connection() as con:
            return [
                dict(row)
                for row in con.execute(
                    "select sources.*, max(landed.landed_at) as newest_landed_at from sources "
                    "left join landed on sources.source = landed.source and landed.withdrawn_at is null "
                    "group by sources.source order by sources.source"
                )
            ]

    def withdraw(self, batches: list[int]) -> None:
        """What these files brought is no longer to count; the next run takes it out."""
        with self._connection() as con:
            con.executemany("update landed set withdrawn_at = ? where batch = ?", [(now(), batch) for batch in batches])

    def blame(self, files: set[str]) -> None:
        """A gate of the models named these files (as ``file_shown`` writes them): the newest of each name is to blame, unless it
        was published.
        """
        named = [file.file for file in self.landed() if file.file in files or file_shown(file.file) in files]
        with self._connection() as con:
            published = con.execute("select max(ended_at) from runs where status = 'published'").fetchone()[0] or ""
            for file in dict.fromkeys(named):
                row = con.execute(
                    "select max(batch) as batch from landed where file = ? and landed_at > ? and withdrawn_at is null",
                    (file, published),
                ).fetchone()
                if row["batch"] is not None:
                    con.execute("insert or ignore into blamed values (?)", (row["batch"],))

    def blamed(self) -> set[int]:
        """Batches that a gate of the models named, and that no publication has had yet."""
        with self._connection() as con:
            return {row["batch"] for row in con.execute("select batch from blamed")}

    def fatal(self, limits: str | None = None) -> dict[str, str]:
        """Files, by their hash, over which the process that read them ended, and why; under limits (their fingerprint) or any."""
        with self._connection() as con:
            rows = con.execute("select * from fatal where ? in (limits, '')", (limits or "",))
            return {row["sha256"]: row["reason"] for row in rows}

    def add_fatal(self, sha256: str, limits: str, reason: str) -> None:
        """Write down that a file ended the process that read it."""
        with self._connection() as con:
            con.execute("insert or replace into fatal values (?, ?, ?)", (sha256, limits, reason))

    def clear_blame(self) -> None:
        """A run was published: what it was built from is no longer in doubt."""
        with self._connection() as con:
            con.execute("delete from blamed")

    def restore(self, batches: list[int]) -> None:
        """Take a withdrawal back; the next run loads the files again."""
        with self._connection() as con:
            con.executemany("update landed set withdrawn_at = null where batch = ?", [(batch,) for batch in batches])
            con.executemany("delete from blamed where batch = ?", [(batch,) for batch in batches])
            con.executemany("delete from loads where batch = ?", [(batch,) for batch in batches])

    def rename(self, sha256: str, file: str, header: list[str]) -> None:
        """Let landed bytes go by another name; what was made of them under the old one is forgotten."""
        with self._connection() as con:
            con.execute("update landed set file = ?, header = ? where sha256 = ?", (file, json.dumps(header), sha256))
            con.execute("delete from loads where batch = (select batch from landed where sha256 = ?)", (sha256,))

    def see(self, sha256: str, source: str, file: str, version: str) -> None:
        """Record that a file in this version has this content, so that it need not be read again."""
        with self._connection() as con:
            con.execute("insert or replace into seen values (?, ?, ?, ?)", (source, file, version, sha256))

    def unsee(self, sha256: str) -> None:
        """Forget which files have this content, so that they are copied again."""
        with self._connection() as con:
            con.execute("delete from seen where sha256 = ?", (sha256,))

    def landed(self) -> list[Landed]:
        """Every landed file, in the order of arrival."""
        with self._connection() as con:
            rows = con.execute("select * from landed order by batch").fetchall()
        return [Landed(**{**row, "header": json.loads(row["header"])}) for row in rows]

    def loads(self) -> list[Load]:
        """The present state of every load."""
        with self._connection() as con:
            return [Load(**row) for row in con.execute("select * from loads order by batch, contract")]

    def record(self, load: Load) -> None:
        """Write, or replace, what became of a file under a contract."""
        columns = asdict(load)
        with self._connection() as con:
            con.execute(
                f"insert or replace into loads ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
                tuple(columns.values()),
            )

    def forget(self, load: Load) -> None:
        """Drop a load whose contract no longer claims the file."""
        with self._connection() as con:
            con.execute("delete from loads where batch = ? and contract = ?", (load.batch, load.contract))

    def put_alerts(self, run_id: str, alerts: list[Alert]) -> None:
        """Write down what failed in a run so far, in the place of what was written of it before."""
        with self._connection() as con:
            con.execute("delete from alerts where run_id = ?", (run_id,))
            con.executemany("insert into alerts values (?, ?, ?, ?, ?, ?)", [tuple(asdict(alert).values()) for alert in alerts])

    def add_run(self, run_id: str, ended_at: str, status: str) -> None:
        """Write down how a run ended, or that it is at work."""
        with self._connection() as con:
            con.execute("insert or replace into runs values (?, ?, ?)", (run_id, ended_at, status))

    def runs(self) -> list[dict[str, str]]:
        """Every run, oldest first."""
        with self._connection() as con:
            return [dict(row) for row in con.execute("select * from runs order by ended_at, run_id")]

    def alerts(self) -> list[Alert]:
        """Every alert, oldest first."""
        with self._connection() as con:
            return [Alert(**row) for row in con.execute("select * from alerts order by rowid")]
