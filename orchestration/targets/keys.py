"""Keys of what is published: from the tests of its models, for readers that want them declared."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.publish.publications import PublicTable

FILE_NAME = "keys.json"


@dataclass(frozen=True)
class Key:
    """The columns that appear once together, and those of them that may be null."""

    columns: list[str]
    nullable: list[str]


def keys_of(manifest: dict[str, Any], tables: list[PublicTable]) -> dict[str, Key]:
    """The key of each published table: what the test ``unique_together`` of its model says, in published columns."""
    models, found = _keys_of_models(manifest), {}
    for table in tables:
        key = models.get(table.model)
        # A column that stays at home has one value in the rows that are published, where these are chosen by it.
        if key is None or any(name in table.private and name not in table.only for name in key.columns):
            continue
        columns, nullable = (
            [table.pseudonyms.get(name, name) for name in names if name not in table.private]
            for names in (key.columns, key.nullable)
        )
        found[table.name] = Key(columns, nullable)
    return found


def _keys_of_models(manifest: dict[str, Any]) -> dict[str, Key]:
    models = {id_: node["alias"] for id_, node in manifest["nodes"].items() if node.get("access") == "public"}
    unique: dict[str, list[str]] = {}
    filled: dict[str, set[str]] = {}
    for node in manifest["nodes"].values():
        table = models.get(node.get("attached_node"))
        if node["resource_type"] != "test" or table is None:
            continue
        test = node["test_metadata"]
        if test["name"] == "unique_together":
            unique.setdefault(table, test["kwargs"]["columns"])
        elif test["name"] == "never_null":
            filled.setdefault(table, set()).update(test["kwargs"]["columns"])
    return {
        table: Key(columns, [name for name in columns if name not in filled.get(table, set())])
        for table, columns in sorted(unique.items())
    }


def write_keys(keys: dict[str, Key], folder: Path) -> None:
    """Keep the keys in a version's folder, as they were when it was published."""
    (folder / FILE_NAME).write_text(json.dumps({table: asdict(key) for table, key in keys.items()}, indent=1), encoding="utf-8")


def read_keys(folder: Path) -> dict[str, Key]:
    """The keys of a version; none where it was published by a release that kept none."""
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    return {table: Key(**found) for table, found in json.loads(path.read_text(encoding="utf-8")).items()}
