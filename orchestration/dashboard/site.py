"""The docs of a home as pages that need no server: KPIs, tables, models with their lineage, gates of each run, guides."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.core.lock import release_writer_lock, take_writer_lock
from orchestration.dashboard.blocks import Block, Cards, Chart, Table
from orchestration.dashboard.charts import by_member, trend
from orchestration.dashboard.guides import write_guides
from orchestration.dashboard.kpi import Kpi, kpis_of
from orchestration.dashboard.report import plotly_js, render_page
from orchestration.dashboard.tables_reference import column_types, joins
from orchestration.publish.publications import public_tables
from orchestration.publish.reading import open_published
from orchestration.published.display import published_file
from orchestration.published.marts import ALL, Marts
from orchestration.runs.record import PAGES
from orchestration.settings.model import Settings
from orchestration.warehouse.versions import REPORT_FILE
from orchestration.warehouse.warehouse import Warehouse

_PLOTLY = "plotly.min.js"
_MODELS = "models.html"
_TABLES = "tables.html"
_INDEX = "index.html"
_GUIDES = "guides"
#: Members of a dimension that a chart can hold.
_MEMBERS = 30
#: Runs whose gates the first page lists.
_RUNS = 20


def write_site(settings: Settings, progress: Callable[[str], None]) -> Path:
    """Write the docs into the home's `docs` folder; returns the first page.

    Raises:
        ConfigurationError: nothing has been published in this home.
        CxhouseError: a run is going on, so that the models cannot be looked at.
    """
    published = published_file(settings)
    folder = settings.home / "docs"
    draft = settings.home / "docs.new"
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "kpis").mkdir(parents=True)
    progress("models: columns and lineage")
    warehouse = Warehouse(settings)
    take_writer_lock(settings.home)
    try:
        shutil.copyfile(warehouse.docs(), draft / _MODELS)
        manifest = warehouse.manifest()
    finally:
        release_writer_lock(settings.home)
    (draft / _PLOTLY).write_text(plotly_js(), encoding="utf-8")
    with open_published(published) as con:
        marts = Marts(con)
        kpis = kpis_of(marts, marts.view)
        for kpi in kpis.values():
            progress(f"KPI: {kpi.definition['label']}")
            blocks = kpi_blocks(marts, kpi, manifest)
            page = render_page(
                "kpi.html.j2", marts, _links("../"), f"../{_PLOTLY}", kpi=kpi, blocks=blocks, title=kpi.definition["label"]
            )
            (draft / "kpis" / f"{kpi.id}.html").write_text(page, encoding="utf-8")
        tables = render_page("tables.html.j2", marts, _links("", _TABLES), _PLOTLY, blocks=_tables(manifest), title="Tables")
        (draft / _TABLES).write_text(tables, encoding="utf-8")

        def guide(title: str, content: str) -> str:
            return render_page("guide.html.j2", marts, _links("../", _GUIDES), f"../{_PLOTLY}", title=title, content=content)

        write_guides(draft / _GUIDES, guide)
        index = render_page("index.html.j2", marts, _links("", _INDEX), _PLOTLY, blocks=_index(marts, kpis, settings))
        (draft / _INDEX).write_text(index, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder / _INDEX


def _links(up: str, current: str = "") -> list[tuple[str, str, bool]]:
    return [
        (f"{up}{_INDEX}", "KPIs and gates", current == _INDEX),
        (f"{up}{_TABLES}", "Published tables", current == _TABLES),
        (f"{up}{_MODELS}", "Models and lineage", False),
        (f"{up}{_GUIDES}/{_INDEX}", "Guides", current == _GUIDES),
        (f"{up}../published/{REPORT_FILE}", "Report", False),
    ]


def kpi_blocks(marts: Marts, kpi: Kpi, manifest: dict[str, Any]) -> list[Block]:
    """What a KPI's page shows below its text."""
    blocks: list[Block] = [_definition(marts, kpi, manifest)]
    if kpi.now:
        blocks.append(Chart(f"By {kpi.view.grain}", trend(kpi, 320)))
    for dimension in kpi.dimensions:
        rows = marts.by_member(kpi.id, "all", None, dimension)[:_MEMBERS]
        if rows:
            blocks.append(Chart(f"By {dimension.replace('_', ' ')}, over all time", by_member(kpi, rows)))
    return blocks


