"""How the steps' models and check results are called and shown in Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from orchestration.core.errors import BusyError
from orchestration.gates.check_results import CheckResult
from orchestration.pull.sources.base import UnreadableSourceError
from orchestration.runs.record import RunRecord
from orchestration.steps.run import Project, Run

#: The job of all assets.
JOB = "daily"
EXPECTATIONS = "expectations"
OWNERS = ["team:data"]
#: The pool of what writes to the home, which takes one writer.
WRITER = "cxhouse_writer"
#: Of every step: what passes by itself is tried again after one minute, and after three more.
RETRY = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)
#: What may pass by itself: a home or a warehouse that another process holds, a source or server that does not answer.
PASSING = (BusyError, UnreadableSourceError, ConnectionError, TimeoutError)


class Translator(DagsterDbtTranslator):
    """dbt's nodes as assets: keyed and grouped by layer, sources as the raw assets."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        props = dbt_resource_props
        if props["resource_type"] == "source":
            return dg.AssetKey(["raw", props["name"]])
        return dg.AssetKey([self.get_group_name(props) or "warehouse", props["name"]])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What a row is; the SQL is in the docs."""
        return str(dbt_resource_props.get("description") or "").strip()

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        props = dbt_resource_props
        if props["resource_type"] == "seed":
            return "seeds"
        return str(props["schema"]) if props["resource_type"] in ("model", "test") else None


def begin(run: Run, dagster_run: dg.DagsterRun) -> RunRecord:
    """Begin a step of a run, or go on with it; one of some assets only does not end by publishing."""
    return run.begin(dagster_run.run_id, is_whole=dagster_run.job_name == JOB)


@contextmanager
def retried_if_passing() -> Iterator[None]:
    """Let the step's retry policy see only what may pass by itself: a gate or a wrong setting stays as it is.

    Raises:
        dagster.Failure: in the place of any other error, which is its cause.
    """
    try:
        yield
    except (dg.Failure, *PASSING):
        raise
    except Exception as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def model_key(project: Project, model: str) -> dg.AssetKey:
    """The key of a model's asset."""
    return dg.AssetKey([project.models[model].schema, model])


def asset_check_result(key: dg.AssetKey, check_results: Sequence[CheckResult]) -> dg.AssetCheckResult:
    """The check results of a gate as Dagster shows them."""
    failed = [check for check in check_results if not check.passed]
    blocking = any(check.blocks for check in failed)
    lines = ["| | expectation | rows | where |", "|---|---|---|---|"]
    for check in check_results:
        mark = "passed" if check.passed else check.severity
        lines.append(f"| {mark} | {check.expectation} | {check.failed_rows or ''} | {'; '.join(check.examples)} |")
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=key,
        check_name=EXPECTATIONS,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        metadata={"expectations": dg.MetadataValue.md("\n".join(lines)), "failed": len(failed)},
    )
