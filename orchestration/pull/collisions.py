"""Records that meet: rows of one file with one key, and files that give one number to two things."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from orchestration.core.connections import connect
from orchestration.pull.kinds import CARRIED, LINEAGE, Kind

#: Files of no more rows are looked at in one query.
_ROWS_TOGETHER = 100_000


@dataclass(frozen=True)
class Clash:
    """Records of a file that carry the numbers of another file's, of other persons and dates (or what distinguishes them)."""

    other_file: str
    #: Numbers that both files have, and those of them that stand for two things.
    shared: int
    clashing: int
    #: Of these, the ones where `updated_at` does not say which version is newer.
    unordered: int

    def blocks(self, kind: Kind, limit: float) -> bool:
        """One or two of many are a fault of the data; most of them (the limit is a share) are two systems."""
        at_least = kind.two_things.at_least if kind.two_things else 1
        return self.unordered >= max(limit * self.shared, at_least)


@dataclass(frozen=True)
class Collisions:
    """What was found in one file."""

    records: int = 0
    #: Rows that say the same as another one.
    repeated: int = 0
    #: Records of which several rows differ, and nothing says which is newer.
    overwritten: int = 0
    clashes: list[Clash] = field(default_factory=list)

    def beside(self, clashes: list[Clash]) -> Collisions:
        return replace(self, clashes=clashes)


def record_key(kind: Kind) -> str:
    """SQL: what distinguishes the records of a kind, as one text."""
    parts = [f"coalesce(cast({name} as varchar), '')" for name in kind.key]
    if kind.name == "ticket_events":
        # Without an id an event is what it says.
        parts.append(f"case when event_id is null then {_content(kind)} else '' end")
    return " || chr(31) || ".join(parts)


def _content(kind: Kind) -> str:
    """What a row says, in few bytes. (DuckDB's ``hash`` gives one number to texts that differ in a few places.)"""
    columns = ", ".join(f'"{name}"' for name in (*kind.columns, *CARRIED) if name not in LINEAGE)
    return f"md5(cast(row({columns}) as varchar))"


def within(kind: Kind, files: dict[str, tuple[Path, int]]) -> dict[str, Collisions]:
    """Rows and records of files of canonical rows, each by itself.

    Args:
        files: path and rows of each, under any name; small ones are looked at together.
    """
    if not files:
        # Of most kinds nothing is new, and to open a database takes as long as to look at a small file.
        return {}
    found: dict[str, Collisions] = {}
    held: dict[str, Path] = {}
    rows = 0
    with connect() as con:
        for name, (path, count) in files.items():
            if held and rows + count > _ROWS_TOGETHER:
                found |= _within(con, kind, held)
                held, rows = {}, 0
            held[name] = path
            rows += count
        if held:
            found |= _within(con, kind, held)
    return found


def _within(con: duckdb.DuckDBPyConnection, kind: Kind, files: dict[str, Path]) -> dict[str, Collisions]:
    order = "updated_at" if "updated_at" in kind.columns else "null"
    paths = [str(path) for path in files.values()]
    hashed = (
        f"(select filename, md5_number({record_key(kind)}) as record, {order} as version, {_content(kind)} as content "
        "from read_parquet(?, filename = true))"
    )
    # Nearly all records have one row: only the others are looked at.
    counts = con.execute(
        "select filename, count(*), count(*) filter (rows > 1) from "
        f"(select filename, count(*) as rows from {hashed} group by filename, record) group by filename",
        [paths],
    ).fetchall()
    found = {path: Collisions(records) for path, records, _ in counts}
    if several := [path for path, _, more in counts if more]:
        rows = con.execute(
            f"""
            with versions as (
                select filename, record, version, count(*) as rows, count(distinct content) as contents from {hashed}
                where (filename, record) in (
                    select (filename, record) from {hashed} group by filename, record having count(*) > 1
                )
                group by all
            ),
            records as (
                select filename, record, sum(rows) as rows, sum(contents) as contents, max(contents) > 1 as is_overwritten
                from versions group by filename, record
            )
            select filename, coalesce(sum(rows - contents), 0), count(*) filter (is_overwritten) from records group by filename
            """,
            [several] * 2,
        ).fetchall()
        for path, repeated, overwritten in rows:
            found[path] = Collisions(found[path].records, int(repeated), overwritten)
    return {name: found.get(str(path), Collisions()) for name, path in files.items()}


def clashes(kind: Kind, new: list[tuple[int, Path]], standing: list[Path]) -> dict[int, list[Clash]]:
    """For each new file (of a batch) the files whose numbers it gives to other things.

    A number stands for two things when it comes back in another file with another person *and* another date of the record
    (or what kinds.yml says of it); each row is held against the one of that number that arrived before it.
    """
    if not new or kind.two_things is None:
        return {}
    dated, persons = kind.two_things.when, kind.two_things.who
    order = "updated_at" if "updated_at" in kind.columns else "cast(null as timestamp)"
    thing = " || chr(31) || ".join(kind.two_things.of) or "record"
    thing_columns = dict.fromkeys((*persons, *kind.two_things.of))
    columns = (
        f"{record_key(kind)} as record, {dated} as dated, {order} as version, _file, _batch, _row, {', '.join(thing_columns)}"
    )
    differ = " or ".join(f"{name} <> before_{name}" for name in persons)
    # Numbers of customers can meet as those of records do: an address or a phone number that both versions have decides.
    shared = [f"{name} = before_{name}" for name in persons if name != "customer_id"]
    known = [f"({text}) is not null" for text in shared]
    by_number = (
        ["not (" + (" or ".join(known) or "false") + ") and customer_id = before_customer_id"] if "customer_id" in persons else []
    )
    agree = " or ".join(f"({text})" for text in [*shared, *by_number])
    before = ", ".join(f"lag({name}) over earlier as before_{name}" for name in ("dated", "version", "_file", *persons))
    replaced = {f"{batch:08d}_" for batch, _ in new}
    kept = [str(path) for path in standing if path.name[:9] not in replaced]
    with connect() as con:
        rows = con.execute(
            f"""
            with fresh as (select {columns} from read_parquet($new, union_by_name = true)),
            present as (
                select {columns} from read_parquet($kept, union_by_name = true)
                where {record_key(kind)} in (select record from fresh)
            ),
            chained as (
                select *, {before}
                from (select * from present union all by name select * from fresh) as everything
                window earlier as (partition by record order by _batch, _row)
            ),
            judged as (
                select
                    _batch, before__file as other, {thing} as thing,
                    coalesce(dated <> before_dated and ({differ}) and not coalesce({agree}, false), false) as is_clash,
                    version is null or before_version is null as is_unordered
                from chained
                where _file <> before__file and _batch in (select unnest($batches))
            ),
            things as (
                select _batch, other, thing, bool_and(is_clash) as is_clash, bool_or(is_unordered) as is_unordered
                from judged group by all
            )
            select _batch, other, count(*), count(*) filter (is_clash), count(*) filter (is_clash and is_unordered)
            from things group by all having count(*) filter (is_clash) > 0 order by all
            """,
            {
                "new": [str(path) for _, path in new],
                "kept": kept or [str(path) for path in standing],
                "batches": [batch for batch, _ in new],
            },
        ).fetchall()
    found: dict[int, list[Clash]] = {}
    for batch, *rest in rows:
        found.setdefault(batch, []).append(Clash(*rest))
    return found
