"""Read a landed file of any supported format into text columns, losing no row.

Every reader gives blocks of rows: Arrow tables whose columns are all text, plus ``_row`` (in CSV and workbooks as a spreadsheet
counts, the header being row 1; in NDJSON the line; elsewhere the record), and the rows that could not be read at all.
"""

from __future__ import annotations

import codecs
import csv
import errno
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import zstandard

from orchestration.core.errors import LimitExceededError, RefusedFileError
from orchestration.core.limits import limits
from orchestration.pull.files.csv_files import read_csv, require_decodable, require_text
from orchestration.pull.files.headers import Header, column_names, text_header
from orchestration.pull.files.json_files import first_ndjson_record, read_json, read_ndjson
from orchestration.pull.files.options import ReadOptions
from orchestration.pull.files.parquet_files import parquet_header, read_parquet
from orchestration.pull.files.records import (
    Block,
    Rows,
)
from orchestration.pull.files.shaping import carried_down, unpivoted
from orchestration.pull.files.unpacking import COMPRESSIONS, beginning
from orchestration.pull.files.workbooks import read_workbook, workbook_header

FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json",
    ".parquet": "parquet", ".xlsx": "xlsx", ".xls": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
#: Those of UTF-32 first: they begin like those of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@lru_cache(maxsize=256)
def file_format(name: str) -> str | None:
    """Format by the name's ending (csv, ndjson, json, parquet, xlsx), or None for a file that is no export."""
    path = Path(name.lower())
    if path.suffix in COMPRESSIONS:
        path = path.with_suffix("")
    return FORMATS.get(path.suffix)


def open_rows(path: Path, name: str, options: ReadOptions, scratch: Path | None = None) -> Rows:
    """Open a file. What must be put aside while it is read is in the folder ``scratch``.

    Raises:
        RefusedFileError: the file as a whole is unreadable, which may show only while its rows are read; the message says why
            and what to do.
    """
    kind = file_format(name)
    if kind is None:
        raise RefusedFileError(f"unknown format; known endings: {', '.join(FORMATS)} (also .gz, .zst)")
    with _refusing(kind):
        rows = _open_as(kind, path, name, options, scratch)
        if len(rows.header) > limits().columns:
            raise LimitExceededError(f"has more than {limits().columns:,} columns; is it an export?")
        if options.carry_down:
            rows = carried_down(rows, list(options.carry_down))
        if options.unpivot:
            rows = unpivoted(rows, *options.unpivot)
    blocks = rows.blocks

    def refusing() -> Iterator[Block]:
        with _refusing(kind):
            yield from blocks()

    rows.blocks = refusing
    return rows


@contextmanager
def _refusing(kind: str) -> Iterator[None]:
    """Whatever a library raises at a file refuses the file."""
    try:
        yield
    except RefusedFileError:
        raise
    except (EOFError, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise RefusedFileError(f"is truncated or not packed as its name says ({error}); export it again") from error
    except (
        csv.Error,
        LookupError,
        pa.ArrowException,
        OverflowError,
        UnicodeError,
        ValueError,
        RecursionError,
        OSError,
    ) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # a full disk is no fault of the file
        raise RefusedFileError(
            f"cannot be read as {kind}: {error}; export it again, or give it the ending of its format"
        ) from error


def _open_as(kind: str, path: Path, name: str, options: ReadOptions, scratch: Path | None) -> Rows:
    if kind == "xlsx":
        return read_workbook(path, name, options, scratch)
    if kind == "parquet":
        return read_parquet(path, name, options.decimal)
    if kind == "json":
        return read_json(path, name, options.encoding, options.decimal, options.records, options.lines, scratch)
    encoding = _encoding_of(path, name, options)
    require_decodable(path, name, encoding)
    if kind == "csv":
        header = _csv_header(path, name, encoding, options)
        return options.records_of(read_csv(path, name, encoding, header), header)
    return read_ndjson(path, name, encoding, options.decimal, options.lines, scratch)


def read_header(path: Path, name: str, options: ReadOptions | None = None) -> list[str]:
    """Names of the file's columns (of the first record, where the format has no header)."""
    options = options or ReadOptions()
    kind = file_format(name)
    try:
        if kind == "csv":
            return _csv_header(path, name, _encoding_of(path, name, options), options).names
        if kind == "parquet":
            return parquet_header(path, name)
        if kind == "ndjson":
            return column_names(first_ndjson_record(path, name, _encoding_of(path, name, options), options.lines))
        if kind == "xlsx":
            with _refusing(kind):
                header = workbook_header(path, name, options)
            return header if len(header) <= limits().columns else []
        return open_rows(path, name, replace(options, unpivot=None)).header if kind else []
    except (RefusedFileError, csv.Error, ValueError, EOFError, OSError, zstandard.ZstdError, RecursionError, pa.ArrowException):
        # A header that cannot be read claims nothing; reading the file whole will say why.
        return []


def unreadable(path: Path, name: str) -> str | None:
    """Why a file is not of the format that its name says, as a run says it; None where it is. Of a CSV all rows are looked at."""
    kind = file_format(name)
    try:
        if kind in ("csv", "ndjson"):
            with _refusing("text"):
                encoding = _encoding_of(path, name, ReadOptions())
            if kind == "csv":
                with _refusing(kind):
                    _csv_header(path, name, encoding, ReadOptions())
                # Whatever its letters are, its quotes and row ends are found; which encoding it is a contract says.
                for _ in open_rows(path, name, ReadOptions(encoding="latin-1")).blocks():
                    pass
        elif kind is not None:
            open_rows(path, name, ReadOptions())
    except RefusedFileError as error:
        return str(error)
    return None


def _encoding_of(path: Path, name: str, options: ReadOptions) -> str:
    """A byte-order mark says it, whatever the contract does; else the contract; else UTF-8.

    Raises:
        RefusedFileError: the file is no text.
    """
    head = beginning(path, name)
    start = head[:4]
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if marked is None and not options.encoding and len(start) == 4:
        # UTF-16 without its mark: each second byte of a header is zero.
        pattern = "".join("0" if byte == 0 else "x" for byte in start)
        marked = {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(pattern)
    encoding = marked or options.encoding or "utf-8"
    require_text(head, encoding)
    return encoding


def _csv_header(path: Path, name: str, encoding: str, options: ReadOptions) -> Header:
    text = _text_of(beginning(path, name), encoding)
    otherwise = "\t" if ".tsv" in Path(name.lower()).suffixes[-2:] else ","
    return text_header(text, options.delimiter, options.header, otherwise)


@lru_cache(maxsize=2)
def _text_of(head: bytes, encoding: str) -> str:
    """The beginning of a file as text; several contracts look at it in turn, most of them in one encoding."""
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)
