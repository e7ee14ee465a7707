"""What 'cxhouse init' writes: a project folder with settings, an example contract, and units for a nightly run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from orchestration.core.errors import ConfigurationError

_FILES = Path(__file__).with_name("files")


def write_project(folder: Path) -> list[Path]:
    """Write the files into a folder, which is made; returns what was written.

    Raises:
        ConfigurationError: one of them is there already; nothing is written.
    """
    folder = folder.absolute()
    if wrong := sorted(set("'\"`*?[]{}\n") & set(str(folder))):
        raise ConfigurationError(f"{folder} has {' '.join(wrong)} in its path, which SQL engines read as a pattern")
    # As systemd reads a path: % begins a specifier.
    values = {"@PROJECT@": str(folder), "@CXHOUSE@": _command()}
    sources = sorted(path for path in _FILES.rglob("*") if path.is_file())
    targets = [folder / path.relative_to(_FILES) for path in sources]
    if there := [path for path in targets if path.exists()]:
        raise ConfigurationError(f"{there[0]} is there already; name another folder, or remove it")
    for source, target in zip(sources, targets, strict=True):
        text = source.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, value.replace("%", "%%") if target.parent.name == "systemd" else value)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (folder / "exports").mkdir(exist_ok=True)
    return targets


def _command() -> str:
    """The command of this installation."""
    script = Path(sys.executable).with_name("cxhouse")
    return shlex.quote(str(script)) if script.exists() else "cxhouse"
