"""Without libraries that reading files does not need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_NOT_NEEDED = ("pandas",)


class _NotThere(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in _NOT_NEEDED:
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)
        return None


def import_lightly() -> None:
    """Let this process do without pandas: Arrow imports it to ask for its version, which takes longer than to read a file."""
    sys.meta_path.insert(0, _NotThere())
