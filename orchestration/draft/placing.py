"""Where a draft is written, and under which name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from orchestration.draft.lexicon import LOADER
from orchestration.draft.parts import Draft
from orchestration.errors import ConfigurationError
from orchestration.pull.contracts import SHIPPED, FileMatch


def place(made: Draft, folder: Path, output: Path | None, force: bool, is_named: bool) -> Path | None:
    """The file to write, None for standard output. A name that another contract has gets a number.

    Raises:
        ConfigurationError: the file is there already.
    """
    target = folder / "contracts" / f"{made.name}.yml" if output is None else output
    others = dict(_contracts(folder))
    if made.name in others and not is_named and not (force or target.exists()):
        stem, number = made.name, 2
        while f"{stem}_{number}" in others:
            number += 1
        made.name = f"{stem}_{number}"
        target = target.with_name(f"{made.name}.yml") if output is None else target
    for name, match in others.items():
        if name != made.name and match is not None and match.columns and match.claims(made.file, made.header):
            made.notes.append(f"{name} reads this file already; of two that claim it for one kind, your own comes first")
    if output is not None and str(output) == "-":
        return None
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already; --force overwrites it, --output or --name writes another")
    return target


def _contracts(folder: Path) -> Iterator[tuple[str, FileMatch | None]]:
    """The names of the contracts that are there, and which files they claim by themselves; wrong ones are passed over.

    Loading them as a run does takes longer than a draft.
    """
    for path in [*sorted((folder / "contracts").glob("*.y*ml")), *sorted(SHIPPED.glob("*.yml"))]:
        try:
            # A safe loader: it makes nothing but plain values.
            data = yaml.load(path.read_text(encoding="utf-8"), LOADER)
            name = str(data["name"])
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError):
            continue
        try:
            yield name, FileMatch.model_validate(data["files"])
        except (ValidationError, KeyError):
            yield name, None
