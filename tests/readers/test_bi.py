"""Tools that users have read the published marts: a notebook's cell; Apache Superset, its example, and while runs publish."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from browsing import free_port
from homes import REPOSITORY, Cxhouse, Home

EXAMPLE = REPOSITORY / "docs" / "bi" / "superset"
BIN = REPOSITORY / ".venv-superset" / "bin"
PUBLISHES = 3


def parts(folder: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLE.glob(f"{folder}/**/*.yaml"))]


def test_the_example_speaks_of_columns_that_there_are(sample_home: Home) -> None:
    columns: dict[str, set[str]] = {}
    for table, column in sample_home.shown("select table_name, column_name from duckdb_columns()"):
        columns.setdefault(table, set()).add(column)
    tables = {dataset["uuid"]: dataset["table_name"] for dataset in parts("datasets")}
    for dataset in parts("datasets"):
        assert {column["column_name"] for column in dataset["columns"]} == columns[dataset["table_name"]]
    for chart in parts("charts"):
        wanted = {condition["subject"] for condition in chart["params"]["adhoc_filters"]}
        wanted |= {*chart["params"].get("all_columns", []), *chart["params"].get("groupby", [])}
        assert wanted <= columns[tables[chart["dataset_uuid"]]], chart["slice_name"]
    kpis = {row[0] for row in sample_home.query("select kpi_id from kpi_definitions")}
    named = [
        condition["comparator"]
        for chart in parts("charts")
        for condition in chart["params"]["adhoc_filters"]
        if condition["subject"] == "kpi_id"
    ]
    assert named
    assert {kpi for found in named for kpi in found} <= kpis


def test_the_cell_of_the_docs(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (REPOSITORY / "docs" / "connecting.md").read_text(encoding="utf-8")
    cell = text.split("```python\n")[1].split("```")[0].replace("home/published", "published")
    monkeypatch.chdir(sample_home.path)
    names: dict[str, Any] = {}
    exec(cell, names)
    frame = names["csat"]
    mart = sample_home.shown("select sum(n) from kpis where kpi_id = 'csat' and grain = 'month' and dimension = 'channel'")
    assert [(frame["n"].sum(),)] == mart
    assert len(frame) > 20


def test_facts_join_the_dimensions(sample_home: Home) -> None:
    """No row is lost by an inner join: each channel and team of a fact, and of the KPIs, is in its table; dates have names."""
    for dimension, name in (("dim_channels", "channel"), ("dim_teams", "team")):
        facts = [
            table
            for (table,) in sample_home.shown(
                "select distinct table_name from duckdb_columns() where column_name = ? and table_name like 'fct_%'", name
            )
        ]
        assert len(facts) > 8
        for fact in facts:
            lost = sample_home.shown(f"select distinct {name} from {fact} anti join {dimension} using ({name})")
            assert not lost, (fact, lost)
        assert not sample_home.shown(
            f"select member from kpis where dimension = ? and member not in (select {name} from {dimension})", name
        )
    days = sample_home.shown(
        "select month_name = monthname(date_day) and weekday_name = dayname(date_day) and month_number = month(date_day), "
        "count(*) from dim_dates group by 1"
    )
    assert [right for right, _ in days] == [True]


def packed(marts: Path, target: Path) -> Path:
    """The example as a user imports it: the file's place put in, and zipped."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in EXAMPLE.rglob("*.yaml"):
            text = path.read_text(encoding="utf-8").replace(
                "duckdb:////path/to/home/published/marts.duckdb", f"duckdb:///{marts}"
            )
            archive.writestr(f"superset/{path.relative_to(EXAMPLE)}", text)
    return target


