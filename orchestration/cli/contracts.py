"""Commands about contracts: draft one, print their schema."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import click

from orchestration.cli.options import reported
from orchestration.core.errors import ConfigurationError, RefusedFileError
from orchestration.core.output import echo

#: Where contracts go that no option says a place for.
_CONFIG = "config"


@click.group()
def contract() -> None:
    """Contracts: how exports are read."""


@contract.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--kind", metavar="KIND", help="Kind of the export: tickets, calls, orders, … (default: by its columns).")
@click.option("--name", metavar="NAME", help="Name of the contract (default: after the file and the kind).")
@click.option("--timezone", metavar="ZONE", help="Zone of times that name no offset, such as Europe/Berlin.")
@click.option("--config", metavar="DIR", help="Folder with contracts/ to write to (default: config). [CXHOUSE_CONFIG]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File to write instead; - is standard output.",
)
@click.option("--force", is_flag=True, help="Overwrite the contract if it is there.")
@click.option("--anyway", is_flag=True, help="Write one even if a contract reads the file already.")
@reported
def draft(
    file: Path,
    kind: str | None,
    name: str | None,
    timezone: str | None,
    config: str | None,
    output: Path | None,
    force: bool,
    anyway: bool,
) -> None:
    """Write a contract for FILE, with the reason of each line as a comment, and `# check` where it is unsure.

    It looks at the names of columns, in seven languages and in the words of many vendors, and at what is in them. The first
    20,000 rows are read. Fix what is marked, then run the command that it prints at the end.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file} is no file that can be read")
    from orchestration.pull.isolated import isolated

    # It gets its libraries while this process gets its own.
    isolated().start("orchestration.draft.trial")
    from orchestration.core.lightly import import_lightly

    import_lightly()
    from orchestration.draft.placing import place, reads_already
    from orchestration.draft.trial import draft_and_try
    from orchestration.draft.writing import count_of_checks, text

    folder = Path(config or os.environ.get("CXHOUSE_CONFIG") or _CONFIG)
    try:
        made, loaded, rejected = isolated().call(file.stat().st_size, draft_and_try, file.absolute(), kind, name, timezone)
    except RefusedFileError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    known = [] if anyway else reads_already(made, folder)
    if known:
        _say_known(file, made.kind, known, config)
        return
    path = place(made, folder, output, force, is_named=name is not None)
    is_placed = path is not None and path.parent.name == "contracts"
    config_dir = path.parent.parent if path is not None and is_placed else folder
    # Two kinds are two contracts, which claim the file by its columns.
    named = [] if made.also else ["--contract", made.name]
    next_step = shlex.join(["cxhouse", "check", str(file), *named, "--config", str(config_dir)])
    written = text(made, next_step, loaded, rejected)
    if path is None:
        click.echo(written, nl=False)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written, encoding="utf-8")
        kinds = " and ".join(part.kind for part in made.kinds)
        echo(f"{path}: {kinds}, {loaded:,} rows load, {rejected:,} are rejected, {count_of_checks(made)} places to check")
    first = "" if is_placed else f"put it into {folder / 'contracts'}, then "
    echo(f"Next: {first}{next_step}", err=path is None)


def _say_known(file: Path, kind: str, known: list[str], config: str | None) -> None:
    """Point to the contract that reads the file."""
    name, options = known[0], ["--config", config] if config else []
    echo(f"{name} reads {file} already, as {kind}: no contract is written (--anyway writes one).")
    echo(f"To change a part of it, write a contract with `extends: {name}`.")
    echo(f"Next: {shlex.join(['cxhouse', 'check', str(file), *options])}")


@click.command("contract-schema")
def contract_schema() -> None:
    """Print the JSON schema of a contract file, for editors."""
    from orchestration.reference.docs import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


COMMANDS = (contract, contract_schema)
