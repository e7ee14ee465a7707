"""The bytes inside of a packed file, with a limit on how many there may be."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from orchestration.errors import RefusedFileError

COMPRESSIONS = {".gz", ".zst"}
#: Of one file, unpacked: a file is typed in memory, which takes a few times as much.
MAX_BYTES = 2 * 2**30
#: Of one line or record.
MAX_LINE_BYTES = 2**28


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
            raise RefusedFileError(f"unpacks to more than {self._limit:,} bytes; split the export")
        buffer[: len(data)] = data
        return len(data)


def open_bytes(path: Path, name: str) -> BinaryIO:
    """The file's unpacked bytes; ``name`` (the original one) says how it is packed."""
    suffix = Path(name.lower()).suffix
    if suffix not in COMPRESSIONS:
        return path.open("rb")
    packed = gzip.open(path) if suffix == ".gz" else zstandard.open(path, "rb")
    return cast(BinaryIO, io.BufferedReader(_Limited(cast(BinaryIO, packed), MAX_BYTES), 2**20))


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, of which none can fill the memory.

    Raises:
        RefusedFileError: a line is longer than any record of an export.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise RefusedFileError(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes; is it an export?")
        yield line


def require_zip_size(stream: BinaryIO) -> None:
    """Refuse a workbook whose parts unpack to more than the limit.

    Raises:
        RefusedFileError: they do, or the file is no workbook.
    """
    try:
        with zipfile.ZipFile(stream) as packed:
            total = sum(part.file_size for part in packed.infolist())
    except zipfile.BadZipFile as error:
        raise RefusedFileError(f"cannot be read as xlsx: {error}") from error
    if total > MAX_BYTES:
        raise RefusedFileError(f"unpacks to more than {MAX_BYTES:,} bytes; split the export")
