"""What the models' YAML declares of KPIs: metrics, and semantic models with their measures and dimensions."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from orchestration.core.yaml_text import read_yaml
from orchestration.settings import PROJECT

MODELS = PROJECT / "models"


@cache
def _of_models(key: str) -> list[dict[str, Any]]:
    """What the models' YAML lists under a key at the top. The rest of these files is most of them, and is not parsed."""
    block = re.compile(rf"^{key}:.*?(?=^[^\s#-]|\Z)", re.MULTILINE | re.DOTALL)
    paths = [path for path in sorted(MODELS.rglob("*.yml")) if "unit_tests" not in path.as_posix()]
    found = [match[0] for path in paths if (match := block.search(path.read_text(encoding="utf-8")))]
    return [entry for text in found for entry in read_yaml(text)[key] or ()]


def kpi_ids() -> list[str]:
    """Every KPI's id, as the metrics declare them."""
    metrics = _of_models("metrics")
    return [metric["name"] for metric in metrics if "kpi" in metric.get("config", {}).get("meta", {})]


def kpi_dimensions() -> list[str]:
    """Every dimension that some KPI is cut by."""
    models = _of_models("semantic_models")
    return sorted({d["name"] for model in models for d in model.get("dimensions", []) if d["type"] == "categorical"} - {"grain"})


def kpi_facts() -> dict[str, str]:
    """Every fact that KPIs are measured on: the name of its semantic model -> the model that it is over."""
    found = {}
    for semantic_model in _of_models("semantic_models"):
        match = re.fullmatch(r"ref\('(\w+)'\)", semantic_model["model"])
        assert match, f"semantic model {semantic_model['name']}: write model: ref('<fact>')"
        found[semantic_model["name"]] = match[1]
    return dict(sorted(found.items()))
