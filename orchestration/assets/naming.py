"""How the steps' models and verdicts are called and shown in Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration.gates.verdicts import Verdict
from orchestration.steps.run import Project

EXPECTATIONS = "expectations"
OWNERS = ["team:data"]


class Translator(DagsterDbtTranslator):
    """dbt's nodes as assets: keyed and grouped by layer, sources as the raw assets."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        props = dbt_resource_props
        if props["resource_type"] == "source":
            return dg.AssetKey(["raw", props["name"]])
        return dg.AssetKey([self.get_group_name(props) or "warehouse", props["name"]])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return OWNERS

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        props = dbt_resource_props
        if props["resource_type"] == "seed":
            return "seeds"
        return str(props["schema"]) if props["resource_type"] in ("model", "test") else None


def model_key(project: Project, model: str) -> dg.AssetKey:
    """The key of a model's asset."""
    return dg.AssetKey([project.models[model].schema, model])


def check_result(key: dg.AssetKey, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    """The verdicts of a gate as Dagster shows them."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    blocking = any(verdict.blocks for verdict in failed)
    lines = ["| | expectation | rows | where |", "|---|---|---|---|"]
    for verdict in verdicts:
        mark = "passed" if verdict.passed else verdict.severity
        lines.append(f"| {mark} | {verdict.expectation} | {verdict.failed_rows or ''} | {'; '.join(verdict.examples)} |")
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=key,
        check_name=EXPECTATIONS,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        metadata={"expectations": dg.MetadataValue.md("\n".join(lines)), "failed": len(failed)},
    )
