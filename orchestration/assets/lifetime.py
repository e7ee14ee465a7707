"""The lifetime models as a step of the run: fitted to the purchases of the journey layer, before the KPIs are built on them."""

# No `from __future__ import annotations` here: Dagster reads the annotations of the step functions.

import dagster as dg

from orchestration.assets.run import OWNERS, Project, Run
from orchestration.gates.suites import RAW
from orchestration.lifetime.keeping import lifetime_tables
from orchestration.lifetime.tables import TABLES

PURCHASES = "int_purchase_days"


def lifetime_assets(run: Run, project: Project) -> dg.AssetsDefinition:
    """One asset for each table that the fit writes."""
    journey = [project.asset_key(name) for name, model in project.models.items() if model.schema == "journey"]
    specs = [
        dg.AssetSpec([RAW, name], deps=journey, group_name="lifetime", kinds={"parquet"}, owners=OWNERS, description=description)
        for name, (description, _) in TABLES.items()
    ]

    @dg.multi_asset(name="lifetime", specs=specs)
    def lifetime(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
        record = run.begin(context.run_id)
        run.progress("customer lifetime value")
        with record.timed("lifetime value"), run.warehouse.tables([f"journey.{PURCHASES}"]) as con:
            purchases = con.execute(
                f"select customer_key, purchased_on, revenue, margin from journey.{PURCHASES} order by customer_key, purchased_on"
            ).df()
            rows = lifetime_tables(run.settings, purchases)
        for name, count in rows.items():
            yield dg.MaterializeResult(asset_key=[RAW, name], metadata={"rows": count})

    return lifetime
