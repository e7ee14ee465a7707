"""Read Parquet: each column as the text that a CSV of the same rows would hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.errors import RefusedFileError
from orchestration.pull import unpacking
from orchestration.pull.headers import ROW, Header
from orchestration.pull.records import EXACT, FileContent, inexact, require_cells, text_of
from orchestration.pull.unpacking import open_bytes


def parquet_header(path: Path, name: str) -> list[str]:
    """Names of the columns."""
    with open_bytes(path, name) as stream:
        return Header(_flat(pq.ParquetFile(stream).schema_arrow.empty_table()).column_names, 0).names


def read_parquet(path: Path, name: str) -> FileContent:
    """A whole file.

    Raises:
        RefusedFileError: it takes more than memory has.
    """
    with open_bytes(path, name) as stream:
        packed = pq.ParquetFile(stream)
        require_cells(packed.metadata.num_rows, packed.metadata.num_columns)
        if sum(packed.metadata.row_group(i).total_byte_size for i in range(packed.num_row_groups)) > unpacking.MAX_BYTES:
            raise RefusedFileError(f"unpacks to more than {unpacking.MAX_BYTES:,} bytes; split the export")
        table = _flat(packed.read())
    header = Header(table.column_names, 0)
    columns = [_texts(values) for values in table.columns]
    numbers = pa.array(range(1, table.num_rows + 1), pa.int64())
    rounded = [
        name for name, values in zip(header.names, table.columns, strict=True) if _is_float(values.type) and _has_inexact(values)
    ]
    messages = [*header.messages, *([inexact(f"{', '.join(rounded)} hold")] if rounded else [])]
    return FileContent(pa.table([*columns, numbers], [*header.names, ROW]), [], messages)


def _flat(table: pa.Table) -> pa.Table:
    """The fields of a structure as columns named with dots, as those of a JSON object are."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if _is_float(kind):
        return _float_texts(values)
    if pa.types.is_timestamp(kind):
        return _instant_texts(values)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _valid_texts(values)
    if pa.types.is_time(kind):
        return _short(values.cast(pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    return pa.chunked_array([[text_of(value) for value in values.to_pylist()]], pa.string())


def _float_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # No number is no value.
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if _has_inexact(values):
        return pa.chunked_array([[text_of(value) for value in values.to_pylist()]], pa.string())
    return values.cast(pa.string())


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float32(kind) or pa.types.is_float64(kind))


def _has_inexact(values: pa.ChunkedArray) -> bool:
    # Those that are no number say neither.
    return bool(pc.any(pc.greater_equal(pc.abs(values), EXACT)).as_py())


def _instant_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601, with the offset of the column's zone."""
    if values.type.unit == "ns":
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    try:
        texts = values.cast(pa.string())
    except pa.ArrowInvalid:
        # A zone that this machine does not know: the instants are the same in UTC.
        texts = values.cast(pa.timestamp(values.type.unit, "UTC")).cast(pa.string())
    return _short(pc.replace_substring(texts, " ", "T", max_replacements=1))


def _short(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without the zeros at the end of a fraction of a second."""
    texts = pc.replace_substring_regex(texts, r"(\.\d*[1-9])0+(Z|[+-]\d+)?$", r"\1\2")
    return pc.replace_substring_regex(texts, r"\.0+(Z|[+-]\d+)?$", r"\1")


def _valid_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        # Bytes that are no text show, and their rows stay.
        values = pa.chunked_array([[text_of(value) for value in values.cast(pa.binary()).to_pylist()]], pa.string())
    return values.cast(pa.string())
