"""A quick start: without libraries that reading files does not need."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Arrow imports pandas to ask for its version, numpy for whoever wants arrays of that, and clients of stores.
_NOT_NEEDED = ("pandas", "numpy", "pyarrow._s3fs", "pyarrow._gcsfs", "pyarrow._azurefs", "pyarrow._hdfs")


class _NotThere(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in _NOT_NEEDED:
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)
        return None


def import_lightly() -> None:
    """Let this process do without them: to import them takes longer than to read a file."""
    if not any(isinstance(finder, _NotThere) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NotThere())


@contextmanager
def importing() -> Iterator[None]:
    """Import without the collector of garbage: it would look again and again through what all stays."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
