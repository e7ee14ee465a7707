"""What a published version holds, for targets: each table with its columns, comments, key, and the file of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.core.connections import connect
from orchestration.core.errors import CxhouseError
from orchestration.settings.model import Settings
from orchestration.targets.keys import Key, read_keys
from orchestration.warehouse.versions import DATABASES, PARQUET_FOLDER, Version, current, versions


@dataclass(frozen=True)
class Column:
    """One column, with its type as DuckDB names it."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class Relation:
    """One published table; ``version`` is the SHA-256 of the Parquet file that holds its rows."""

    publication: str
    name: str
    description: str
    columns: list[Column]
    key: Key | None
    parquet: Path
    version: str


@dataclass(frozen=True)
class Contents:
    """The published version by name, the names of all that are kept, and its tables."""

    version: str
    kept: list[str]
    tables: list[Relation]


def contents(settings: Settings) -> Contents:
    """What readers of the files get now.

    Raises:
        CxhouseError: nothing is published.
    """
    version = current(settings)
    if version is None:
        raise CxhouseError(f"nothing is published in {settings.published}; run 'cxhouse run' first")
    return Contents(version.name, [kept.name for kept in versions(settings)], _relations(version))


#: A table, its column, and the table whose key it is.
Reference = tuple[Relation, str, Relation]


def references(found: list[Relation]) -> list[Reference]:
    """Columns that carry the name of another table's key of one column.

    Where several tables of a publication have that key, it is the dimension's, else the fact's.
    """
    owners: dict[tuple[str, str], list[Relation]] = {}
    for relation in found:
        if relation.key is not None and len(relation.key.columns) == 1 and not relation.key.nullable:
            owners.setdefault((relation.publication, relation.key.columns[0]), []).append(relation)
    chosen = {}
    for place, several in owners.items():
        ranked = [one for prefix in ("dim_", "fct_") for one in several if one.name.startswith(prefix)]
        if ranked or len(several) == 1:
            chosen[place] = (ranked or several)[0]
    return [
        (relation, column.name, owner)
        for relation in found
        for column in relation.columns
        if (owner := chosen.get((relation.publication, column.name))) is not None and owner is not relation
    ]


def _relations(version: Version) -> list[Relation]:
    keys = read_keys(version.folder)
    found = []
    for publication, file in DATABASES.items():
        path = version.folder / file
        if not path.exists():
            continue
        with connect(path, read_only=True) as con:
            tables = con.execute("select table_name, comment from duckdb_tables() order by table_name").fetchall()
            for name, comment in tables:
                columns = con.execute(
                    "select column_name, data_type, comment from duckdb_columns() where table_name = ? order by column_index",
                    [name],
                ).fetchall()
                parquet = f"{PARQUET_FOLDER}/{publication}/{name}.parquet"
                found.append(
                    Relation(
                        publication=publication,
                        name=name,
                        description=comment or "",
                        columns=[Column(column, type_, text or "") for column, type_, text in columns],
                        key=keys.get(name),
                        parquet=version.folder / parquet,
                        version=version.files[parquet][1],
                    )
                )
    return found
