"""Read JSON and NDJSON: one record an object, whatever is around them."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.core.errors import LimitExceededError, RefusedFileError
from orchestration.core.limits import limits
from orchestration.pull.files.records import BrokenRow, Rows, flatten, from_records
from orchestration.pull.files.unpacking import open_bytes

#: Keys of the lists in a record whose objects are rows, in turn; of `.` the record itself is one.
Lines = tuple[str, ...] | None
ITSELF = "."
#: Longer whole numbers stay text: Python reads none, and no column holds one.
_MAX_DIGITS = 4000
_DECODER = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else digits)


def _values(text: str) -> list[Any]:
    """The JSON values of a text, one after the other, whatever blanks or commas are between them.

    Raises:
        ValueError: there is something else.
    """
    found: list[Any] = []
    place, end = 0, len(text)
    while True:
        while place < end and (text[place].isspace() or text[place] == ","):
            place += 1
        if place == end:
            return found
        value, place = _DECODER.raw_decode(text, place)
        found.append(value)


def _objects(line: str) -> list[dict[str, Any]]:
    values = _values(line)
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("not an object")
    return values


def read_ndjson(path: Path, name: str, encoding: str, decimal: str, lines: Lines, scratch: Path | None) -> Rows:
    """A record a line; where a line holds several, their numbers count on from the line's."""
    broken: list[BrokenRow] = []

    def records() -> Iterator[tuple[int, dict[str, str | None]]]:
        number = 0
        for line_number, line in _lines(path, name, encoding):
            number = max(number + 1, line_number)
            try:
                objects = [row for record in _objects(line) for row in _rows_of(record, lines)]
            except (ValueError, RecursionError) as error:
                broken.append(BrokenRow(number, f"is not a JSON object ({error})", line.rstrip("\r\n")))
                continue
            for further, record in enumerate(objects):
                yield number + further, flatten(record, decimal)
            number += max(len(objects) - 1, 0)

    return from_records(records(), broken, scratch)


def first_ndjson_record(path: Path, name: str, encoding: str, lines: Lines) -> list[str]:
    """The columns of the first record; of ``lines``, those of the rows of the first record that gives any."""
    for _, line in _lines(path, name, encoding):
        if rows := _rows_of(_objects(line)[0], lines):
            return list(dict.fromkeys(column for row in rows for column in flatten(row)))
    return []


def _lines(path: Path, name: str, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, numbered; a list's brackets on lines of their own hold nothing."""
    with open_bytes(path, name) as stream:
        # Only "\n" ends a record: other line separators can be inside of a text.
        for number, line in enumerate(io.TextIOWrapper(stream, encoding, newline="\n"), start=1):
            if line.strip().strip(",") not in ("", "[", "]"):
                yield number, line


def _rows_of(record: dict[str, Any], lines: Lines) -> list[dict[str, Any]]:
    """The record; or one for each object of its lists ``lines``, which is there in the place of the list.

    Raises:
        ValueError: there is something else than objects in a list.
    """
    if lines is None:
        return [record]
    rows = []
    for name in lines:
        if name == ITSELF:
            rows.append(record)
            continue
        path = name.split(".")
        found = _under(record, path)
        if not isinstance(found, list | None) or not all(isinstance(line, dict) for line in found or []):
            raise ValueError(f"{name!r} is no list of objects")
        rows += [_with_line(_without(record, lines, name), path, line) for line in found or []]
    return rows


def _under(record: Any, path: list[str]) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _without(record: dict[str, Any], lines: tuple[str, ...], but: str) -> dict[str, Any]:
    """The record without its other lists: what these hold is in rows of its own."""
    for name in lines:
        if name not in (but, ITSELF) and _under(record, name.split(".")) is not None:
            record = _with_line(record, name.split("."), {})
    return record


def _with_line(record: dict[str, Any], path: list[str], line: dict[str, Any]) -> dict[str, Any]:
    """The record, with a line in the place of the list at a path."""
    key, *below = path
    return {**record, key: _with_line(record[key], below, line) if below else line}


def read_json(
    path: Path, name: str, encoding: str | None, decimal: str, under: str | None, lines: Lines, scratch: Path | None
) -> Rows:
    """A list of records, at the top or one level down; or objects one after the other. Of ``lines`` each is a row."""
    with open_bytes(path, name) as stream:
        data = stream.read(limits().json + 1)
    if len(data) > limits().json:
        raise LimitExceededError(f"is a list of more than {limits().json:,} bytes; export it as NDJSON, or split it")
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode(json.detect_encoding(data) if marked or not encoding else encoding)
    values = _values(text)
    if not values:
        raise RefusedFileError("is empty: it holds no JSON")
    broken: list[BrokenRow] = []

    def records() -> Iterator[tuple[int, dict[str, str | None]]]:
        number = 0
        for record in _records_of(values, under):
            try:
                if not isinstance(record, dict):
                    raise ValueError("is not an object")
                rows = _rows_of(record, lines)
            except ValueError as error:
                number += 1
                broken.append(BrokenRow(number, str(error), json.dumps(record, ensure_ascii=False)))
                continue
            for row in rows:
                number += 1
                yield number, flatten(row, decimal)

    return from_records(records(), broken, scratch)


def _records_of(values: list[Any], under: str | None) -> list[Any]:
    if under:
        return [record for value in values for record in _list_under(value, under)]
    if len(values) > 1:
        return values
    (top,) = values
    if isinstance(top, list):
        return top
    lists = {key: value for key, value in top.items() if isinstance(value, list)} if isinstance(top, dict) else {}
    full = {key: value for key, value in lists.items() if any(isinstance(item, dict) for item in value)}
    found = full or {key: value for key, value in lists.items() if not value}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise RefusedFileError(f"holds several lists of records ({', '.join(found)}); name one as `records` in the contract")
    raise RefusedFileError("holds no list of records at the top (or name `records` in the contract)")


def _list_under(value: Any, under: str) -> list[Any]:
    for key in under.split("."):
        value = value[key] if isinstance(value, dict) and key in value else None
    if not isinstance(value, list):
        raise RefusedFileError(f"holds no list of records under {under!r}")
    return value
