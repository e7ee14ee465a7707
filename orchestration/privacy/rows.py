"""Rows of persons who were forgotten: they stay and count, under surrogates that lead to nobody, without their texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.privacy.identifiers import EMAIL, FORGOTTEN, ID, PHONE, SHARED, VISITOR, Identifier
from orchestration.privacy.roll import CALL, INTERACTION, ORDER, TICKET, Roll, is_surrogate
from orchestration.pull.home.tables import RowGroups
from orchestration.pull.kinds import LINEAGE, Kind
from orchestration.pull.rows.sorting import QUARANTINE_SCHEMA

#: Columns that name the person whose row it is.
PERSON = {
    "customer_id": ID, "customer_email": EMAIL, "email": EMAIL, "customer_phone": PHONE, "phone": PHONE, "visitor_id": VISITOR,
}  # fmt: skip
#: Columns that may name a customer in a row that is not theirs.
OTHERS = {"referred_by": ID, "actor_id": ID}
#: Of a customer's account: somebody of theirs.
_USER = "user_id"
#: Columns that name a record, and what the record may be.
RECORDS = {
    "ticket_id": (TICKET,), "call_id": (CALL, INTERACTION), "interaction_id": (INTERACTION, CALL), "order_id": (ORDER,),
}  # fmt: skip
#: The records of a kind whose texts may be in rows that name nobody.
_OWN = {
    "tickets": {"ticket_id": TICKET},
    "calls": {"call_id": CALL, "interaction_id": INTERACTION},
    "orders": {"order_id": ORDER},
}
_ROW = "_row"
#: What a text holds that has an address or telephone number in it; or, of prose, a customer's number.
_MAY_IDENTIFY = {False: "@|[0-9][0-9 ()./\u00a0-]{3,}[0-9]", True: "@|[0-9]"}
#: What a rejected row is replaced by.
NOTHING = "{}"
_ID_LIKE = re.compile(r"(?i)(id|ids|no|nr|number|nummer|customer|user|client|contact|requester|buyer|kunde)\W*$")


@dataclass
class Marks:
    """What was found in a file: numbers of the rows of persons, and records of theirs that the roll should know."""

    rows: int = 0
    cells: int = 0
    records: list[Identifier] = field(default_factory=list)


def person_columns(kind: Kind) -> dict[str, str]:
    """The columns of a kind that name a person, and by what."""
    return {name: what for name, what in PERSON.items() if name in kind.columns}


def _texts(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    """In which rows does a column hold one of some values?"""
    return pc.fill_null(pc.is_in(column, value_set=pa.array(list(values), pa.string())), False)


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return [value for value in column.unique().to_pylist() if value]


def _some(masks: list[pa.ChunkedArray], rows: int) -> pa.ChunkedArray:
    found = pa.chunked_array([pa.repeat(False, rows)])
    for mask in masks:
        found = pc.or_(found, mask)
    return found


def rows_of_persons(table: pa.Table, kind: Kind, is_meant: Callable[[str, str], bool]) -> pa.ChunkedArray:
    """In which rows of a kind is a person named who is meant (kind of identifier, value)?"""
    masks = []
    for name, what in person_columns(kind).items():
        if listed := [value for value in _distinct(table[name]) if is_meant(what, value)]:
            masks.append(_texts(table[name], listed))
    return _some(masks, table.num_rows)


def rows_of_records(table: pa.Table, kind: Kind, roll: Roll) -> pa.ChunkedArray:
    """In which rows that name nobody does a record of a forgotten person occur?"""
    named = [pc.is_valid(table[name]) for name, what in person_columns(kind).items() if what != VISITOR]
    nobody = pc.invert(_some(named, table.num_rows))
    masks = []
    if pc.any(nobody).as_py():
        for name, kinds in RECORDS.items():
            if name in kind.columns:
                values = _distinct(table[name].filter(nobody))
                listed = [value for value in values if any(roll.lists(Identifier(what, value)) for what in kinds)]
                masks += [_texts(table[name], listed)] if listed else []
    return pc.and_(_some(masks, table.num_rows), nobody)


def forgotten_rows(path: Path, kind: Kind, roll: Roll) -> set[int]:
    """Numbers of the rows of a raw file that are those of forgotten persons already, or about records of theirs."""
    found: set[int] = set()
    prose = [name for name, column in kind.columns.items() if column.type == "prose"]
    wanted = [*person_columns(kind), *(name for name in RECORDS if name in kind.columns), *prose, _ROW]
    for table in _groups(path, wanted):
        masks = [rows_of_persons(table, kind, is_surrogate)]
        masks += [rows_of_records(table, kind, roll), *(_texts(table[name], [FORGOTTEN]) for name in prose)]
        found.update(table[_ROW].filter(_some(masks, table.num_rows)).to_pylist())
    return found


def names_in_loaded(path: Path, kind: Kind, roll: Roll) -> Counter[str]:
    """In a raw file the rows that name somebody on a roll, by the file that they came from."""
    found: Counter[str] = Counter()
    for table in _groups(path, [*person_columns(kind), "_file"]):
        mine = rows_of_persons(table, kind, roll.lists_value)
        found.update(table["_file"].filter(mine).to_pylist())
    return found


def loaded_rows(path: Path, kind: Kind, roll: Roll) -> tuple[list[dict[str, Any]], list[Identifier]]:
    """The rows of a raw file that name somebody on a roll or are about their records; and these records."""
    found, records = [], []
    for group in _groups(path):
        table = _with_columns(group, kind)
        mine = rows_of_persons(table, kind, roll.lists_value)
        for name, what in _OWN.get(kind.name, {}).items():
            records += [Identifier(what, value) for value in _distinct(table[name].filter(mine))]
        found += table.filter(pc.or_(mine, rows_of_records(table, kind, roll))).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in found], records


def rejected_rows(path: Path, roll: Roll, of_customers: frozenset[str]) -> list[dict[str, Any]]:
    """The rejected rows of a file that name somebody on a roll."""
    rows = [row for table in _groups(path) for row in table.to_pylist()]
    return [row for row in rows if row["record"] and record_names(row["record"], roll, of_customers)]


def names_in_rejected(path: Path, roll: Roll, of_customers: frozenset[str]) -> Counter[str]:
    """The same of rejected rows."""
    found: Counter[str] = Counter()
    for table in _groups(path, ["record", "_file"]):
        for record, file in zip(table["record"].to_pylist(), table["_file"].to_pylist(), strict=True):
            found[file] += bool(record and record_names(record, roll, of_customers))
    return found


def _groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """A file row group by row group; columns that it has not, as one of an earlier release, are left out."""
    with pq.ParquetFile(path) as file:
        there = set(file.schema_arrow.names)
        wanted = None if columns is None else [name for name in columns if name in there]
        for number in range(file.num_row_groups):
            table = file.read_row_group(number, columns=wanted)
            for name in columns or ():
                if name not in there:
                    table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
            yield table


def anonymised(table: pa.Table, kind: Kind, roll: Roll, only_records: bool = False) -> tuple[pa.Table, Marks]:
    """Rows of a kind with surrogates where a forgotten person was named, and without their texts.

    ``only_records``: who is named in them has been looked at before.
    """
    mine = rows_of_persons(table, kind, roll.lists_value)
    about = rows_of_records(table, kind, roll)
    marks = Marks(rows=pc.sum(pc.or_(mine, about)).as_py() or 0)
    for name, what in _OWN.get(kind.name, {}).items():
        marks.records += [Identifier(what, value) for value in _distinct(table[name].filter(mine))]
    for name, what in person_columns(kind).items():
        # What several persons share is none's alone, and joins or parts the others by how many they are.
        stays = [value for value in _distinct(table[name]) if _is_shared(what, value, roll)]
        taken = pc.and_(mine, pc.invert(_texts(table[name], stays)))
        table = _replaced(table, name, taken, lambda value, what=what: roll.surrogate(what, value))  # type: ignore[misc]
    if _USER in kind.columns:
        table = _replaced(table, _USER, mine, lambda value: roll.surrogate("user", value))
    for name, what in OTHERS.items():
        if name in kind.columns:
            listed = _texts(table[name], _listed(table[name], what, roll))
            table = _replaced(table, name, listed, lambda value, what=what: roll.surrogate(what, value))  # type: ignore[misc]
    texts = [one.name for one in table.schema if one.type == pa.string() and one.name not in (*PERSON, *LINEAGE)]
    for name in texts:
        is_prose = name in kind.columns and kind.columns[name].type == "prose"
        if is_prose:
            table = _replaced(table, name, pc.or_(mine, about), lambda _: FORGOTTEN)
        is_free = name not in kind.columns or not kind.columns[name].values or kind.columns[name].type == "word"
        if is_free and not only_records:
            values = _distinct(table[name].filter(pc.match_substring_regex(table[name], _MAY_IDENTIFY[is_prose])))
            changed = {value: clean for value in values if (clean := roll.scrubbed(value, is_prose))}
            if changed:
                mask = _texts(table[name], changed)
                marks.cells += pc.sum(mask).as_py()
                table = _replaced(table, name, mask, changed.__getitem__)
    return table, marks


def _is_shared(what: str, value: str, roll: Roll) -> bool:
    if what == VISITOR:
        return not roll.lists_value(what, value)
    return roll.lists(Identifier(SHARED, "{}:{}".format(*roll.identifier(what, value))))


def _listed(column: pa.ChunkedArray, what: str, roll: Roll) -> list[str]:
    return [value for value in _distinct(column) if roll.lists_value(what, value)]


def _replaced(table: pa.Table, name: str, mask: pa.ChunkedArray, change: Callable[[str], str]) -> pa.Table:
    """A column with other values where a mask is true and a value is there."""
    column = table[name].combine_chunks()
    mask = pc.and_(mask.combine_chunks(), pc.is_valid(column))
    if not pc.any(mask).as_py():
        return table
    values = pa.array([change(value) for value in column.filter(mask).to_pylist()], pa.string())
    return table.set_column(table.column_names.index(name), table.schema.field(name), pc.replace_with_mask(column, mask, values))


@contextmanager
def _written_again(path: Path, out: Path | None = None) -> Iterator[Path]:
    """A draft that takes the place of a file, or becomes another, if it was written."""
    draft = path.with_name(f"{path.name}.draft")
    try:
        yield draft
        if draft.exists():
            draft.replace(out or path)
    finally:
        draft.unlink(missing_ok=True)


def anonymise_loaded(path: Path, kind: Kind, roll: Roll, out: Path | None = None, only_records: bool = False) -> Marks:
    """Write a file of a kind's rows again, in its place or to ``out``; where it names no forgotten person, nothing is written."""
    found, is_changed = Marks(), False
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
    for table in _groups(path):
        whole = _with_columns(table, kind)
        clean, marks = anonymised(whole, kind, roll, only_records)
        found = Marks(found.rows + marks.rows, found.cells + marks.cells, found.records + marks.records)
        is_changed = is_changed or clean is not whole
    if not is_changed:
        return found
    with _written_again(path, out) as draft, RowGroups(draft, schema) as writer:
        for table in _groups(path):
            writer.write(anonymised(_with_columns(table, kind), kind, roll, only_records)[0].select(schema.names).cast(schema))
    return found


