"""The bytes inside of a packed file, with a limit on how many there may be."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from orchestration.errors import RefusedFileError

COMPRESSIONS = {".gz", ".zst"}
MAX_BYTES = 16 * 2**30


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
