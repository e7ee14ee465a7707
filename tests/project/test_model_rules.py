"""Rules for models, held over dbt's manifest: names say the layer and the unit, layers read downwards, declarations are true."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from homes import Home

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
        "agent_scorecard", "churn_models", "clv_calibration", "clv_parameters", "customer_risks", "customer_values",
        "int_told_needs", "load_ledger", "load_sources", "rate_changes", "review_steadiness", "t_quantiles", "targets",
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


def test_declarations_name_inputs_that_there_are(models: dict[str, dict[str, Any]], sample_home: Home) -> None:
    """A `touched_by` of something that the model does not read never fires: its change would go unseen."""
    declared = 0
    for node, code in sample_home.query("select node, code from warehouse.maintenance.compiled"):
        found = re.search(r"/\*maintained: (.*?)\*/", code, re.DOTALL)
        if not found or node not in models:
            continue
        declared += 1
        # What a setting leaves out is named in the code all the same.
        inputs = {name.split(".")[-1] for name in models[node]["depends_on"]["nodes"]}
        inputs |= set(re.findall(r"ref\('(\w+)'\)", models[node]["raw_code"]))
        declaration = json.loads(found[1])
        assert set(declaration["touched_by"]) <= inputs, models[node]["name"]
        assert declaration["unit"], models[node]["name"]
        assert "/*touched: " in code, f"{models[node]['name']} computes the whole for each change"
    assert declared > 50
