"""Rules for models, held over dbt's manifest: names say the layer and the unit, layers read downwards, declarations are true."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from homes import ANY_INSTANT, Home

from orchestration.core.errors import CxhouseError
from orchestration.execution import prepare_home
from orchestration.settings.model import Settings
from orchestration.warehouse.upkeep.queries import Declaration
from orchestration.warehouse.warehouse import Warehouse

LAYERS = ("staging", "conformed", "journey", "kpis", "practices")
#: What names of models begin with, by layer; tables that readers know by a plain name have none.
PREFIXES = {
    "staging": ("stg_",),
    "conformed": ("dim_", "int_"),
    "journey": ("fct_", "int_", "quality_", "audit_"),
    "kpis": ("kpi", "fct_"),
}
PLAIN = {
    "conformed": {"customer_key_history", "identity_ignored_identifiers", "segments"},
    "journey": {"sentiment_models"},
    "kpis": {
        "agent_scorecard", "churn_models", "clv_calibration", "clv_parameters", "cost_gaps", "customer_risks", "customer_values",
        "int_column_availability", "load_ledger", "load_sources", "rate_changes", "review_steadiness", "t_quantiles", "targets",
        "team_scorecard", "ticket_risk_models",
    },
}  # fmt: skip
#: Columns whose name ends so have this type.
ENDINGS = {"_at": "timestamp", "_on": "date", "_seconds": "bigint", "_rate": "double", "_share": "double"}
#: The customers' own answer, and a flag of a formula.
FLAGS = {"marketing_opt_in", "counts_denominator"}
#: The limit from which on a value is near its target; no instant.
LIMITS = {"warn_at"}


@pytest.fixture(scope="module")
def models(sample_home: Home) -> dict[str, dict[str, Any]]:
    """Models of the project by their id."""
    nodes = json.loads((sample_home.path / "dbt" / "manifest.json").read_text())["nodes"]
    return {name: node for name, node in nodes.items() if node["resource_type"] == "model"}


@pytest.fixture(scope="module")
def metrics(sample_home: Home) -> dict[str, dict[str, Any]]:
    """What each metric that is a KPI declares."""
    nodes = json.loads((sample_home.path / "dbt/manifest.json").read_text())["metrics"].values()
    return {node["name"]: kpi for node in nodes if (kpi := node["config"]["meta"].get("kpi"))}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The parsed project, over an empty home."""
    settings = Settings(home=tmp_path_factory.mktemp("rules") / "home", as_of=date.fromisoformat(ANY_INSTANT[:10]))
    prepare_home(settings)
    return Warehouse(settings)


def layer(model: dict[str, Any]) -> str:
    return str(model["path"].split("/")[0])


def test_names_of_models_say_their_layer(models: dict[str, dict[str, Any]]) -> None:
    for model in models.values():
        found = layer(model)
        if found in PREFIXES and model["name"] not in PLAIN.get(found, ()):
            assert model["name"].startswith(PREFIXES[found]), model["name"]


def test_layers_read_downwards(models: dict[str, dict[str, Any]]) -> None:
    for model in models.values():
        for name in model["depends_on"]["nodes"]:
            if name in models:
                read = models[name]
                assert LAYERS.index(layer(read)) <= LAYERS.index(layer(model)), f"{model['name']} reads {read['name']}"


def test_names_of_columns_say_their_unit(models: dict[str, dict[str, Any]]) -> None:
    typed = [
        (model["name"], name, str(column["data_type"]).lower())
        for model in models.values()
        for name, column in model["columns"].items()
        if column.get("data_type")
    ]
    assert len(typed) > 500
    for model_name, name, data_type in typed:
        for ending, wanted in ENDINGS.items():
            if name.endswith(ending) and name not in LIMITS and not data_type.startswith(wanted):
                pytest.fail(f"{model_name}.{name} is {data_type}")
        if data_type == "boolean" and name not in FLAGS:
            assert re.match(r"(is|has|does|was|may|are|can)_", name), f"{model_name}.{name}"
        if data_type.startswith("timestamp"):
            assert name.endswith(("_at", "_from")), f"{model_name}.{name}"


def test_declarations_are_used(models: dict[str, dict[str, Any]], sample_home: Home) -> None:
    """A declaration without the condition in the query costs the whole for each change. (dbt checks the rest as it compiles.)"""
    declared = 0
    for node, code in sample_home.query("select node, code from warehouse.maintenance.compiled"):
        if node in models and Declaration.of(code).unique_key:
            declared += 1
            assert "/*invalidated: " in code, models[node]["name"]
    assert declared > 50


@pytest.mark.ci
@pytest.mark.parametrize(
    ("declaration", "problem"),
    [
        ("unique_key=[], invalidated_by={}", "unique_key names no column"),
        ("unique_key='a', invalidated_by={'t': 'select a from {changed}'}", "{changed}; there are: {this}, {changes}"),
        ("unique_key='a', invalidated_by={}, invalidated_by_as_of='select a where {later} > {this_day}'", "has {this_day}"),
        ("unique_key='a', invalidated_by={}, backfill_query='select a where day = {day}'", "backfill_query has {day}"),
    ],
)
def test_a_wrong_declaration_stops(declaration: str, problem: str, warehouse: Warehouse) -> None:
    with pytest.raises(CxhouseError, match=re.escape(problem)):
        warehouse.rendered(f"{{{{ maintained({declaration}) }}}}")


def test_a_key_may_be_one_column(warehouse: Warehouse) -> None:
    found = Declaration.of(warehouse.rendered("{{ maintained(unique_key='a', invalidated_by={'t': 'b'}) }}"))
    assert found == Declaration(["a"], {"t": "b"}, None)


def test_statistics_of_one_measure_are_declared_once(metrics: dict[str, dict[str, Any]]) -> None:
    """Mean, median and percentile, over all hours and opening hours, differ in what they compute and in nothing else."""
    families: dict[str, list[str]] = {}
    for name in metrics:
        base = re.sub(r"(_business)?(_median|_p90)?$", "", name)
        if base in metrics:
            families.setdefault(base, []).append(name)
    families = {base: names for base, names in families.items() if len(names) > 1}
    assert len(families) > 10
    apart = ("interval", "is_on_scorecards")
    for base, names in families.items():
        declared = {name: {key: value for key, value in metrics[name].items() if key not in apart} for name in names}
        assert [name for name in names if declared[name] != declared[base]] == [], base
        # Of a mean there is an interval, of a percentile none.
        assert all((metrics[name].get("interval") is None) == name.endswith(("_median", "_p90")) for name in names), base
