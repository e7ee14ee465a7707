"""What is published to whom.

`marts` holds aggregates, definitions and dimensions without persons; `analysis` facts row by row, with pseudonymous keys of
customers and agents. Each public model says in its own ``config.meta.publication`` where it belongs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestration.core.errors import CxhouseError
from orchestration.publish.suppression import ADDED
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import ANALYSIS, DATABASES, PARQUET_FOLDER

MARTS = "marts"
_AGENTS, _AGENT_NAME = "dim_agents", "agent_name"


@dataclass(frozen=True)
class PublicTable:
    """A model that readers get: dbt's ``access: public``; ``columns`` are published names with their descriptions."""

    name: str
    schema: str
    description: str
    columns: dict[str, str]
    publication: str = MARTS
    #: Columns of the model that hold what identifies an agent -> the published column that holds a key instead.
    pseudonyms: dict[str, str] = field(default_factory=dict)
    #: Columns of the model that stay at home.
    private: tuple[str, ...] = ()
    #: Columns that hold what the project says and nothing of any row: no personal data is looked for in them.
    of_project: tuple[str, ...] = ()
    #: Columns of the model that are published under another name, as they are.
    copies: dict[str, str] = field(default_factory=dict)
    #: The model that the rows are taken from, where it has another name, and which of them.
    source: str = ""
    only: str = ""
    #: The columns that identify a row, as the model's test says, where they are published as they are.
    key: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        return self.source or self.name


@dataclass(frozen=True)
class Publication:
    """One set of tables that readers are given; paths are those in a version's folder."""

    name: str
    tables: tuple[PublicTable, ...]

    @property
    def database(self) -> str:
        return DATABASES[self.name]

    @property
    def parquet(self) -> str:
        return f"{PARQUET_FOLDER}/{self.name}"


def public_tables(manifest: Mapping[str, Any], with_agent_names: bool = False) -> list[PublicTable]:
    """The models that are published, by name.

    Raises:
        CxhouseError: a public model does not say to which publication it belongs.
    """
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] == "model" and n["access"] == "public"]
    keys = declared_keys(manifest)
    tables = [
        _public_table(node, with_agent_names, keys.get(node["unique_id"], [])) for node in sorted(nodes, key=lambda n: n["alias"])
    ]
    return [*tables, *(_by_agent(table) for table in tables if table.name == "kpis")]


def declared_keys(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns that identify a row of each model, as its test says, by the model's id."""
    return {
        node["attached_node"]: node["test_metadata"]["kwargs"]["columns"]
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") == "unique_together"
    }


def _by_agent(kpis: PublicTable) -> PublicTable:
    """The KPIs of single agents, which are not among the marts."""
    columns = {"agent_key" if name == "member" else name: text for name, text in kpis.columns.items()}
    columns["agent_key"] = "Key of the agent; unknown where it is not known."
    for name in ("dimension", *ADDED[kpis.name]):
        del columns[name]
    return replace(
        kpis,
        name="kpis_by_agent",
        description="One row for each KPI, grain, period and agent.",
        columns=columns,
        publication=ANALYSIS,
        pseudonyms={"member": "agent_key"},
        private=(*kpis.private, "dimension"),
        source=kpis.name,
        only="dimension = 'agent'",
        key=(),
    )


def _public_table(node: dict[str, Any], with_agent_names: bool, key: list[str]) -> PublicTable:
    name, publication = node["alias"], node["config"]["meta"].get("publication")
    if publication not in (MARTS, ANALYSIS):
        raise CxhouseError(f"model {name} is public, and its config.meta.publication is neither {MARTS} nor {ANALYSIS}")
    metas = {column: details.get("config", {}).get("meta") or {} for column, details in node["columns"].items()}
    pseudonyms = {column: meta["pseudonym"] for column, meta in metas.items() if "pseudonym" in meta}
    private = tuple(column for column, meta in metas.items() if meta.get("is_private"))
    of_project = tuple(column for column, meta in metas.items() if meta.get("is_of_project"))
    columns = {
        pseudonyms.get(column, column): f"Key of the agent. {text}" if column in pseudonyms else text
        for column, details in node["columns"].items()
        if column not in private and (text := details["description"]) is not None
    }
    copies: dict[str, str] = {}
    if with_agent_names and name == _AGENTS:
        copies = dict.fromkeys(pseudonyms, _AGENT_NAME)
        columns[_AGENT_NAME] = "Agent, as the exports name them; published because publish_agent_names is on."
    return PublicTable(
        name, node["schema"], node["description"], {**columns, **ADDED.get(name, {})},
        publication, pseudonyms, private, of_project, copies,
        key=() if {*pseudonyms, *private} & {*key} else tuple(key),
    )  # fmt: skip


def publications_of(tables: list[PublicTable]) -> tuple[Publication, ...]:
    """Tables by the publication that they belong to."""
    return tuple(Publication(name, tuple(table for table in tables if table.publication == name)) for name in (MARTS, ANALYSIS))


def publications(settings: Settings) -> tuple[Publication, ...]:
    """What a home publishes, as its project was parsed last.

    Raises:
        CxhouseError: the project was never parsed in this home.
    """
    path = settings.dbt_target / "manifest.json"
    if not path.exists():
        raise CxhouseError(f"no run has taken place in {settings.home}; run 'cxhouse run' first")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return publications_of(public_tables(manifest, settings.publish_agent_names))