def _with_columns(table: pa.Table, kind: Kind) -> pa.Table:
    """A file of an earlier release lacks columns of today."""
    for name in kind.columns:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind.arrow_schema.field(name).type))
    return table


# -- rejected rows -----------------------------------------------------------------------------------------------------


def record_names(record: str, roll: Roll, of_customers: frozenset[str]) -> bool:
    """Does a rejected row name a forgotten person? ``of_customers``: the export's columns of customers' numbers, lower-cased."""
    if roll.scrubbed(record) is not None:
        return True
    try:
        cells = json.loads(record)
    except (json.JSONDecodeError, RecursionError):
        return roll.scrubbed(record, numbers=True) is not None
    if not isinstance(cells, dict):
        return False
    return any(isinstance(value, str) and cell_names(name, value, roll, of_customers) for name, value in cells.items())


def cell_names(name: str, value: str, roll: Roll, of_customers: frozenset[str]) -> bool:
    """Is a cell a forgotten customer's number? Without a contract that says so, its column must be called like one."""
    if not (name.lower() in of_customers or (not of_customers and len(value) >= 5 and _ID_LIKE.search(name))):
        return False
    return roll.lists_number(value)


def anonymise_rejected(path: Path, roll: Roll, of_customers: frozenset[str], out: Path | None = None) -> int:
    """Take the cells out of the rejected rows that name a forgotten person; returns how many. Written like loaded rows."""
    found = 0
    with _written_again(path, out) as draft:
        tables = []
        for table in _groups(path):
            records = table["record"].to_pylist()
            clean = [NOTHING if record and record_names(record, roll, of_customers) else record for record in records]
            reasons = [reason and (roll.scrubbed(reason) or reason) for reason in table["reason"].to_pylist()]
            found += sum(one != other for one, other in zip(records, clean, strict=True))
            table = table.set_column(table.column_names.index("record"), "record", pa.array(clean, pa.string()))
            tables.append(table.set_column(table.column_names.index("reason"), "reason", pa.array(reasons, pa.string())))
        if found:
            with RowGroups(draft, QUARANTINE_SCHEMA) as writer:
                for table in tables:
                    writer.write(table.cast(QUARANTINE_SCHEMA))
    return found


