"""Where a draft is written, and under which name."""

from __future__ import annotations

from pathlib import Path

from orchestration.draft.parts import Draft
from orchestration.errors import ConfigurationError
from orchestration.pull.contracts import claims, load_contracts
from orchestration.pull.loading import options_of
from orchestration.pull.readers import read_header


def place(made: Draft, file: Path, folder: Path, output: Path | None, force: bool, is_named: bool) -> Path | None:
    """The file to write, None for standard output. A name that another contract has gets a number.

    Raises:
        ConfigurationError: the file is there already, or the contracts of the folder are wrong.
    """
    target = folder / "contracts" / f"{made.name}.yml" if output is None else output
    others = load_contracts(folder if folder.is_dir() else None)
    names = {one.name for one in others}
    is_ours = force or target.exists()
    if made.name in names and not is_named and not is_ours:
        stem, number = made.name, 2
        while f"{stem}_{number}" in names:
            number += 1
        made.name = f"{stem}_{number}"
        target = target.with_name(f"{made.name}.yml") if output is None else target
    claiming = claims(file.name, read_header(file, file.name), others, lambda one: read_header(file, file.name, options_of(one)))
    for one in claiming:
        if one.name != made.name:
            made.notes.append(f"{one.name} reads this file already, as {one.kind}; of two that claim it, your own comes first")
    if output is not None and str(output) == "-":
        return None
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already; --force overwrites it, --output or --name writes another")
    return target
