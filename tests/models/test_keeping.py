"""A run does what is new: nothing where nothing is, and what stays is neither built, nor tested, nor written again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from homes import REPOSITORY, Cxhouse, Home
from watched import WATCHED

from orchestration.pull.kinds import KINDS_FILE
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.warehouse.keeping import Kept
from orchestration.warehouse.upkeep.project_version import project_version


def versions(home: Home) -> list[tuple]:
    return home.query("select version from publication")


def inodes(home: Home) -> dict[str, int]:
    folder = home.path / "published" / "parquet"
    return {f"{path.parent.name}.{path.stem}": path.stat().st_ino for path in folder.rglob("*.parquet")}


@pytest.mark.ci
def test_what_stays_is_not_made_again_and_nothing_new_takes_no_library(copied_home: Home, cxhouse: Cxhouse) -> None:
    home, before, files = copied_home, versions(copied_home), inodes(copied_home)
    rows = {name: home.shown(f"select count(*) from {name}") for name in files}
    # A file that was written again with the same bytes: the run looks at it, and finds nothing new.
    os.utime(next(home.exports.rglob("*.csv")))
    said = cxhouse("run", "--exports", home.exports, *home.options)
    assert "Nothing new" not in said.stdout
    record = json.loads((home.path / "last_run.json").read_text())
    built = Counter(record["model_modes"])
    assert built["unchanged"] > 100
    # Two tables that watch over the others, the alerts, which know the runs, and the sources, which were asked.
    assert sum(built.values()) - built["unchanged"] <= 4, built
    assert record["tests_passed"] > 200
    assert versions(home) != before
    links = {name for name, inode in inodes(home).items() if files.get(name) == inode}
    assert set(files) - links <= {
        "marts.publication", "marts.gate_results", "marts.alerts", "marts.load_sources",
        "analysis.publication", "analysis.gate_results",
    }  # fmt: skip
    # A run reports the gates that it went through, and no file was judged; the alerts are of this run.
    rows = {name: count for name, count in rows.items() if not name.endswith((".gate_results", ".alerts"))}
    assert rows == {name: home.shown(f"select count(*) from {name}") for name in rows}
    comments = home.shown("select count(*) from duckdb_tables() where comment is null")
    assert comments == [(0,)]
    before = versions(home)
    command = [sys.executable, "-c", WATCHED, "run", "--exports", home.exports, *home.options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert "Nothing new: exports, settings and date are those of the last run" in done.stdout
    assert "Headline KPIs" in done.stdout
    assert "row(s) of" in done.stdout, "what was wrong is wrong still, and said again"
    assert not {"dagster", "dbt", "great_expectations", "pandas"} & set(done.stdout.split("IMPORTED", 1)[1].split())
    assert versions(home) == before


@pytest.mark.ci
def test_what_was_taken_from_the_home_is_made_again(copied_home: Home, cxhouse: Cxhouse) -> None:
    """No shortcut is taken where somebody changed what a run leaves."""
    home = copied_home
    (home.path / "published" / "report.html").unlink()
    (home.path / "published" / "parquet" / "marts" / "kpis.parquet").unlink()
    with duckdb.connect(str(home.path / "published" / "analysis.duckdb")) as con:
        con.execute("drop table fct_orders")
    said = cxhouse("run", "--exports", home.exports, *home.options)
    assert "Nothing new" not in said.stdout
    assert (home.path / "published" / "report.html").exists()
    assert home.shown("select count(*) > 0 from fct_orders") == [(True,)]
    assert {"marts.kpis", "analysis.fct_orders"} <= set(inodes(home))


class Warehouse:
    """The state of a built home, and the nodes of its project."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.settings = load_settings(str(home.exports), str(folder), str(home.config))
        (folder / "published").mkdir(parents=True)
        shutil.copyfile(home.path / "warehouse.duckdb", self.settings.warehouse)
        shutil.copytree(home.path / "raw", self.settings.raw)
        shutil.copyfile(home.path / "identity_salt", folder / "identity_salt")
        manifest = json.loads((home.path / "dbt" / "manifest.json").read_text())
        self.nodes = [self._node(unique_id, node) for unique_id, node in manifest["nodes"].items()]

    def _node(self, unique_id: str, node: dict[str, Any]) -> SimpleNamespace:
        reads = SimpleNamespace(nodes=node["depends_on"].get("nodes", []))
        fields = {key: node[key] for key in ("name", "schema", "resource_type")}
        return SimpleNamespace(**fields, unique_id=unique_id, depends_on=reads, config=node["config"])

    def stays(self, settings: Settings | None = None, project: str | None = None) -> set[str]:
        """Models and tests that would not be handed to dbt."""
        kept = Kept(settings or self.settings, project or project_version(self.settings))
        try:
            models = {node.name for node in self.nodes if node.resource_type == "model" and kept.is_current(node)}
            return models | {node.name for node in self.nodes if node.resource_type != "model" and kept.has_passed(node)}
        finally:
            kept.close()

    def all(self, kind: str) -> set[str]:
        return {node.name for node in self.nodes if node.resource_type == kind}

    def readers(self, unique_id: str) -> set[str]:
        """What reads a source or model itself."""
        found = {node.name for node in self.nodes if unique_id in node.depends_on.nodes}
        assert found
        return found

    def change(self, statement: str) -> None:
        with duckdb.connect(str(self.settings.warehouse)) as con:
            con.execute(statement)