def _definition(marts: Marts, kpi: Kpi, manifest: dict[str, Any]) -> Table:
    definition = kpi.definition
    metric = manifest["metrics"].get(f"metric.cxhouse.{kpi.id}", {})
    tests = sorted({test["original_file_path"] for test in manifest["unit_tests"].values() if test["name"] == kpi.id})
    settles = definition["settles_after_days"]
    properties = {
        "formula": " ".join(str(definition["formula"]).split()),
        "fact": definition["fact"],
        "stage and kind": f"{definition['stage']}, {definition['kind']}",
        "unit": f"{definition['unit']}, better {definition['direction']}",
        "grains": definition["grains"] or "day, week, month, quarter, all",
        "event date": definition["event_date"],
        "exports": str(definition["exports"]).replace("|", " or "),
        "needs": str(definition["needs"] or "nothing more").replace("|", " or "),
        "targets": _targets(marts, kpi),
        "interval": definition["interval_kind"] or "none",
        "pending cases": definition["pending_measure"] or "none",
        "final": f"{settles} days after the period" if settles else "when the period is over",
        "dimensions": definition["dimensions"],
        "source": definition["source"],
        "defined in": metric.get("original_file_path", "").lstrip("./"),
        "computed by hand in": ", ".join(path.lstrip("./") for path in tests),
    }
    rows = [[name, str(text)] for name, text in properties.items() if text]
    return Table("Definition", ["", "of this KPI"], rows)


def _targets(marts: Marts, kpi: Kpi) -> str:
    found = marts.rows(
        """
        select distinct dimension, member, target
        from kpis
        where kpi_id = $kpi_id and target is not null
            -- A member without a target of its own has that of the whole.
            and (
                dimension = 'all'
                or target not in (
                    select target from kpis where kpi_id = $kpi_id and dimension = 'all' and target is not null
                )
            )
        order by dimension <> 'all', dimension, member
        """,
        kpi_id=kpi.id,
    )
    whose = ("" if row["dimension"] == ALL else f"{row['dimension']} {row['member']}: " for row in found)
    return "; ".join(f"{whom}{kpi.formatted(row['target'])}" for whom, row in zip(whose, found, strict=True)) or "none"


def _tables(manifest: dict[str, Any]) -> list[Block]:
    """Every published table with its columns, and where they lead."""
    tables = public_tables(manifest)
    types = column_types(manifest)
    leads = {(table, column): target for table, column, target in joins(tables)}
    return [
        Table(
            table.name,
            ["column", "type", "what it says", "leads to"],
            [
                [column, types.get((table.model, column), "varchar"), " ".join(text.split()), leads.get((table.name, column), "")]
                for column, text in table.columns.items()
            ],
            note=f"{' '.join(table.description.split())} In {table.publication}.",
        )
        for table in tables
    ]


def _index(marts: Marts, kpis: dict[str, Kpi], settings: Settings) -> list[Block]:
    stages = [*marts.stages, *sorted({kpi.definition["stage"] for kpi in kpis.values()} - set(marts.stages))]
    cards: list[Block] = [
        Cards(found, stage.capitalize(), charted=False)
        for stage in stages
        if (found := [kpi for kpi in kpis.values() if kpi.definition["stage"] == stage])
    ]
    return [*cards, _gate_pages(settings)]


def _gate_pages(settings: Settings) -> Table:
    pages = sorted((settings.home / PAGES).glob("*.html"), reverse=True)[:_RUNS]
    links = {f"{page.stem[:8]} {page.stem[9:15]} UTC, run {page.stem[-8:]}": f"../{PAGES}/{page.name}" for page in pages}
    return Table("Gates of the last runs", ["run"], [[text] for text in links], links=links, empty="No run was kept.")
