"""The bytes inside of a packed file, with a limit on how many there may be."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from orchestration.core.errors import LimitExceededError, RefusedFileError
from orchestration.core.limits import limits

COMPRESSIONS = {".gz", ".zst"}
#: So much of a file's beginning is looked at for what it is and for its header.
HEAD_BYTES = 2**20
_CELL = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')


class _Limited(io.RawIOBase):
    """A stream that refuses to go on past ``limit`` bytes (a decompression bomb)."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise LimitExceededError(f"unpacks to more than {self._limit:,} bytes; split the export")
        buffer[: len(data)] = data
        return len(data)


def open_bytes(path: Path, name: str) -> BinaryIO:
    """The file's unpacked bytes; ``name`` (the original one) says how it is packed."""
    suffix = Path(name.lower()).suffix
    if suffix not in COMPRESSIONS:
        return path.open("rb")
    packed = gzip.open(path) if suffix == ".gz" else zstandard.open(path, "rb")
    return cast(BinaryIO, io.BufferedReader(_Limited(cast(BinaryIO, packed), limits().unpacked), 2**20))


def beginning(path: Path, name: str) -> bytes:
    """The first bytes of a file, unpacked. Several contracts look at them in turn: those of the last file are kept."""
    found = path.stat()
    return _beginning(path, name, (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=1)
def _beginning(path: Path, name: str, _written: tuple[int, int]) -> bytes:
    with open_bytes(path, name) as stream:
        return stream.read(HEAD_BYTES)


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, of which none can fill the memory.

    Raises:
        RefusedFileError: a line is longer than any record of an export.
    """
    number, most = 0, limits().line
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most:
            raise LimitExceededError(f"has a line ({number}) of more than {most:,} bytes; is it an export?")
        yield line


def require_sheets(stream: BinaryIO) -> None:
    """Refuse a workbook whose parts unpack to more than the limit, or whose sheets reach further than memory does.

    Raises:
        RefusedFileError: they do, or the file is no workbook.
    """
    try:
        with zipfile.ZipFile(stream) as packed:
            total = sum(part.file_size for part in packed.infolist())
            if total > limits().group:
                raise LimitExceededError(f"unpacks to more than {limits().group:,} bytes; split the export")
            for name in packed.namelist():
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                    _require_reach(packed, name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error


def _require_reach(packed: zipfile.ZipFile, name: str) -> None:
    """A sheet is held as a rectangle as far as its last cell: one stray cell would take all the memory."""
    last_row, rest = 0, b""
    columns: set[bytes] = set()
    with packed.open(name) as stream:
        while chunk := stream.read(2**20):
            text = rest + chunk
            cells = _CELL.findall(text)
            columns.update(column for column, _ in cells)
            last_row = max(last_row, *map(int, {row for _, row in cells}), 0)
            rest = text[-32:]
    width, last_column = 0, max(columns, key=lambda name: (len(name), name), default=b"")
    for letter in last_column:
        width = width * 26 + letter - ord("A") + 1
    if last_row * width > limits().sheet_cells:
        raise LimitExceededError(
            f"has a sheet with a cell in column {last_column.decode()} and one in row {last_row:,}: more than "
            f"{limits().sheet_cells:,} cells; delete what is far from the table"
        )
