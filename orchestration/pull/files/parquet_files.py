"""Read Parquet: each column as the text that a CSV of the same rows would hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.core.errors import LimitExceededError, RefusedFileError
from orchestration.core.limits import limits
from orchestration.pull.files.headers import ROW, Header
from orchestration.pull.files.records import EXACT, Block, Rows, inexact, require_cells, text_of, text_with, with_nulls
from orchestration.pull.files.unpacking import open_bytes

#: So many rows are held at a time.
BLOCK_ROWS = 2**15


def parquet_header(path: Path, name: str) -> list[str]:
    """Names of the columns."""
    return _header(path, name).names


def _header(path: Path, name: str) -> Header:
    with open_bytes(path, name) as stream:
        return Header(_flat(pq.ParquetFile(stream).schema_arrow.empty_table()).column_names, 0)


def read_parquet(path: Path, name: str, decimal: str = ".") -> Rows:
    """The rows, some at a time.

    Raises:
        RefusedFileError: there are too many.
    """
    header = _header(path, name)
    rounded: dict[str, None] = {}
    rows = Rows(header.names, lambda: _blocks(path, name, decimal, header.names, rounded, rows), header.messages)
    with open_bytes(path, name) as stream:
        metadata = pq.read_metadata(stream)
    require_cells(metadata.num_rows, metadata.num_columns)
    groups = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    if max(groups, default=0) > limits().group or sum(groups) > limits().unpacked:
        raise LimitExceededError(
            f"unpacks to more than {limits().unpacked:,} bytes, or a row group of it to more than "
            f"{limits().group:,}; split the export"
        )
    return rows


def _blocks(path: Path, name: str, decimal: str, names: list[str], rounded: dict[str, None], rows: Rows) -> Iterator[Block]:
    above, said = 0, list(rows.messages)
    with open_bytes(path, name) as stream:
        file = pq.ParquetFile(stream)
        for batch in file.iter_batches(BLOCK_ROWS):
            table = _flat(pa.Table.from_batches([batch]))
            for column, values in zip(names, table.columns, strict=True):
                if column not in rounded and _is_float(values.type) and _has_inexact(values):
                    rounded[column] = None
            numbers = pa.array(range(above + 1, above + 1 + table.num_rows), pa.int64())
            above += table.num_rows
            columns = [_texts(values, decimal) for values in table.columns]
            yield Block(with_nulls(pa.table([*columns, numbers], [*names, ROW])))
        said_rows = file.metadata.num_rows
    if above != said_rows:
        raise RefusedFileError(f"holds {above:,} rows where it says that it has {said_rows:,}: it is damaged; export it again")
    if rounded:
        rows.messages = [*said, inexact(f"{', '.join(rounded)} hold")]


def _flat(table: pa.Table) -> pa.Table:
    """The fields of a structure as columns named with dots, as those of a JSON object are."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _texts(values: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if _is_float(kind):
        return pc.replace_substring(_float_texts(values), ".", decimal)
    if pa.types.is_timestamp(kind):
        return _instant_texts(values)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _valid_texts(values)
    if pa.types.is_time(kind):
        return _short(values.cast(pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    return pa.chunked_array([[text_with(decimal, value) for value in values.to_pylist()]], pa.string())


def _float_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    # No number is no value.
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    texts = values.cast(pa.string())
    if not _has_inexact(values):
        return texts
    large = pc.fill_null(pc.greater_equal(pc.abs(values), EXACT), False)
    whole = pa.array([text_of(value) for value in values.filter(large).to_pylist()], pa.string())
    return pc.replace_with_mask(texts.combine_chunks(), pa.concat_arrays(large.chunks), whole)


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
