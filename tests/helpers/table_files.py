"""Tables as files of every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq


def _delimited(rows: list[list[object]], delimiter: str) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def write(path: Path, names: list[str], rows: list[list[object]]) -> Path:
    """A table as a file of the format that the path ends in."""
    records = [dict(zip(names, row, strict=True)) for row in rows]
    match path.suffix:
        case ".csv" | ".tsv":
            path.write_text(_delimited([names, *rows], "\t" if path.suffix == ".tsv" else ","), newline="")
        case ".json":
            path.write_text(json.dumps(records))
        case ".ndjson":
            path.write_text("".join(json.dumps(record) + "\n" for record in records))
        case ".parquet":
            columns = [pa.array(list(column)) for column in zip(*rows, strict=True)] or [pa.array([], pa.string())] * len(names)
            pq.write_table(pa.table(columns, names), path)
        case _:
            book = openpyxl.Workbook()
            sheet = book.active
            for number, row in enumerate([names, *rows], start=1):
                for column, value in enumerate(row, start=1):
                    cell = sheet.cell(number, column, value)
                    if isinstance(value, str):
                        # Nothing that looks like a formula or an error is one.
                        cell.data_type = "s"
            book.save(path)
    return path
