"""Writes the docs that are generated: KPI reference, canonical exports, JSON schema of contracts. Run: make docs"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from orchestration.pull.contracts import json_schema
from orchestration.pull.kinds import Column, all_kinds
from orchestration.settings import PROJECT, Settings

DOCS = PROJECT / "docs"
HEADER = """# KPIs

Generated from the metrics (`make docs`). Each KPI is one block under `models/kpis/`; its measures stand beside the fact
that they measure, its hand-computed cases in `models/kpis/unit_tests/`, its second computation in
`tests/test_kpis_independently.py`. What was open to debate is in [decisions.md](decisions.md).
"""

EXPORTS_HEADER = """# Exports: the canonical columns

Generated from `orchestration/pull/kinds.yml` (`make docs`). A file whose columns carry these names, and whose own name
starts with its kind (`orders_2026-11-21.csv`), needs no contract. `*` = required: a row without it goes to quarantine, as
does a row with a value that cannot be read.

*instant*: ISO 8601; without an offset it is in the contract's time zone. *promise*: an instant, or a date that promises the
whole day. *seconds*: not negative. *money*: decimal, in `currency`. *boolean*: true/false, yes/no, 1/0. *prose*, *email* and
*phone* hold personal data: they never leave the private warehouse. *word*: lower-cased text, with values of your own.
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


def exports_reference() -> str:
    """The canonical exports as Markdown."""
    sections = [
        f"## {kind.name}\n\n{'Expected' if kind.required else 'Optional'}. A record is identified by "
        f"{', '.join(f'`{name}`' for name in kind.key)}.\n\n| column | type |\n|---|---|\n"
        + "\n".join(f"| `{c.name}`{' *' if c.required else ''} | {_type(c)} |" for c in kind.columns.values())
        for kind in all_kinds().values()
    ]
    return "\n\n".join([EXPORTS_HEADER.strip(), *sections]) + "\n"


def _type(column: Column) -> str:
    return f"one of {', '.join(column.values)}" if column.values else column.type


def generated() -> dict[Path, str]:
    """Every generated doc and what should stand in it."""
    return {
        DOCS / "kpis.md": kpi_reference(),
        DOCS / "exports.md": exports_reference(),
        DOCS / "contract.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }


def main() -> None:
    """Write the generated docs."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
