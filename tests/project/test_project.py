"""The project against itself: nothing that is in two places drifts apart, and dbt's own unit tests pass."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
import grimp
import pytest
import yaml
from homes import REPOSITORY, Cxhouse, Home

from orchestration.assets.naming import JOB
from orchestration.core.lock import release_writer_lock
from orchestration.definitions import definitions_of
from orchestration.execution import prepare_home
from orchestration.pull.kinds import all_kinds
from orchestration.reference.docs import generated, read_definitions, sample_reference, tables_of
from orchestration.reference.fact_models import PARTS, fact_models
from orchestration.settings.loading import load_settings
from orchestration.settings.model import Settings
from orchestration.warehouse.dbt_vars import dbt_vars

MODELS = REPOSITORY / "models"


@pytest.fixture(scope="module")
def manifest(sample_home: Home) -> dict[str, Any]:
    return dict(json.loads((sample_home.path / "dbt" / "manifest.json").read_text()))


@pytest.mark.ci
def test_unit_tests_of_dbt(cxhouse: Cxhouse, sample_home: Home) -> None:
    output = cxhouse("dbt", *sample_home.options, "test", "--select", "test_type:unit").stdout
    done = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", output)
    assert done, output[-3000:]
    assert int(done[1]) > 50


def test_every_kpi_has_a_unit_test(manifest: dict[str, Any], sample_home: Home) -> None:
    tested = {node["name"] for node in manifest["unit_tests"].values()}
    untested = {row[0] for row in sample_home.query("select kpi_id from kpi_definitions")} - tested
    assert not untested, "models/kpis/unit_tests/: each wants a unit test of its name"


def test_sources_are_the_kinds() -> None:
    tables = yaml.safe_load((MODELS / "staging" / "_sources.yml").read_text())["sources"][0]["tables"]
    declared = [table["name"] for table in tables]
    kinds = list(all_kinds())
    assert declared[: len(kinds)] == kinds, "models/staging/_sources.yml begins with the kinds, in the order of kinds.yml"


def test_every_kind_is_counted_and_may_be_needed(manifest: dict[str, Any]) -> None:
    """Of a kind that the models left out, rows could be lost unseen, and a KPI that needs it could not be computed."""
    for model in ("quality_reconciliation", "int_column_availability"):
        read = manifest["nodes"][f"model.cxhouse.{model}"]["depends_on"]["nodes"]
        missing = {f"model.cxhouse.stg_{kind}" for kind in all_kinds()} - set(read)
        assert not missing, f"{model} does not read these: `make docs` writes the kinds that models know (export_kinds)"


def test_every_kind_that_names_a_customer_leads_to_one(manifest: dict[str, Any]) -> None:
    """Else all of its rows would be of nobody known, and nothing would say so."""
    read = manifest["nodes"]["model.cxhouse.int_customer_identifiers"]["depends_on"]["nodes"]
    naming = {kind.name for kind in all_kinds().values() if "customer_id" in kind.columns}
    assert len(naming) > 10
    missing = {kind for kind in naming if f"model.cxhouse.stg_{kind}" not in read}
    assert not missing, "these want an entry in models/conformed/int_customer_identifiers.sql"


def definitions(home: Home) -> list[dict[str, Any]]:
    """The KPIs of a home, without the dimensions that its own contracts add."""
    with home.marts() as con:
        rows = con.sql("select * from kpi_definitions order by kpi_id").to_arrow_table().to_pylist()
    extra = dbt_vars(Settings(config_dir=home.config))["extra_dimensions"]
    own = {name for kinds in extra.values() for names in kinds.values() for name in names}
    for row in rows:
        row["dimensions"] = ", ".join(name for name in row["dimensions"].split(", ") if name not in own)
    return rows


def test_generated_docs_are_current(sample_home: Home) -> None:
    for path, text in generated(definitions(sample_home)).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make docs"


def test_the_models_of_facts_are_those_of_the_semantic_models(manifest: dict[str, Any]) -> None:
    files = fact_models()
    for path, text in files.items():
        assert path.is_file(), f"{path.name} is missing: run make docs"
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make docs"
    assert {path for path in files if path.parent == PARTS} == set(PARTS.iterdir()), "of a fact that is gone: run make docs"
    # The mart reads the parts of each.
    facts = {semantic_model["name"] for semantic_model in manifest["semantic_models"].values()}
    read = set(manifest["nodes"]["model.cxhouse.kpis"]["depends_on"]["nodes"])
    assert {f"model.cxhouse.kpi_parts_{name}" for name in facts} <= read


def test_the_page_of_tables_is_current(manifest: dict[str, Any]) -> None:
    assert (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8") == tables_of(manifest), "run make docs"


@pytest.mark.slow
@pytest.mark.ci
def test_definitions_need_no_exports(sample_home: Home) -> None:
    """What `make docs` reads is what a home holds."""
    assert read_definitions() == definitions(sample_home)


def test_the_docs_show_a_run_of_the_sample(sample_home: Home) -> None:
    text = sample_reference(sample_home.path.parent / "warehouse.duckdb")
    assert (REPOSITORY / "docs" / "sample.md").read_text(encoding="utf-8") == text, "run make docs"
    assert text.count("\n| [`") == sample_home.query("select count(*) from kpi_definitions")[0][0]


def test_every_model_says_its_grain_and_tests_its_key(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_together"
    }
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 50
    for node in models:
        if node["description"].startswith("One row:"):
            continue  # it has no key
        assert node["description"].startswith("One row for each"), node["name"]
        assert node["unique_id"] in keyed, node["name"]


def test_public_models_have_contracts_and_descriptions(manifest: dict[str, Any], sample_home: Home) -> None:
    public = [n for n in manifest["nodes"].values() if n["resource_type"] == "model" and n["access"] == "public"]
    with sample_home.published() as con:
        comments = dict(con.execute("select table_name || '.' || column_name, comment from duckdb_columns()").fetchall())
    for node in public:
        assert node["config"]["contract"]["enforced"], node["name"]
        for name, column in node["columns"].items():
            assert column["description"], f"{node['name']}.{name}"
            meta = column["config"]["meta"]
            if meta.get("is_private") and not meta.get("pseudonym"):
                assert f"{node['alias']}.{name}" not in comments
            elif not meta.get("pseudonym"):
                assert comments[f"{node['alias']}.{name}"] == column["description"]
    private = {"staging", "seeds"}
    assert not [n["name"] for n in public if n["schema"] in private or n["name"].startswith("int_")]


def test_no_model_reads_the_clock() -> None:
    for path in [*MODELS.rglob("*.sql"), *(REPOSITORY / "dbt_project").rglob("*.sql")]:
        text = path.read_text().lower()
        assert not re.search(r"current_timestamp|current_date|\bnow\(\)|\btoday\(\)", text), path


def test_engine_functions_stay_in_their_folder() -> None:
    specific = re.compile(r"\b(epoch|isodow|generate_series|regexp_replace|date_diff|quantile_cont|list_\w+)\s*\(|at time zone")
    for path in [*MODELS.rglob("*.sql"), *(REPOSITORY / "dbt_project" / "macros").glob("*.sql")]:
        assert not specific.search(path.read_text().lower()), path


def test_each_test_file_and_model_is_small() -> None:
    for path in [*REPOSITORY.glob("orchestration/**/*.py"), *MODELS.rglob("*.sql")]:
        assert len(path.read_text().splitlines()) <= 350, f"{path} wants a split"


def test_modules_import_in_one_direction() -> None:
    """What is read can be read alone: no module imports, over others, itself, for its types neither."""
    graph = grimp.build_graph("orchestration", exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    assert len(imports) > 200
    TopologicalSorter(imports).prepare()  # raises CycleError


#: From what everything reads to what nothing reads (docs/architecture.md).
FOLDERS = (
    "core", "settings", "pull", "gates", "runs", "warehouse", "publish", "published", "query", "dashboard", "messages", "steps",
    "assets", "execution", "cli",
)  # fmt: skip


#: The same of the folders in `pull`, whose loose modules bring them together.
FOLDERS_OF_PULL = ("files", "contracts", "sources", "home", "rows")


def test_folders_of_the_pull_import_in_one_direction() -> None:
    graph = grimp.build_graph("orchestration", exclude_type_checking_imports=False, cache_dir=None)
    for place, folder in enumerate(FOLDERS_OF_PULL):
        modules = graph.find_descendants(f"orchestration.pull.{folder}")
        assert len(modules) > 5
        read = {name.split(".")[2] for module in modules for name in _of_pull(graph.find_modules_directly_imported_by(module))}
        assert not read & set(FOLDERS_OF_PULL[place + 1 :]), f"{folder} reads what reads it"


def _of_pull(modules: Iterable[str]) -> list[str]:
    return [name for name in modules if name.startswith("orchestration.pull.")]


def test_folders_import_in_one_direction() -> None:
    graph = grimp.build_graph("orchestration", exclude_type_checking_imports=False, cache_dir=None)
    imports: dict[str, set[str]] = {}
    for module in graph.modules - {"orchestration"}:
        read = {name.split(".")[1] for name in graph.find_modules_directly_imported_by(module) if "." in name}
        imports.setdefault(module.split(".")[1], set()).update(read)
    for place, folder in enumerate(FOLDERS):
        assert not imports[folder] & set(FOLDERS[place + 1 :]), f"{folder} reads what reads it"
    TopologicalSorter({folder: read - {folder} for folder, read in imports.items()}).prepare()


def test_dagster_definitions(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(str(sample_home.exports), str(sample_home.path), str(sample_home.config))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    definitions = definitions_of(settings)
    definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    groups = {spec.group_name for spec in definitions.resolve_all_asset_specs()}
    assert {"raw", "staging", "conformed", "journey", "kpis", "published"} <= groups
    keys = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}
    assert {f"raw/{kind}" for kind in all_kinds()} <= keys
    checks = {key.to_user_string() for key in repository.asset_graph.asset_check_keys}
    assert {f"raw/{kind}:expectations" for kind in all_kinds()} <= checks
    assert "kpis/kpis:expectations" in checks
    assert any("no_row_lost" in check for check in checks), "dbt tests are checks"
    schedule = definitions.resolve_schedule_def(f"{JOB}_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 5 * * *", "Europe/Berlin")


@pytest.mark.slow
def test_a_subset_of_the_models_can_be_built(copied_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Settings = load_settings(str(copied_home.exports), str(copied_home.path), str(copied_home.config))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    prepare_home(settings)
    assets = definitions_of(settings).resolve_job_def(JOB)
    for wanted in (["journey/fct_reviews"], ["raw/orders", "raw/load_ledger"], ["raw/lifetime_parameters"], ["raw/text_models"]):
        keys = [dg.AssetKey(name.split("/")) for name in wanted]
        result = assets.execute_in_process(asset_selection=keys, instance=dg.DagsterInstance.ephemeral())
        release_writer_lock(settings.home)
        assert result.success
        built = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
        assert built == set(wanted)


@pytest.mark.slow
def test_each_asset_can_be_chosen_alone(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(str(sample_home.exports), str(sample_home.path), str(sample_home.config))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    definitions = definitions_of(settings)
    repository = definitions.get_repository_def()
    job = repository.get_implicit_global_asset_job_def()
    keys = list(repository.asset_graph.materializable_asset_keys)
    assert len(keys) > 100
    for key in keys:
        chosen = job.get_subset(asset_selection={key})
        assert set(chosen.asset_layer.selected_asset_keys) == {key}
    checks = list(repository.asset_graph.asset_check_keys)
    for check in checks:
        job.get_subset(asset_selection=set(), asset_check_selection={check})


def test_nothing_of_this_machine_is_in_the_project() -> None:
    named = re.compile("py" + r"pi\.org|files\.pythonhosted|/work/|/root/")
    for path in [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("docs/*.md"),
        REPOSITORY / "requirements.lock",
        REPOSITORY / "Makefile",
    ]:
        assert not named.search(Path(path).read_text()), path
