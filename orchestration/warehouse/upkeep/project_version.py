"""Which project a home is built by: what its queries, and what its tables are made by, as one text each."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.pull.kinds import KINDS_FILE
from orchestration.settings import PROJECT
from orchestration.settings.model import Settings
from orchestration.warehouse import seeds
from orchestration.warehouse.dbt_vars import dbt_vars
from orchestration.warehouse.salt import read_salt

_LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb")


def project_version(settings: Settings) -> str:
    """Changes with all that tables are made by: models, macros, seeds, variables, libraries, secret; not with data or date."""
    digest = hashlib.sha256(json.dumps([queries_version(settings), read_salt(settings)]).encode())
    # The seeds of a home are made of these; dbt writes over their copies.
    for folder in (seeds.SHIPPED, *([settings.config_dir / "seeds"] if settings.config_dir else [])):
        _add_files(digest, folder, ".csv")
    return digest.hexdigest()[:16]


def queries_version(settings: Settings) -> str:
    """Changes with all that queries are made by; the same in every home of the same project and settings, whatever seeds hold."""
    digest = hashlib.sha256()
    for folder in (PROJECT / "models", PROJECT / "dbt_project"):
        _add_files(digest, folder, ".sql", ".yml")
    # The columns of a kind without a file show in no file's name. Seeds are put together by code, with the shipped columns.
    for path in (KINDS_FILE, Path(seeds.__file__)):
        digest.update(path.read_bytes())
    for path in sorted(seeds.SHIPPED.glob("*.csv")):
        digest.update(path.name.encode() + path.read_bytes().partition(b"\n")[0])
    inputs = [dbt_vars(settings), settings.engine, settings.spark_parts, settings.spark_table_format]
    digest.update(json.dumps([*inputs, *map(version, _LIBRARIES)], sort_keys=True, default=str).encode())
    return digest.hexdigest()[:32]


def _add_files(digest: Any, folder: Path, *suffixes: str) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix in suffixes:
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
