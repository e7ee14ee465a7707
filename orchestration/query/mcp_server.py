"""The published KPIs for programs and agents that speak the Model Context Protocol. Read-only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.core.grains import AnyGrain, Grain
from orchestration.core.nearest import nearest
from orchestration.published.cases import cases_behind
from orchestration.published.marts import ALL, Marts, PublishedFile, period_start
from orchestration.query.asking import COMPARED, FIGURES, Question, answer
from orchestration.query.explain import explain
from orchestration.query.showing import as_json

_INSTRUCTIONS = """\
Verified customer-experience KPIs. Start with list_kpis. Every number comes with n (cases), a 95 % interval (ci_low, ci_high; none
for medians and counts), n_pending (cases not decided yet), status and is_final (false: it may still change). Status suppressed
means that too few people are behind a number to show it, not_available that no export has it, insufficient_data that cases
are too few to judge. Say so rather than guess. Rates are from 0 to 1, times in seconds, money in the currency of list_kpis."""
#: So many rows at most in one answer.
_MOST_ROWS, _MOST_CASES = 2000, 200
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_Kpi = Annotated[str, Field(description="id of the KPI, as list_kpis gives it")]
_Period = Annotated[date | None, Field(description="any day of the period; without it the newest whole one")]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def server_over(published: Path) -> MCPServer:
    """A server with the tools list_kpis, describe_kpi, query_kpis, explain_kpi and list_cases.

    Args:
        published: the file of the published marts; cases and cuts by several dimensions need the analysis file beside it.
    """
    server: MCPServer = MCPServer("cxhouse", instructions=_INSTRUCTIONS, log_level="WARNING")
    tools = _Tools(PublishedFile(published))
    for tool in (tools.list_kpis, tools.describe_kpi, tools.query_kpis, tools.explain_kpi, tools.list_cases):
        server.add_tool(_with_words(tool), annotations=_READS)
    return server


def _with_words(tool: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """What a user can act on is said to the caller."""

    @wraps(tool)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return tool(*args, **kwargs)
        except CxhouseError as error:
            raise ToolError(str(error)) from error

    return wrapper


class _Tools:
    def __init__(self, published: PublishedFile) -> None:
        self._published = published

    def list_kpis(self) -> dict[str, Any]:
        """All KPIs with label, unit, stage of the journey and which way is better, and of which version and instant they are."""
        with self._published.reading() as marts:
            names = ("kpi_id", "label", "unit", "stage", "kind", "direction")
            publication = marts.publication
            return {
                "version": publication.version,
                "as_of": f"{publication.as_of.isoformat()}Z",
                "reporting_timezone": publication.reporting_timezone,
                "currency": publication.currency,
                "min_people": marts.least,
                "kpis": [{name: row[name] for name in names} for row in marts.definitions.values()],
            }

    def describe_kpi(self, kpi: _Kpi) -> dict[str, Any]:
        """What a KPI measures: description, formula, event date, dimensions that it can be cut by, what its numbers leave out."""
        with self._published.reading() as marts:
            _check(marts, kpi)
            members = {name: found[:50] for name, found in marts.members.items() if name in _dimensions(marts, kpi)}
            return {
                **marts.definitions[kpi],
                "dimensions": _dimensions(marts, kpi),
                "members": members,
                "missing_export": marts.missing_exports.get(kpi),
                "left_out": marts.left_out.get(kpi),
            }

    def query_kpis(
        self,
        kpis: Annotated[list[str], Field(description="ids of KPIs", min_length=1)],
        by: Annotated[list[str], Field(description="dimensions to cut by; each combination is a row")] = [],  # noqa: B006
        where: Annotated[str, Field(description="conditions, as: country in (DE, AT) and not channel = chat")] = "",
        grain: AnyGrain = "month",
        first: Annotated[date | None, Field(description="a day of the first period")] = None,
        last: Annotated[date | None, Field(description="a day of the last period")] = None,
        compare: Annotated[Literal["previous", "year"] | None, Field(description="beside an earlier period")] = None,
    ) -> dict[str, Any]:
        """KPIs by any cut: value, n, interval, target, status and is_final of each period and combination of members."""
        question = Question(tuple(kpis), tuple(by), where, grain, first, last, compare)
        with self._published.reading() as marts:
            rows = answer(marts, question)
        if len(rows) > _MOST_ROWS:
            raise ToolError(f"{len(rows)} rows: ask for fewer periods or cuts ({_MOST_ROWS} at most)")
        names = ("kpi_id", "period_start", *by, *FIGURES, *(COMPARED if compare else ()), "missing_export")
        return {"rows": [{name: _plain(row[name]) for name in names if name in row} for row in rows]}

    def explain_kpi(
        self,
        kpi: _Kpi,
        grain: Grain = "month",
        period: _Period = None,
        against: Annotated[str, Field(description="previous, year, or a day of the period to compare with")] = "previous",
        by: Annotated[list[str] | None, Field(description="only these dimensions")] = None,
    ) -> dict[str, Any]:
        """What moved a KPI: its change with a p value, one sentence, and by dimension each member's exact part of the change."""
        try:
            other = against if against in ("previous", "year") else date.fromisoformat(against)
        except ValueError:
            raise ToolError(f"against {against!r}: it is previous, year, or a day") from None
        with self._published.reading() as marts:
            explanation = explain(marts, kpi, grain, period, other, by)
        if explanation is None:
            raise ToolError(f"{kpi} has no {grain} with a value")
        return as_json(explanation)

    def list_cases(
        self,
        kpi: _Kpi,
        period: Annotated[date, Field(description="any day of the period")],
        grain: Grain = "month",
        dimension: Annotated[str, Field(description="all, or the dimension of a member")] = ALL,
        member: str = ALL,
        only_bad: Annotated[bool, Field(description="only those on the bad side of a share")] = False,
        limit: Annotated[int, Field(ge=1, le=_MOST_CASES)] = 20,
    ) -> dict[str, Any]:
        """The cases behind a KPI's value, worst first where that can be said: how many, and the first of them."""
        with self._published.reading() as marts:
            _check(marts, kpi)
            if not marts.has("kpi_cases"):
                raise ToolError("cases are in analysis.duckdb, which is not here, or not yours to read")
            found = cases_behind(marts, kpi, grain, period_start(grain, period), dimension, member, only_bad)
            if found is None:
                raise ToolError(f"{kpi} has no cases by {dimension}")
            rows = [{name: _plain(value) for name, value in row.items()} for row in found.first(marts, limit)]
            return {"cases": found.count(marts), "first": rows}


def _check(marts: Marts, kpi: str) -> None:
    if kpi not in marts.definitions:
        raise ConfigurationError(f"no KPI {kpi}{nearest(kpi, marts.definitions)}")


def _dimensions(marts: Marts, kpi: str) -> list[str]:
    names = marts.definitions[kpi]["dimensions"]
    return names.split(", ") if names else []


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
