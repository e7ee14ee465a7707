"""Writes the docs that are generated: the KPI reference and the contract's JSON schema. Run: make docs"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import PROJECT, Settings

DOCS = PROJECT / "docs"
HEADER = """# KPIs

Generated from the metrics (`make docs`). Each KPI is one block under `models/kpis/`; its measures stand beside the fact
that they measure, its hand-computed cases in `models/kpis/unit_tests/`, its second computation in
`tests/test_kpis_independently.py`. What was open to debate is in [decisions.md](decisions.md).
"""


def _section(kpi: dict[str, Any]) -> str:
    settles = kpi["settles_after_days"]
    formula = re.sub(r"\s+", " ", kpi["formula"])
    facts = {
        "formula": f"`{formula}`",
        "fact": f"`{kpi['fact']}`",
        "stage, kind": f"{kpi['stage']}, {kpi['kind']}",
        "unit, better": f"{kpi['unit']}, {kpi['direction']}",
        "event date": kpi["event_date"],
        "exports": kpi["exports"].replace("|", " or "),
        "interval": kpi["interval_kind"] or "none",
        "pending cases": kpi["pending_measure"] or "none",
        "final": f"{settles} days after the period" if settles else "when the period is over",
        "dimensions": kpi["dimensions"],
        "source": kpi["source"],
    }
    rows = [f"| {name} | {text} |" for name, text in facts.items()]
    title = [f"## `{kpi['kpi_id']}`", "", f"**{kpi['label']}.** {kpi['description']}", ""]
    return "\n".join([*title, "| | |", "|---|---|", *rows, ""])


def read_definitions() -> list[dict[str, Any]]:
    """The table ``kpi_definitions`` as it is compiled now; needs no exports."""
    from orchestration.execution import prepare_home
    from orchestration.warehouse import Warehouse

    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        prepare_home(settings)
        Warehouse(settings).build(["--select", "kpi_definitions", "--exclude-resource-type", "test"])
        with duckdb.connect(str(settings.warehouse)) as con:
            return con.sql("select * from kpis.kpi_definitions order by kpi_id").to_arrow_table().to_pylist()


def kpi_reference() -> str:
    """The KPI reference as Markdown."""
    definitions = read_definitions()
    index = "\n".join(f"- [`{kpi['kpi_id']}`](#{kpi['kpi_id']}): {kpi['label']}" for kpi in definitions)
    return "\n".join([HEADER, index, "", *map(_section, definitions)])


def main() -> None:
    """Write the generated docs."""
    from orchestration.pull.contracts import json_schema

    (DOCS / "kpis.md").write_text(kpi_reference(), encoding="utf-8")
    (DOCS / "contract.schema.json").write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