class Superset:
    """A Superset on loopback, as its administrator."""

    def __init__(self, address: str) -> None:
        self.address, self.session = address, requests.Session()

    def log_in(self, password: str) -> None:
        credentials = {"username": "admin", "password": password, "provider": "db"}
        token = self.session.post(f"{self.address}/api/v1/security/login", json=credentials, timeout=60).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        answer = self.session.get(f"{self.address}/api/v1/{path}", timeout=60)
        assert answer.ok, f"{path}: {answer.text[:500]}"
        return answer.json()["result"]

    def rows(self, chart: dict[str, Any]) -> list[dict[str, Any]]:
        """What a chart of the example shows."""
        params = json.loads(chart["params"])
        filters = [
            {"col": condition["subject"], "op": condition["operator"], "val": condition["comparator"]}
            for condition in params["adhoc_filters"]
        ]
        columns = params.get("all_columns") or [params["x_axis"], *params["groupby"]]
        query = {"columns": columns, "metrics": params.get("metrics"), "filters": filters, "row_limit": params["row_limit"]}
        source = {"id": int(params["datasource"].partition("__")[0]), "type": "table"}
        body = {"datasource": source, "queries": [query], "force": True}
        answer = self.session.post(f"{self.address}/api/v1/chart/data", json=body, timeout=60)
        assert answer.ok, f"{chart['slice_name']}: {answer.text[:500]}"
        return list(answer.json()["result"][0]["data"])


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    if not (BIN / "superset").exists():
        pytest.skip("Superset is not set up here: make setup-superset")
    folder = tmp_path_factory.mktemp("superset")
    configuration = folder / "superset_config.py"
    configuration.write_text(
        f"SECRET_KEY = {secrets.token_hex(32)!r}\n"
        f"SQLALCHEMY_DATABASE_URI = 'sqlite:///{folder}/superset.db'\n"
        "WTF_CSRF_ENABLED = False\nTALISMAN_ENABLED = False\nRATELIMIT_ENABLED = False\n",
        encoding="utf-8",
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CXHOUSE_", "DAGSTER_"))}
    environment = {**inherited, "SUPERSET_CONFIG_PATH": str(configuration), "FLASK_APP": "superset", "SUPERSET_HOME": str(folder)}
    password, port = secrets.token_hex(8), free_port()
    administrator = [f"--{name}={text}" for name, text in (
        ("username", "admin"), ("firstname", "A"), ("lastname", "B"), ("email", "a@example.org"), ("password", password),
    )]  # fmt: skip
    for command in (["db", "upgrade"], ["fab", "create-admin", *administrator], ["init"]):
        subprocess.run([BIN / "superset", *command], env=environment, check=True, capture_output=True, cwd=folder)
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [BIN / "superset", "run", "-h", "127.0.0.1", "-p", str(port)], env=environment, stdout=log, stderr=log, cwd=folder
    )
    found = Superset(f"http://127.0.0.1:{port}")
    try:
        for _ in range(120):
            try:
                if requests.get(f"{found.address}/health", timeout=5).ok:
                    break
            except requests.ConnectionError:
                time.sleep(1)
        found.log_in(password)
        yield found
    finally:
        server.terminate()
        server.wait(30)
        log.close()


@pytest.mark.slow
def test_superset_reads_on_while_runs_publish(superset: Superset, tmp_path: Path, sample: Path, cxhouse: Cxhouse) -> None:
    home = Home(tmp_path / "home", sample / "exports", sample / "config")
    run = ["run", "--exports", home.exports, *home.options]
    cxhouse(*run)
    archive = packed(home.path / "published" / "marts.duckdb", tmp_path / "superset.zip")
    with archive.open("rb") as stream:
        answer = superset.session.post(
            f"{superset.address}/api/v1/dashboard/import/", files={"formData": ("superset.zip", stream)}, timeout=120
        )
    assert answer.ok, answer.text
    charts = superset.get("dashboard/customer-experience/charts")
    charts = [{**superset.get(f"chart/{chart['id']}"), "slice_name": chart["slice_name"]} for chart in charts]
    assert len(charts) == len(parts("charts"))

    seen, asked = set(), 0
    command = [sys.executable, "-m", "orchestration.cli", *map(str, run)]
    for _ in range(PUBLISHES):
        publishing = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while publishing.poll() is None:
            for chart in charts:
                rows = superset.rows(chart)
                asked += 1
                assert rows or chart["slice_name"] == "Alerts", chart["slice_name"]
                if chart["slice_name"] == "Published version":
                    seen.add(rows[0]["version"])
        assert publishing.returncode == 0
    version = next(chart for chart in charts if chart["slice_name"] == "Published version")
    seen.add(superset.rows(version)[0]["version"])
    assert len(seen) == PUBLISHES + 1, f"{asked} queries saw {len(seen)} versions"

    nps = next(chart for chart in charts if chart["slice_name"] == "Net promoter score, by month")
    mart = home.query(
        "select value from kpis where kpi_id = 'nps' and grain = 'month' and dimension = 'all' and value is not null"
    )
    shown = sorted(row["ratio"] for row in superset.rows(nps) if row["ratio"] is not None)
    assert shown == pytest.approx(sorted(value for (value,) in mart))
