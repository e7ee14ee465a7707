"""What the mart says of a KPI, and what cases say of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from homes import Home
from independent import Company
from support_cases import Cases


def by_month(company: Company, cases: Cases) -> dict[date, list[float]]:
    months: dict[date, list[float]] = defaultdict(list)
    for at, value in cases:
        months[company.month(at)].append(float(value))
    return dict(months)


def published(home: Home, kpi: str, grain: str = "month") -> dict[date, tuple[float, int]]:
    rows = home.query(
        "select period_start, value, n from kpis where kpi_id = ? and grain = ? and dimension = 'all' and value is not null",
        kpi, grain,
    )  # fmt: skip
    return {row[0]: (row[1], row[2]) for row in rows}