def forgotten_rejected(path: Path) -> set[int]:
    """Numbers of the rejected rows whose cells were taken out."""
    found: set[int] = set()
    for table in _groups(path, ["record", _ROW]):
        found.update(table[_ROW].filter(_texts(table["record"], [NOTHING])).to_pylist())
    return found


def take_rows(path: Path, rows: set[int], out: Path, schema: pa.Schema) -> int:
    """Write the numbered rows of a file to another; returns how many they are."""
    numbers = pa.array(sorted(rows), pa.int64())
    with RowGroups(out, schema) as writer:
        for table in _groups(path):
            writer.write(conformed(table.filter(pc.is_in(table[_ROW], value_set=numbers)), schema))
    return writer.rows


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows in the columns of today."""
    columns = [
        table[one.name].cast(one.type) if one.name in table.column_names else pa.nulls(table.num_rows, one.type) for one in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def add_rows(path: Path, others: Path, schema: pa.Schema) -> int:
    """Put the rows of another file among those of a file, in the order of their numbers; returns how many came."""
    with pq.ParquetFile(others) as file:
        more = conformed(file.read(), schema)
    count = more.num_rows
    with _written_again(path) as draft, RowGroups(draft, schema) as out:
        for table in _groups(path):
            is_before = pc.less_equal(more[_ROW], table[_ROW][-1])
            out.write(pa.concat_tables([conformed(table, schema), more.filter(is_before)]).sort_by(_ROW))
            more = more.filter(pc.invert(is_before))
        out.write(more)
    return count
