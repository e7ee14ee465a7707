"""MetricFlow, over the published marts, gives the mart's number for every KPI that it can express."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from homes import Cxhouse, Home

from orchestration.query.semantic import prepare_project
from orchestration.settings.model import Settings


@pytest.fixture(scope="module")
def project(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Over a copy of what it needs."""
    home = tmp_path_factory.mktemp("home")
    for name in ("published/marts.duckdb", "published/analysis.duckdb", "dbt/semantic_manifest.json", "dbt/manifest.json"):
        (home / name).parent.mkdir(exist_ok=True)
        shutil.copy(sample_home.path / name, home / name)
    return prepare_project(Settings(home=home))


@pytest.fixture(scope="module")
def manifest(project: Path) -> dict[str, Any]:
    return dict(json.loads((project / "target" / "semantic_manifest.json").read_text()))


@dataclass(frozen=True)
class Mart:
    """What is compared."""

    facts: dict[str, str]
    public: set[str]
    #: By KPI and month.
    values: dict[str, dict[str, float | None]]
    #: KPI and month of numbers of few people, which readers do not get.
    hidden: set[tuple[str, str]]


@pytest.fixture(scope="module")
def mart(sample_home: Home) -> Mart:
    values: dict[str, dict[str, float | None]] = {}
    for kpi_id, month, value in sample_home.query(
        "select kpi_id, cast(period_start as varchar), value from kpis where grain = 'month' and dimension = 'all' and n > 0"
    ):
        values.setdefault(kpi_id, {})[month] = value
    return Mart(
        dict(sample_home.query("select kpi_id, fact from kpi_definitions order by kpi_id")),
        {row[0] for row in sample_home.shown("select table_name from duckdb_tables()")},
        values,
        {
            (kpi_id, month)
            for kpi_id, month in sample_home.shown(
                "select kpi_id, cast(period_start as varchar) from kpis "
                "where grain = 'month' and dimension = 'all' and status = 'suppressed'"
            )
        },
    )


def ask_all(project: Path, questions: dict[str, str | None]) -> dict[str, dict[str, float | None]]:
    """MetricFlow's answer by month for each metric and condition; in a process of its own, since dbt keeps its first adapter."""
    from dbt_metricflow.cli.cli_configuration import CLIConfiguration
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    configuration = CLIConfiguration()
    configuration.setup(dbt_profiles_path=project, dbt_project_path=project, configure_file_logging=False)
    answers = {}
    for kpi_id, condition in questions.items():
        request = MetricFlowQueryRequest.create(
            metric_names=[kpi_id], group_by_names=["metric_time__month"], where_constraints=[condition] if condition else None
        )
        rows = configuration.mf.query(request).result_df.rows
        answers[kpi_id] = {str(month)[:10]: None if value is None else float(value) for month, value in rows}
    return answers


def condition_on_cells(models: list[dict[str, Any]]) -> str | None:
    """Facts that hold a row for each grain, or each cut, are asked for that of months, of the whole; others without condition.

    Raises:
        ValueError: one of the facts is so and the other is not, so that no condition fits both.
    """
    conditions = set()
    for model in models:
        names = {dimension["name"] for dimension in model["dimensions"]}
        wanted = {name: text for name, text in {"grain": "month", "dimension": "all"}.items() if name in names}
        entity = model["primary_entity"]
        conditions.add(" and ".join(f"{{{{ Dimension('{entity}__{name}') }}}} = '{text}'" for name, text in wanted.items()))
    if len(conditions) > 1:
        raise ValueError("no condition fits both facts")
    return conditions.pop() or None


@pytest.mark.ci
def test_every_metric_gives_the_number_of_the_mart(project: Path, manifest: dict[str, Any], mart: Mart) -> None:
    model_of = {measure["name"]: model for model in manifest["semantic_models"] for measure in model["measures"]}
    metrics = {metric["name"]: metric for metric in manifest["metrics"]}
    questions: dict[str, str | None] = {}
    inexpressible: set[str] = set()
    of_two_facts: set[str] = set()
    for kpi_id, fact in mart.facts.items():
        if kpi_id not in metrics:
            assert fact not in mart.public, f"{kpi_id}: its fact is published, but it is no metric"
            continue
        models = [model_of[measure["name"]] for measure in metrics[kpi_id]["type_params"]["input_measures"]]
        of_two_facts |= {kpi_id} if len({model["name"] for model in models}) > 1 else set()
        try:
            questions[kpi_id] = condition_on_cells(models)
        except ValueError:
            inexpressible.add(kpi_id)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        answers = process.submit(ask_all, project, questions).result()
    wrong = [
        (kpi_id, month, value, asked.get(month))
        for kpi_id, asked in answers.items()
        for month, value in mart.values.get(kpi_id, {}).items()
        if asked.get(month) != pytest.approx(value, rel=1e-5, abs=1e-9)
        # A month in which the numerator's fact has no row is none of MetricFlow's; the mart says 0.
        and not (kpi_id in of_two_facts and value == 0 and asked.get(month) is None)
        and not ((kpi_id, month) in mart.hidden and asked.get(month) is None)
    ]
    assert not wrong, sorted({kpi for kpi, *_ in wrong})
    # What MetricFlow cannot say is in docs/connecting.md.
    assert inexpressible == {"complaint_rate_customers"}
    assert mart.values.keys() - answers.keys() - inexpressible <= mart.facts.keys() - metrics.keys()
    assert len(mart.values.keys() & answers.keys()) > 100


@pytest.mark.ci
def test_it_answers_on_the_command_line(cxhouse: Cxhouse, sample_home: Home, mart: Mart) -> None:
    month = "metric_time__month"
    output = cxhouse("mf", *sample_home.options, "query", "--metrics", "nps", "--group-by", month, "--order", month).stdout
    months = [line.split() for line in output.splitlines() if line[:2] == "20"]
    # A month of hidden numbers, or without answers, has no value.
    answered = {month[0][:10]: float(month[1]) for month in months if len(month) > 1 and month[1] != "nan"}
    assert answered == pytest.approx({month: value for month, value in mart.values["nps"].items() if value is not None}, rel=1e-4)
    assert len(answered) > 10


def test_without_a_publication_it_says_so(cxhouse: Cxhouse, tmp_path: Path) -> None:
    assert "nothing is published" in cxhouse("mf", "--home", tmp_path, "query", "--metrics", "nps", exit_code=2).stderr
