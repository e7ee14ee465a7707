"""The published marts as an asset."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import logging

import dagster as dg

from orchestration.alerts import published_alerts, tell_new_alerts
from orchestration.assets.run import OWNERS, Project, Run
from orchestration.gates.suites import LAYERS, RAW
from orchestration.gates.verdicts import Verdict
from orchestration.publish import MARTS_FILE, PARQUET_FOLDER, REPORT_FILE, Candidate, PublicTable, public_tables
from orchestration.run_record import RunRecord
from orchestration.settings import Settings

PUBLISHED = dg.AssetKey(["published", "marts"])


def published_asset(run: Run, project: Project) -> dg.AssetsDefinition:
    """The published marts: replaced in one step, once every gate has passed."""
    tables = public_tables(project.manifest)
    needed = {RAW, *(f"{layer} {part}" for layer in LAYERS for part in ("models", "gates"))}

    @dg.asset(
        key=PUBLISHED,
        deps=[project.asset_key(name) for name in project.models],
        group_name="published",
        kinds={"duckdb", "parquet"},
        owners=OWNERS,
        description=f"What readers get: {MARTS_FILE} and the same tables as Parquet.",
    )
    def marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        record = run.begin(context.run_id)
        if lacking := needed - run.completed:
            raise dg.Failure(f"not verified in this run: {', '.join(sorted(lacking))}; materialise the whole job")
        run.progress("publishing")
        with record.timed("publish"):
            candidate = Candidate(run.settings, tables, context.run_id)
            with run.warehouse.tables(f"{table.schema}.{table.name}" for table in tables) as con:
                candidate.build(con, record.verdicts)
            _draw_report(candidate, record)
            told = published_alerts(run.settings)
            record.published_version = candidate.publish()
        record.finish(run.settings, "published")
        tell_new_alerts(run.settings, told)
        run.progress(f"published: version {record.published_version}")
        from orchestration.display import headline_markdown

        return dg.MaterializeResult(
            metadata={
                "version": record.published_version,
                "file": dg.MetadataValue.path(str(run.settings.published / MARTS_FILE)),
                "report": dg.MetadataValue.path(str(run.settings.published / REPORT_FILE)),
                "gates": dg.MetadataValue.path(str(record.page(run.settings.home))),
                "tables": dg.MetadataValue.md(_tables(run.settings, tables)),
                "kpis": dg.MetadataValue.md(headline_markdown(run.settings)),
            }
        )

    return marts


def _tables(settings: Settings, tables: list[PublicTable]) -> str:
    """Every published table with a link to its model in this UI, and where its Parquet file lies."""
    folder = (settings.published / PARQUET_FOLDER / "current").absolute()
    lines = [
        f"| [{table.name}](/assets/{table.schema}/{table.name}) | {table.description.strip()} | {folder / table.name}.parquet |"
        for table in tables
    ]
    return "\n".join(["| table | a row is | file |", "|---|---|---|", *lines])


def _draw_report(candidate: Candidate, record: RunRecord) -> None:
    """A chart that cannot be drawn keeps nobody from the marts: it is a warning, and no report beats one of other numbers."""
    from orchestration.dashboard.report import write_report

    try:
        write_report(candidate.database, candidate.report)
    except Exception as error:  # whatever a chart can break on
        logging.getLogger("cxhouse").exception("the report could not be drawn")
        candidate.report.unlink(missing_ok=True)
        record.verdicts.append(
            Verdict(
                gate="published/report",
                expectation="The report can be drawn",
                severity="warning",
                passed=False,
                problem=f"{type(error).__name__}; the marts are published without it",
                remedy="see the log, and report it with the traceback",
            )
        )
