"""MetricFlow over the published marts: the project's metrics, asked by `mf query`.

MetricFlow reads a dbt project's `target/semantic_manifest.json`. The home gets a project of its own whose manifest speaks of
the published tables, read-only, and whose clocks show the reporting time zone's days, as those of the marts do.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.errors import CxhouseError
from orchestration.publish.publications import MARTS, Publication, PublicTable, publications
from orchestration.publish.version_facts import read_publication
from orchestration.published.display import published_file
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt import DBT_PROJECT
from orchestration.warehouse.dbt_vars import dbt_vars
from orchestration.warehouse.versions import ANALYSIS_FILE

_FOLDER = "metricflow"


def prepare_project(settings: Settings) -> Path:
    """Lay out the project that MetricFlow reads; returns its folder.

    The manifest is the one that the last run left: parsing again would get in the way of a run that is going on.

    Raises:
        ConfigurationError: nothing has been published in this home.
    """
    published = published_file(settings)
    manifest = json.loads((settings.dbt_target / "semantic_manifest.json").read_text(encoding="utf-8"))
    publication = read_publication(settings)
    assert publication
    folder = settings.dbt_target / _FOLDER
    (folder / "target").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DBT_PROJECT / "dbt_project.yml", folder / "dbt_project.yml")
    # The tables of facts, and beside them those of the marts, such as the days.
    cases = (settings.published / ANALYSIS_FILE).resolve()
    beside = {"path": str(published.resolve()), "alias": MARTS, "read_only": True}
    marts = {"type": "duckdb", "path": str(cases), "config_options": {"access_mode": "READ_ONLY"}, "attach": [beside]}
    profiles = {"cxhouse": {"target": "published", "outputs": {"published": marts}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    carried = dbt_vars(settings)["extra_dimensions"]["one"]
    rewritten = over_published(manifest, publications(settings), publication.reporting_timezone, carried)
    (folder / "target" / "semantic_manifest.json").write_text(json.dumps(rewritten), encoding="utf-8")
    return folder


def over_published(
    manifest: dict[str, Any], given: Iterable[Publication], timezone: str, carried: dict[str, list[str]]
) -> dict[str, Any]:
    """A semantic manifest of the warehouse as one of its published tables; metrics over others are left out.

    Args:
        manifest: as dbt wrote it.
        given: what is published.
        timezone: in which days are cut.
        carried: kind -> the names that contracts carry along with its records, one value of each.
    """
    tables = {table.name: table for publication in given for table in publication.tables}
    models = [model for model in manifest["semantic_models"] if model["node_relation"]["alias"] in tables]
    for model in models:
        table = tables[model["node_relation"]["alias"]]
        _relate(model["node_relation"], table.publication)
        for part in (*model["dimensions"], *model["measures"], *model["entities"]):
            part["expr"] = _published(part["expr"], table)
        for dimension in model["dimensions"]:
            # The rule of the macro reporting_day: instants are named so, days are not.
            if dimension["type"] == "time" and dimension["name"].endswith("_at"):
                column = dimension["expr"] or dimension["name"]
                dimension["expr"] = f"cast(({column}) at time zone 'UTC' at time zone '{timezone}' as date)"
        # The rule of the macro wanted_dimensions.
        kinds = ((model.get("config") or {}).get("meta") or {}).get("extra_of", [])
        for name in sorted({name for kind in kinds for name in carried.get(kind, [])}):
            expr = f"json_extract_string(extra, '$.{name}')"
            model["dimensions"].append({"name": name, "type": "categorical", "is_partition": False, "expr": expr})
    measures = {measure["name"] for model in models for measure in model["measures"]}
    metrics = [
        metric
        for metric in manifest["metrics"]
        if {measure["name"] for measure in metric["type_params"]["input_measures"]} <= measures
    ]
    for spine in manifest["project_configuration"]["time_spines"]:
        _relate(spine["node_relation"], MARTS)
    return {**manifest, "semantic_models": models, "metrics": metrics}


def _published(expression: str | None, table: PublicTable) -> str | None:
    """An expression over a model's columns as one over the published ones."""
    for column, name in table.pseudonyms.items():
        expression = re.sub(rf"\b{column}\b", name, expression) if expression else expression
    return expression


def _relate(relation: dict[str, Any], database: str) -> None:
    relation.update(database=database, schema_name="main", relation_name=f'"{database}"."main"."{relation["alias"]}"')


def ask(settings: Settings, arguments: list[str]) -> None:
    """Become `mf`, with these arguments.

    Raises:
        CxhouseError: MetricFlow is not installed.
    """
    try:
        from dbt_metricflow.cli import main as metricflow
    except ImportError as error:
        raise CxhouseError("MetricFlow is an extra; install it with: pip install 'cxhouse[semantic]'") from error
    folder = prepare_project(settings)
    os.environ.update(settings.environment())
    os.environ["DBT_PROFILES_DIR"] = os.environ["DBT_PROJECT_DIR"] = str(folder)
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    # It would ask a registry for a newer release of itself at every call.
    setattr(metricflow, "UpdateChecker", _NoUpdates)  # noqa: B010
    sys.argv = ["mf", *arguments]
    metricflow.cli()


class _NoUpdates:
    def check(self, *_: Any) -> None:
        return None
