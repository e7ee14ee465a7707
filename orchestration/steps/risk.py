"""Risks as a step: fitted to past customers of the journey layer, before the KPIs are built on them."""

from __future__ import annotations

from orchestration.risk.tables import SOURCES, TABLES, ensure_risk_tables
from orchestration.steps.run import Run


def fit_risks(run: Run) -> dict[str, int]:
    """Fit, where the past changed, and write the tables that the models read; returns their rows."""
    with run.current.timed("risks"), run.warehouse.tables(f"journey.{name}" for name in SOURCES) as con:
        if not con.execute(
            "select 1 from journey.int_churn_today union all select 1 from journey.int_ticket_openings limit 1"
        ).fetchone():
            # Without customers and tickets nothing is imported either.
            ensure_risk_tables(run.settings, are_empty=True)
            return dict.fromkeys(TABLES, 0)
        from orchestration.risk.step import Frames, write_risk_tables
        from orchestration.risk.trying import Home

        home = Home(run.settings.risks, run.progress, full_refresh=run.settings.full_refresh)
        return write_risk_tables(run.settings, Frames.read(con), home)
