"""A person planted in every kind of export, in files of several formats, beside somebody else."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl

from orchestration.pull.kinds import Column, Kind, all_kinds

NAME = "Xaveria Quillfeather"
EMAIL = "Xaveria.Quillfeather@leak.example"
PHONE = "+49 170 5550199"
ID = "CUST-90210-X"
VISITOR = "visitor-7c1e-x"
USER = "user-4f0a-x"
PROSE = f"{NAME}, {EMAIL}, please call {PHONE}"
#: What must not be found again, in any case.
TRACES = ("xaveria", "quillfeather", "5550199", "cust-90210", "visitor-7c1e", "user-4f0a")
OTHER = {
    "customer_id": "CUST-10001-Y", "referred_by": "", "actor_id": "CUST-10001-Y", "visitor_id": "visitor-y", "user_id": "user-y",
    "email": "bert@other.example", "customer_email": "bert@other.example", "phone": "+49 171 5550000",
    "customer_phone": "+49 171 5550000",
}  # fmt: skip
MINE = {
    "customer_id": ID, "referred_by": ID, "actor_id": ID, "visitor_id": VISITOR, "user_id": USER, "email": EMAIL,
    "customer_email": EMAIL, "phone": PHONE, "customer_phone": PHONE,
}  # fmt: skip
_FORMATS = ("csv", "xlsx", "json", "zip", "ndjson", "parquet")


def _value(kind: Kind, column: Column, number: int, cells: dict[str, str], prose: str) -> str:
    if column.name in cells:
        return cells[column.name]
    if column.type == "prose":
        return prose
    if (column.name in kind.key and column.type == "text") or column.is_id:
        return f"{column.name[:-3]}{number}"
    if not column.required:
        return ""
    if column.values:
        return column.values[0]
    return {"instant": f"2026-05-0{number}T10:00:00Z", "date": f"2026-05-0{number}", "text": "x"}.get(column.type, "1")


def rows_of(kind: Kind) -> list[dict[str, str]]:
    """Two rows of the person, one of somebody else's, and one of theirs that mentions the person."""
    texts = [(1, MINE, PROSE), (2, MINE, "again"), (3, OTHER, "hello there"), (4, OTHER, f"my friend is {EMAIL}, {PHONE}")]
    rows = [
        {name: _value(kind, column, number, cells, prose) for name, column in kind.columns.items()}
        for number, cells, prose in texts
    ]
    if kind.key == ("customer_id",):
        # One row for each customer; the second is known by an address only.
        del rows[1], rows[2]
    if "customer_email" in kind.columns and "customer_id" not in kind.required_columns:
        rows[1]["customer_id"] = ""
    if "actor_type" in kind.columns:
        for row in rows:
            row["actor_type"] = "customer"
    # A column that no contract maps, as exports have.
    leads_to_persons = {*MINE, "order_id", "ticket_id", "call_id"} & set(kind.columns)
    return [{**row, "Full name": NAME if leads_to_persons and row in rows[: len(rows) // 2] else "Bert"} for row in rows]


def write(folder: Path, name: str, rows: list[dict[str, str]], form: str = "csv") -> Path:
    """A file of rows in a format; a `.zip` holds a CSV."""
    names = list(rows[0])
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    path = folder / f"{name}.{form}"
    if form == "csv":
        path.write_text(text.getvalue(), encoding="utf-8")
    elif form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"{name}.csv", text.getvalue())
    elif form == "json":
        path.write_text(json.dumps(rows, indent=1))
    elif form == "ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in (names, *([row[name] or None for name in names] for row in rows)):
            sheet.append(row)
        book.save(path)
    return path


def plant(folder: Path) -> None:
    """A file of each kind, in turn in each format."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, kind in enumerate(all_kinds().values()):
        write(folder, kind.name, rows_of(kind), _FORMATS[place % len(_FORMATS)])


def traces(home: Path, words: tuple[str, ...] = TRACES) -> Iterator[str]:
    """Files of a home in which a trace is found: their bytes, what they unpack to, and in two bytes a letter."""
    for path in sorted(path for path in home.rglob("*") if path.is_file() and not path.is_symlink()):
        for content in _contents(path):
            lowered = content.lower()
            for word in words:
                for encoded in (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")):
                    if encoded in lowered:
                        yield f"{path.relative_to(home)}: {word}"


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if path.name.endswith((".parquet", ".rows")) and path.stat().st_size:
        import pyarrow.parquet as pq

        yield repr(pq.ParquetFile(path).read().to_pydict()).encode()
        yield repr(pq.read_schema(path).metadata).encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield packed.read(name)