@pytest.fixture
def built(sample_home: Home, tmp_path: Path) -> Warehouse:
    return Warehouse(sample_home, tmp_path / "copy")


def test_what_can_stay(built: Warehouse) -> None:
    stays = built.stays()
    watchers = {"quality_reconciliation", "quality_references"}
    assert built.all("seed") <= stays
    assert built.all("model") - stays <= {*watchers, "alerts"}
    assert len(built.all("test") & stays) > 0.9 * len(built.all("test"))
    # Another date: what does not look at it stays.
    later = built.settings.model_copy(update={"as_of": built.settings.as_of_instant().replace(day=29)})
    assert {"stg_tickets", "fct_tickets", "kpis"} & built.stays(later) < {"stg_tickets", "fct_tickets", "kpis"}
    assert built.all("seed") <= built.stays(later)
    # Another code or setting, or days to process again: dbt decides.
    assert not built.stays(project="another")
    assert not built.stays(built.settings.model_copy(update={"full_refresh": True}))


def test_a_new_file_reaches_what_reads_it(built: Warehouse) -> None:
    before = built.stays()
    source = next((built.settings.raw / "reviews").glob("0*.parquet"))
    shutil.copyfile(source, source.with_name(f"99999999_more.{'0' * 12}.parquet"))
    # What reads these in turn is asked once they have been built.
    assert before - built.stays() == built.readers("source.cxhouse.raw.reviews") & before


def test_a_new_version_reaches_what_reads_it(built: Warehouse) -> None:
    before = built.stays()
    built.change("update maintenance.models set version = version + 1 where model = 'dim_customers'")
    assert before - built.stays() == built.readers("model.cxhouse.dim_customers") & before


def test_a_table_that_is_gone_is_built(built: Warehouse) -> None:
    before = built.stays()
    built.change("drop table staging.stg_reviews")
    assert before - built.stays() == {"stg_reviews"}


def test_what_is_published_is_searched_again_where_other_columns_are_left_out(built: Warehouse) -> None:
    version = project_version(built.settings)
    searched = built.settings.model_copy(update={"impersonal_columns": ["fct_orders.order_id"]})
    with closing(Kept(searched, version)) as kept:
        kept.published("version", 1000, True, ["fct_orders", "fct_tickets"])
    for settings, unchanged in ((searched, {"fct_orders"}), (built.settings, set())):
        with closing(Kept(settings, version)) as kept:
            assert kept.held_by("version", 1000, 2, ["fct_orders"]).unchanged == unchanged


def test_another_column_of_a_kind_is_another_project(sample_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of which no file came has its columns in an empty file, whose name stays the same."""
    settings = load_settings(str(sample_home.exports), str(sample_home.path), str(sample_home.config))
    before = project_version(settings)
    assert project_version(settings) == before
    kinds = tmp_path / "kinds.yml"
    kinds.write_text(KINDS_FILE.read_text() + "# one more\n")
    monkeypatch.setattr("orchestration.warehouse.upkeep.project_version.KINDS_FILE", kinds)
    assert project_version(settings) != before
