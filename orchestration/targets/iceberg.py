"""Apache Iceberg tables as a target: a folder that Spark, Trino or PyIceberg read as a lakehouse's tables.

A changed table gets a snapshot with the rows of the version. Iceberg has no transaction over several tables: each has a tag for
each version, so that who joins several reads them at the same tag.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.core.errors import CxhouseError
from orchestration.settings.targets import Iceberg
from orchestration.targets.relations import Contents, Relation

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table

CATALOGUE = "catalogue.sqlite"
#: Property of a snapshot: the SHA-256 of its rows.
_ROWS = "cxhouse.rows"
#: Property of a table: the version of its columns.
_COLUMNS = "cxhouse.columns"
#: Property of a namespace: the version of which it has every table.
_VERSION = "cxhouse.version"


def tag_of(version: str) -> str:
    """The tag of a version on each table."""
    return f"version_{version}"


def push(target: Iceberg, published: Contents, progress: Callable[[str], None], compare_all: bool = False) -> int:
    """Bring the tables to a version; returns how many differed.

    Args:
        target: the folder and its namespaces.
        published: the version and its tables.
        progress: gets a line for each table.
        compare_all: write every table, whatever it holds.

    Raises:
        CxhouseError: the folder cannot be written to, or its catalogue cannot be read; tables that were done have the version.
    """
    try:
        from pyiceberg.exceptions import NoSuchTableError
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise CxhouseError("the target iceberg needs an extra; install it with: pip install 'cxhouse[iceberg]'") from error
    try:
        return Lake(target, published).push(progress, compare_all, NoSuchTableError)
    except (OSError, ValueError, SQLAlchemyError) as error:
        raise CxhouseError(f"Iceberg tables in {target.folder}: {type(error).__name__}") from error


class Lake:
    """The catalogue, its tables, and the version that they are brought to."""

    def __init__(self, target: Iceberg, published: Contents) -> None:
        from pyiceberg.catalog.sql import SqlCatalog

        self._target, self._published = target, published
        self._folder = target.folder.expanduser().absolute()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._catalogue = SqlCatalog("cxhouse", uri=f"sqlite:///{self._folder / CATALOGUE}", warehouse=f"file://{self._folder}")

    def push(self, progress: Callable[[str], None], compare_all: bool, missing: type[Exception]) -> int:
        """Bring every table to the version, then remove what no kept version has."""
        wanted = [table for table in self._published.tables if table.publication in self._target.namespaces]
        changed = 0
        for namespace in self._target.namespaces.values():
            self._catalogue.create_namespace_if_not_exists(namespace)
        for number, relation in enumerate(wanted, 1):
            progress(f"iceberg: {relation.publication}.{relation.name} ({number} of {len(wanted)})")
            try:
                table = self._catalogue.load_table(self._name(relation))
            except missing:
                table = None
            if table is None or compare_all or _rows_of(table) != relation.version:
                table = self._write(relation, table)
                changed += 1
            self._tag(table)
        self._drop_others({self._name(relation) for relation in wanted})
        for namespace in self._target.namespaces.values():
            self._catalogue.update_namespace_properties(namespace, updates={_VERSION: self._published.version})
        return changed

    def _name(self, relation: Relation) -> tuple[str, str]:
        return self._target.namespaces[relation.publication], relation.name

    def _write(self, relation: Relation, table: Table | None) -> Table:
        if table is not None and table.properties.get(_COLUMNS) != _columns_version(relation):
            self._drop(self._name(relation))
            table = None
        if table is None:
            properties = {"comment": relation.description, _COLUMNS: _columns_version(relation)}
            table = self._catalogue.create_table(self._name(relation), schema=_schema(relation), properties=properties)
        # A copy: the version's own file goes when the version does.
        file = _folder(table) / "data" / f"{relation.version}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(relation.parquet, file)
        with table.transaction() as transaction:
            if table.current_snapshot() is not None:
                transaction.delete("true")
            transaction.add_files([f"file://{file}"], snapshot_properties={_ROWS: relation.version}, check_duplicate_files=False)
        return table

    def _tag(self, table: Table) -> None:
        """Give the snapshot the version's tag, and remove snapshots of versions that are no longer kept."""
        snapshot = table.current_snapshot()
        if snapshot is None:
            return
        kept = {tag_of(version) for version in self._published.kept}
        with table.manage_snapshots() as changes:
            for name in table.refs().keys() - kept - {"main"}:
                changes.remove_tag(name)
            changes.create_tag(snapshot.snapshot_id, tag_of(self._published.version))
        needed = {ref.snapshot_id for ref in table.refs().values()}
        if old := [one.snapshot_id for one in table.snapshots() if one.snapshot_id not in needed]:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        _remove_files(table)

    def _drop_others(self, wanted: set[tuple[str, str]]) -> None:
        for namespace in self._target.namespaces.values():
            for name in self._catalogue.list_tables(namespace):
                if name not in wanted:
                    self._drop(name)

    def _drop(self, name: tuple[str, ...]) -> None:
        folder = _folder(self._catalogue.load_table(name))
        self._catalogue.drop_table(name)
        shutil.rmtree(folder, ignore_errors=True)


def _rows_of(table: Table) -> str | None:
    snapshot = table.current_snapshot()
    return snapshot.summary.additional_properties.get(_ROWS) if snapshot and snapshot.summary else None


def _columns_version(relation: Relation) -> str:
    """Changes with names, types and order of the columns: a table with others is another table."""
    return hashlib.sha256(repr([(column.name, column.data_type) for column in relation.columns]).encode()).hexdigest()


def _schema(relation: Relation) -> pa.Schema:
    """The columns of the file, with their descriptions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = {column.name: column.description for column in relation.columns}
    return pa.schema([field.with_metadata({"doc": texts.get(field.name, "")}) for field in pq.read_schema(relation.parquet)])


def _folder(table: Table) -> Path:
    return Path(table.location().removeprefix("file://"))


def _remove_files(table: Table) -> None:
    """Remove rows and lists of files that no snapshot has; their statistics hold values."""
    rows, lists = set(), set()
    for snapshot in table.snapshots():
        lists.add(Path(snapshot.manifest_list).name)
        for manifest in snapshot.manifests(table.io):
            lists.add(Path(manifest.manifest_path).name)
            rows |= {Path(entry.data_file.file_path).name for entry in manifest.fetch_manifest_entry(table.io)}
    for pattern, needed in (("data/*.parquet", rows), ("metadata/*.avro", lists)):
        for path in _folder(table).glob(pattern):
            if path.name not in needed:
                path.unlink()
    for path in _folder(table).glob("metadata/*.json"):
        if path.name != Path(table.metadata_location).name:
            path.unlink()
