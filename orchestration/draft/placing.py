"""Where a draft is written, and under which name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from orchestration.core.errors import ConfigurationError
from orchestration.core.yaml_text import read_yaml
from orchestration.draft.parts import Draft
from orchestration.pull.contracts.library import SHIPPED
from orchestration.pull.contracts.mappings import FileMatch


def reads_already(made: Draft, folder: Path) -> list[str]:
    """Other contracts that read the drafted file as each of the draft's kinds, so that no further one is needed."""
    found = [
        (one.name, one.kinds)
        for one in _contracts(folder)
        if one.name != made.name and one.match is not None and one.match.columns and one.match.claims(made.file, made.header)
    ]
    wanted = {part.kind for part in made.kinds}
    known = {kind for _, kinds in found for kind in kinds}
    return [name for name, kinds in found if wanted & kinds] if wanted <= known else []


def place(made: Draft, folder: Path, output: Path | None, force: bool, is_named: bool) -> Path | None:
    """The file to write, None for standard output. A name that another contract has gets a number.

    Raises:
        ConfigurationError: the file is there already.
    """
    target = folder / "contracts" / f"{made.name}.yml" if output is None else output
    others = {one.name: one for one in _contracts(folder)}
    if made.name in others and not is_named and not (force or target.exists()):
        stem, number = made.name, 2
        while f"{stem}_{number}" in others:
            number += 1
        made.name = f"{stem}_{number}"
        target = target.with_name(f"{made.name}.yml") if output is None else target
    for name, one in others.items():
        if name != made.name and one.match is not None and one.match.columns and one.match.claims(made.file, made.header):
            made.notes.append(f"{name} reads this file already; of two that claim it for one kind, your own comes first")
    if output is not None and str(output) == "-":
        return None
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already; --force overwrites it, --output or --name writes another")
    return target


@dataclass(frozen=True)
class _There:
    """A contract that is there: which files it claims by itself, and the kinds that it makes of them."""

    name: str
    match: FileMatch | None
    kinds: frozenset[str]


def _contracts(folder: Path) -> Iterator[_There]:
    """The contracts that are there; wrong ones are passed over. Loading them as a run does takes longer than a draft."""
    for path in [*sorted((folder / "contracts").glob("*.y*ml")), *sorted(SHIPPED.glob("*.yml"))]:
        try:
            data = read_yaml(path.read_text(encoding="utf-8"))
            name, kinds = str(data["name"]), frozenset(data.get("kinds") or [data.get("kind")])
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            continue
        try:
            yield _There(name, FileMatch.model_validate(data["files"]), kinds)
        except (ValidationError, KeyError):
            yield _There(name, None, kinds)
