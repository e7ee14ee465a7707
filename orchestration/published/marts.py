"""The published file, as the pages read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from orchestration.publish.reading import open_published
from orchestration.publish.version_facts import PublishedVersion, publication_of

Row = dict[str, Any]
#: Grains that have periods, the shortest first, and how many of them are shown unless a reader asks for others.
GRAINS = {"day": 60, "week": 53, "month": 24, "quarter": 12}
ALL = "all"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """What a reader looks at: the periods of a grain that begin in a span, of the whole or of one member of a dimension."""

    grain: str = "month"
    first_on: date | None = None
    #: Included.
    last_on: date | None = None
    dimension: str = ALL
    member: str = ALL


def period_end(grain: str, start: date) -> date:
    """The first day after a period.

    Raises:
        ValueError: the grain has no periods.
    """
    match grain:
        case "day":
            return start + timedelta(days=1)
        case "week":
            return start + timedelta(days=7)
        case "month":
            return (start + timedelta(days=31)).replace(day=1)
        case "quarter":
            return (start + timedelta(days=95)).replace(day=1)
    raise ValueError(f"{grain} has no periods")


def period_start(grain: str, day: date) -> date:
    """The first day of the period that a day is in; weeks begin on Monday.

    Raises:
        ValueError: the grain has no periods.
    """
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    raise ValueError(f"{grain} has no periods")


def period_name(grain: str, start: date | None) -> str:
    """A period as people call it: June 2026, 2026 Q2, week of 2026-06-22."""
    if start is None:
        return "all time"
    match grain:
        case "month":
            return f"{_MONTHS[start.month - 1]} {start.year}"
        case "quarter":
            return f"{start.year} Q{(start.month + 2) // 3}"
        case "week":
            return f"week of {start}"
    return str(start)


def local_day(instant: str) -> str:
    """The reporting day of an instant, in SQL; `$zone` is bound to the reporting time zone."""
    return f"cast(timezone($zone, timezone('UTC', {instant})) as date)"


class Marts:
    """One published version."""

    def __init__(self, con: duckdb.DuckDBPyConnection, signature: tuple[int, int] = (0, 0)) -> None:
        self._con = con
        #: What distinguished this version's file from others when it was opened.
        self.signature = signature

    def rows(self, query: str, **values: Any) -> list[Row]:
        """A query's rows; values are bound to its `$name` parameters, never written into it."""
        cursor = self._con.execute(query, values or None)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @cached_property
    def publication(self) -> PublishedVersion:
        return publication_of(self._con)

    @property
    def least(self) -> int:
        """Numbers of fewer people than this are not shown."""
        return self.publication.min_people or 1

    @cached_property
    def _tables(self) -> set[str]:
        return {row["table_name"] for row in self.rows("select table_name from duckdb_tables()")}

    def has(self, table: str) -> bool:
        """Was the reader given a table? Those of single cases are in a file of their own."""
        return table in self._tables

    @cached_property
    def grains(self) -> list[str]:
        """The grains with periods that the mart holds, the shortest first."""
        held = {row["grain"] for row in self.rows("select distinct grain from kpis")}
        return [grain for grain in GRAINS if grain in held]

    @cached_property
    def cuts(self) -> set[tuple[str, str]]:
        """The grains that the mart holds of the whole and of each dimension's members, as `kpi_grains` says."""
        return {(row["grain"], row["dimension"]) for row in self.rows("select distinct grain, dimension from kpis")}

    @cached_property
    def view(self) -> View:
        """What is shown unless a reader chooses: the whole by month, or by the longest period that the mart holds."""
        return View("month" if "month" in self.grains or not self.grains else self.grains[-1])

    @cached_property
    def today(self) -> date:
        """The reporting day that the marts speak of; it is not over."""
        zone = ZoneInfo(self.publication.reporting_timezone)
        return self.publication.as_of.replace(tzinfo=UTC).astimezone(zone).date()

    @cached_property
    def definitions(self) -> dict[str, Row]:
        """The KPIs by id, each with its text, unit, currency, dimensions …"""
        rows = self.rows("select * from kpi_definitions order by label")
        return {row["kpi_id"]: {**row, "currency": self.publication.currency} for row in rows}

    @cached_property
    def policy_rules(self) -> dict[str, str]:
        """The KPI that judges each policy of a marketplace, by the policy's name in ``alerts``."""
        rows = self.rows("select distinct concat(marketplace, ': ', policy) as subject, rule from marketplace_compliance")
        return {row["subject"]: str(row["rule"]) for row in rows}

    @cached_property
    def headlines(self) -> list[str]:
        """The KPIs that a reader sees first, in their order (variable `headline_kpis`)."""
        placed = [(row.get("headline_position"), name) for name, row in self.definitions.items()]
        return [name for _, name in sorted((place, name) for place, name in placed if place is not None)]

    @cached_property
    def stages(self) -> dict[str, str]:
        """The stages of the journey in their order, each with its description."""
        rows = self.rows("select distinct stage, stage_description, stage_position from dim_touchpoints order by stage_position")
        return {row["stage"]: row["stage_description"] for row in rows}

    @cached_property
    def members(self) -> dict[str, list[str]]:
        """For each dimension its members, those with most cases first."""
        rows = self.rows(
            "select dimension, member, sum(n) as n from kpis where grain = 'all' and dimension <> 'all' "
            "group by all order by dimension, n desc, member"
        )
        return {name: [row["member"] for row in found] for name, found in groupby(rows, key=lambda row: row["dimension"])}

    def periods(self, view: View, kpi_id: str | None = None) -> dict[str, list[Row]]:
        """The rows of a view by KPI, oldest first; of all KPIs or of one. None of a KPI that has no such cut or no export."""
        rows = self.rows(
            """
            select *
            from kpis
            where grain = $grain and dimension = $dimension and member = $member and period_start < $today
                and ($kpi_id is null or kpi_id = $kpi_id)
                and ($first_on is null or period_start >= $first_on)
                and ($last_on is null or period_start <= $last_on)
            order by kpi_id, period_start
            """,
            grain=view.grain, dimension=view.dimension, member=view.member, today=self.today, kpi_id=kpi_id,
            first_on=view.first_on, last_on=view.last_on,
        )  # fmt: skip
        shown = GRAINS[view.grain] if view.first_on is None else len(rows)
        return {name: list(found)[-shown:] for name, found in groupby(rows, key=lambda row: row["kpi_id"])}

    def by_member(self, kpi_id: str, grain: str, period_start: date | None, dimension: str) -> list[Row]:
        """A KPI's members in one period, or over all time, most cases first."""
        return self.rows(
            """
            select * from kpis
            where kpi_id = $kpi_id and grain = $grain and period_start is not distinct from $period_start
                and dimension = $dimension and value is not null
            order by n desc, member
            """,
            kpi_id=kpi_id, grain=grain, period_start=period_start, dimension=dimension,
        )  # fmt: skip

    def hidden_members(self, kpi_id: str, grain: str, period_start: date | None, dimension: str) -> list[str]:
        """The members of which a KPI is not shown in one period, or over all time: too few people, or it would reveal others."""
        rows = self.rows(
            """
            select member from kpis
            where kpi_id = $kpi_id and grain = $grain and period_start is not distinct from $period_start
                and dimension = $dimension and status = 'suppressed'
            order by member
            """,
            kpi_id=kpi_id, grain=grain, period_start=period_start, dimension=dimension,
        )  # fmt: skip
        return [row["member"] for row in rows]

    @cached_property
    def missing_exports(self) -> dict[str, str]:
        """KPIs that cannot be computed, each with the export that is missing."""
        rows = self.rows("select kpi_id, missing_export from kpis where status = 'not_available'")
        return {row["kpi_id"]: row["missing_export"] for row in rows}

    @cached_property
    def left_out(self) -> dict[str, str]:
        """KPIs that cover a part of the records only, each with what is left out, by contract and why, in words."""
        if not self.has("kpi_coverage"):
            return {}  # an earlier release published them
        parts: dict[str, list[str]] = {}
        for row in self.rows("select * from kpi_coverage where records_left_out > 0 order by kpi_id, kind, contract"):
            kind = row["kind"].replace("_", " ")
            parts.setdefault(row["kpi_id"], []).append(
                f"{row['records_left_out']:,} of {row['records']:,} {kind} of {row['contract']}, which cannot tell {row['lacks']}"
            )
        return {kpi: f"leaves out {'; '.join(reasons)}" for kpi, reasons in parts.items() if kpi not in self.missing_exports}


class PublishedFile:
    """Connections to the published file of a home. A new version is seen by whoever reads after it was published.

    DuckDB shows the version that the first open connection of a process sees to all of them, so that the old one is closed
    before the file is opened again: one reader at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._marts: Marts | None = None

    @contextmanager
    def reading(self) -> Iterator[Marts]:
        """The newest version, the same one for as long as this lasts."""
        with self._lock:
            found = self.signature()
            if self._marts is None or self._marts.signature != found:
                if self._con:
                    self._con.close()
                self._con = open_published(self._path)
                self._marts = Marts(self._con, found)
            yield self._marts

    def signature(self) -> tuple[int, int]:
        """What differs from version to version."""
        stat = self._path.stat()
        return stat.st_ino, stat.st_mtime_ns
