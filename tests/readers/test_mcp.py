"""The server of KPIs for agents, asked with the protocol's own client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import duckdb
import pytest
from homes import Home

mcp = pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters  # noqa: E402

from orchestration.query.mcp_server import server_over  # noqa: E402


def talk(server: Any, conversation: Callable[[Client], Awaitable[None]]) -> None:
    async def session() -> None:
        async with Client(server) as client:
            await conversation(client)

    asyncio.run(session())


async def answer_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


def test_kpis_by_the_protocol(sample_home: Home) -> None:
    marts = sample_home.path / "published" / "marts.duckdb"

    async def conversation(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"list_kpis", "describe_kpi", "query_kpis", "explain_kpi", "list_cases"}
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert all(tool.description for tool in tools)

        listed = await answer_of(client, "list_kpis")
        assert len(listed["kpis"]) > 100
        assert listed["min_people"] == 5

        described = await answer_of(client, "describe_kpi", kpi="csat")
        assert "channel" in described["dimensions"]
        assert described["formula"]

        found = await answer_of(client, "query_kpis", kpis=["csat"], by=["channel"], grain="quarter", first="2026-04-01")
        shown = sample_home.shown(
            "select member, value, n, ci_low, status, is_final from kpis where kpi_id = 'csat' and grain = 'quarter' "
            "and dimension = 'channel' and period_start >= '2026-04-01' order by period_start, member"
        )
        names = ("channel", "value", "n", "ci_low", "status", "is_final")
        assert [tuple(row[name] for name in names) for row in found["rows"]] == shown

        why = await answer_of(client, "explain_kpi", kpi="response_sla_rate", period="2026-05-10")
        assert why["sentence"]
        assert why["period_start"] == "2026-05-01"

        cases = await answer_of(client, "list_cases", kpi="response_sla_rate", period="2026-05-10", only_bad=True, limit=3)
        assert len(cases["first"]) == min(3, cases["cases"])
        assert all(not case["is_response_in_time"] for case in cases["first"])
        assert not any(name.startswith("agent_id") for case in cases["first"] for name in case)

        assert "did you mean 'csat'" in await refusal(client, "query_kpis", kpis=["csatt"])
        assert "did you mean 'channel'" in await refusal(client, "query_kpis", kpis=["csat"], by=["chanel"])
        assert "no KPI nope" in await refusal(client, "describe_kpi", kpi="nope")

    talk(server_over(marts), conversation)


def test_nothing_can_be_written(sample_home: Home) -> None:
    """What is asked is bound or refused, and the files are opened read-only."""
    marts = sample_home.path / "published" / "marts.duckdb"

    async def conversation(client: Client) -> None:
        hostile = "channel = 'x'; drop table kpis"
        assert "--where" in await refusal(client, "query_kpis", kpis=["csat"], where=hostile)
        assert "cannot be cut" in await refusal(client, "query_kpis", kpis=["csat"], by=['channel" from kpis; --'])

    talk(server_over(marts), conversation)
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute("select count(*) > 0 from kpis").fetchone() == (True,)


def test_over_standard_input_and_output(sample_home: Home) -> None:
    """As a desktop client starts it."""
    command = [str(part) for part in ("-m", "orchestration.cli", "mcp", *sample_home.options)]

    async def conversation(client: Client) -> None:
        assert len((await answer_of(client, "list_kpis"))["kpis"]) > 100

    talk(StdioServerParameters(command=sys.executable, args=command), conversation)
