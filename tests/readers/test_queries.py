"""Any cut of any KPI: equal to the mart where it holds the cut, and to the cases where it does not."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from homes import Home
from hypothesis import given
from hypothesis import strategies as st

import cxhouse as package
from orchestration.cli import main
from orchestration.core.errors import ConfigurationError
from orchestration.publish.kpi_queries import filled
from orchestration.published.marts import Marts
from orchestration.query.asking import Question, answer
from orchestration.query.change import adjusted
from orchestration.query.hiding import hide_few
from orchestration.query.where import parse

EVER = ("date '0001-01-01'", "date '9999-12-31'")
FIGURES = "numerator, denominator, value, n, n_pending, ci_low, ci_high, target, status, is_final"
Asked = tuple[str, str, str, str]


@pytest.fixture
def readers(sample_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with sample_home.published() as con:
        yield con


def cuts_of_the_mart(home: Home) -> list[Asked]:
    """Each KPI, grain and dimension that the mart holds and facts can be asked for, with the KPI's query."""
    held = home.query("select distinct kpi_id, grain, dimension from kpis where status <> 'not_available' order by all")
    asked = {
        row[0]: row[1:] for row in home.shown("select kpi_id, dimensions, grains, query from kpi_queries where query not null")
    }
    return [
        (kpi, grain, dimension, asked[kpi][2])
        for kpi, grain, dimension in held
        if kpi in asked and grain in asked[kpi][1].split(", ") and dimension in ("all", *asked[kpi][0].split(", "))
    ]


def check_equal_to_the_mart(home: Home, cuts: list[Asked]) -> int:
    """Every number of the facts' query is that of the mart as the warehouse holds it; returns how many cells."""
    cells = 0
    with home.marts() as warehouse, home.published() as con:
        for kpi, grain, dimension, template in cuts:
            # Agents go by a key outside the warehouse: their numbers are compared in order.
            is_agent = dimension == "agent"
            by = [] if dimension == "all" else [dimension]
            # Nothing is hidden here: each cell is compared.
            query = filled(template, grain, by, *EVER).replace(
                "case when min_people > 1 then min_people else 0 end as least", "0 as least"
            )
            member = f'"{dimension}"' if by else "'all'"
            found = con.execute(f"select period_start, {member}, {FIGURES} from ({query})").fetchall()
            expected = warehouse.execute(
                f"select period_start, member, {FIGURES} from kpis where kpi_id = ? and grain = ? and dimension = ?",
                [kpi, grain, dimension],
            ).fetchall()
            assert len(found) == len(expected), f"{kpi} by {grain} and {dimension}"

            start = 2 if is_agent else 0
            for mine, theirs in zip(sorted(found, key=_key(start)), sorted(expected, key=_key(start)), strict=True):
                assert all(map(_is_same, mine[start:], theirs[start:])), f"{kpi} by {grain} and {dimension}: {mine}, {theirs}"
                cells += 1
    return cells


def _key(start: int) -> Callable[[tuple], tuple[str, ...]]:
    return lambda row: (str(row[0]), *(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row[start:]))


def _is_same(mine: object, theirs: object) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-6)
    return mine == theirs


@pytest.mark.ci
def test_a_choice_of_cuts_is_equal_to_the_mart(sample_home: Home) -> None:
    cuts = cuts_of_the_mart(sample_home)
    assert len({kpi for kpi, *_ in cuts}) > 100
    # Of each KPI the whole by month, or by what it has, and two further ones, different from KPI to KPI.
    chosen = [cut for place, cut in enumerate(cuts) if place % 61 == 0 or (cut[1] == "month" and cut[2] == "all")]
    assert check_equal_to_the_mart(sample_home, chosen) > 2000


@pytest.mark.slow
def test_every_cut_is_equal_to_the_mart(sample_home: Home) -> None:
    """Every KPI, grain and dimension that the mart holds."""
    cuts = cuts_of_the_mart(sample_home)
    assert len(cuts) > 2000
    assert check_equal_to_the_mart(sample_home, cuts) > 100_000


def asked(con: duckdb.DuckDBPyConnection, *kpis: str, **more: object) -> list[dict[str, object]]:
    return answer(Marts(con), Question(kpis, **more))  # type: ignore[arg-type]


def test_two_cuts_and_a_condition_are_the_cases(readers: duckdb.DuckDBPyConnection) -> None:
    found = asked(readers, "first_response_time", by=("channel", "team"), where="country in (DE, AT, FR)", grain="quarter")
    assert len(found) > 30
    shown = {(r["period_start"], r["channel"], r["team"]): r for r in found if r["status"] != "suppressed"}
    assert len(shown) > 10
    expected = readers.execute(
        """
        select date_trunc('quarter', created_at at time zone 'UTC' at time zone 'Europe/Berlin')::date, channel, team,
            avg(first_response_seconds), count(first_response_seconds), count(distinct coalesce(customer_key, ticket_id))
        from fct_tickets where is_contact and country in ('DE', 'AT', 'FR') group by all
        """
    ).fetchall()
    cases = {row[:3]: row[3:] for row in expected}
    for cell, row in shown.items():
        assert (row["value"], row["n"]) == (pytest.approx(cases[cell][0]), cases[cell][1])
        assert cases[cell][2] >= 5 or not row["n"]
    # Whatever is of fewer than five people is among the hidden.
    assert all(cell not in shown for cell, (_, n, people) in cases.items() if n and people < 5)


def test_a_cell_of_few_pending_cases_alone_is_hidden(readers: duckdb.DuckDBPyConnection) -> None:
    """As in the mart: who waits are people, too."""
    rows = asked(readers, "agent_wait_time", "order_size", "csat", by=("channel", "country"), grain="week")
    few = [row for row in rows if row["n"] == 0 and 0 < (row["n_pending"] or 0) < 5]
    assert few == []
    assert any(row["status"] == "suppressed" for row in rows)


def test_what_the_mart_holds_is_answered_from_it(readers: duckdb.DuckDBPyConnection) -> None:
    found = asked(readers, "csat", by=("channel",), grain="quarter", first=date(2026, 4, 20), last=date(2026, 4, 21))
    expected = readers.execute(
        "select member, value, status from kpis where kpi_id = 'csat' and grain = 'quarter' and dimension = 'channel' "
        "and period_start = '2026-04-01' order by member"
    ).fetchall()
    assert [(row["channel"], row["value"], row["status"]) for row in found] == expected


def test_the_whole_time_is_cut_by_days(readers: duckdb.DuckDBPyConnection) -> None:
    ((row),) = asked(readers, "review_score", grain="all", first=date(2026, 6, 3), last=date(2026, 6, 20))
    ((stars, n),) = readers.execute(
        "select avg(stars), count(stars) from fct_reviews "
        "where (created_at at time zone 'UTC' at time zone 'Europe/Berlin')::date between '2026-06-03' and '2026-06-20'"
    ).fetchall()
    assert (row["value"], row["n"], row["period_start"]) == (pytest.approx(stars), n, None)


def test_a_comparison_is_that_of_the_two_periods(readers: duckdb.DuckDBPyConnection) -> None:
    rows = asked(
        readers, "response_sla_rate", "csat", grain="month", first=date(2026, 5, 1), last=date(2026, 6, 1), compare="year"
    )
    alone = {(r["kpi_id"], r["period_start"]): r for r in asked(readers, "response_sla_rate", "csat", grain="month")}
    assert len(rows) == 4
    for row in rows:
        before = alone[row["kpi_id"], row["before_start"]]  # type: ignore[index]
        assert row["before_start"] == row["period_start"].replace(year=2025)  # type: ignore[attr-defined]
        assert row["change"] == pytest.approx(row["value"] - before["value"])  # type: ignore[operator]
    alone_p = [asked(readers, r["kpi_id"], first=r["period_start"], last=r["period_start"], compare="year")[0] for r in rows]
    assert [row["p_value"] for row in rows] == pytest.approx(adjusted([row["p_value"] for row in alone_p]))


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"kpis": ("csatt",)}, "no KPI csatt; did you mean 'csat'"),
        ({"by": ("chanel",)}, "did you mean 'channel'"),
        ({"by": ("marketplace",)}, "csat cannot be cut by marketplace: the rows of fct_csat_answers have no marketplace"),
        ({"where": "country = Deutschland"}, "no country 'Deutschland'; there are: "),
        ({"where": "country in (DE"}, r"expected \), found the end"),
        ({"where": "country like DE"}, "expected =, !=, in or not in, found like"),
        ({"where": "kontry = DE"}, "did you mean 'country'"),
        ({"grain": "year"}, "no grain 'year'"),
        ({"grain": "all", "compare": "year"}, "all has none"),
        ({"kpis": ("satisfaction_change",), "by": ("channel", "team")}, "it compares values that are computed for each period"),
        ({"first": date(2026, 2, 1), "last": date(2026, 1, 1)}, "lies after"),
    ],
)
def test_what_cannot_be_asked_says_why(readers: duckdb.DuckDBPyConnection, question: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        answer(Marts(readers), Question(**{"kpis": ("csat",), **question}))  # type: ignore[arg-type]


def test_readers_of_the_marts_alone_get_what_these_hold(sample_home: Home, tmp_path: Path) -> None:
    # A copy: connections of one process to one file share what is attached.
    alone = shutil.copy(sample_home.path / "published" / "marts.duckdb", tmp_path / "marts.duckdb")
    with duckdb.connect(str(alone), read_only=True) as con:
        assert asked(con, "csat", by=("channel",), grain="month")
        with pytest.raises(ConfigurationError, match=r"needs the published facts \(analysis.duckdb\)"):
            asked(con, "csat", by=("channel", "team"))


@given(st.text())
def test_no_condition_is_more_than_a_condition(text: str) -> None:
    """Whatever is typed is refused, or names known columns only and binds its values."""
    try:
        found = parse(text, {"country": "d_country"}.__getitem__)
    except (ConfigurationError, KeyError):
        return
    assert set(re.sub(r"\$value_\d+", "", found.sql)) <= set("d_country =<>(),notiar")


def test_conditions_mean_what_they_say() -> None:
    def column(name: str) -> str:
        return f"d_{name}"

    found = parse("""country in (DE, 'A''T') and not (team = "First line" or team != x) or channel not in (chat)""", column)
    assert found.sql == (
        "((d_country in ($value_0, $value_1) and not (((d_team = $value_2 or d_team <> $value_3)))) "
        "or d_channel not in ($value_4))"
    )
    assert list(found.values.values()) == ["DE", "A'T", "First line", "x", "chat"]


cells = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("wxyz")), st.sets(st.integers(0, 59), min_size=1, max_size=12), min_size=1
)


@given(cells, st.integers(2, 6))
def test_hidden_cells_cannot_be_worked_out(people: dict[tuple[str, str], set[int]], least: int) -> None:
    """In each line of one cut's members, the hidden ones are none, or all, or two and more of enough people together."""
    rows = [
        {
            "period_start": None, "channel": channel, "team": team, "people_bits": sum(1 << bit for bit in bits), "n": len(bits),
            "value": None if len(bits) < least else 1.0, "status": "suppressed" if len(bits) < least else "on_target",
            **dict.fromkeys(("numerator", "denominator", "n_pending", "ci_low", "ci_high")),
        }
        for (channel, team), bits in people.items()
    ]  # fmt: skip
    shown = hide_few(rows, ("channel", "team"), least)
    assert [(row["channel"], row["team"]) for row in shown] == list(people)
    for cut in ("channel", "team"):
        for member in {row[cut] for row in rows}:
            line = [row for row in shown if row[cut] == member]
            hidden = [row for row in line if row["status"] == "suppressed"]
            together = set().union(*(people[row["channel"], row["team"]] for row in hidden))
            assert len(hidden) in (0, len(line)) or (len(hidden) > 1 and len(together) >= least)
    assert all(row["value"] is None for row in shown if row["status"] == "suppressed")


def test_from_python(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXHOUSE_HOME", str(sample_home.path))
    table = package.query("csat, nps", by="channel", grain="quarter", first="2026-01-01", compare="previous")
    assert table.column_names[:4] == ["kpi_id", "period_start", "channel", "value"]
    assert table.schema.field("value").type == "double"
    frame = table.to_pandas()
    assert set(frame.kpi_id) == {"csat", "nps"}
    assert (frame.period_start.astype(str) >= "2026-01-01").all()
    explanation = package.explain("csat", period="2026-05-20", against="2026-03-01")
    assert explanation
    assert (explanation.period_start, explanation.before_start) == (date(2026, 5, 1), date(2026, 3, 1))


def test_as_a_table_macro(sample_home: Home) -> None:
    """In the published file itself, for any tool that speaks DuckDB."""
    with duckdb.connect(str(sample_home.path / "published" / "analysis.duckdb"), read_only=True) as con:
        found = con.execute(
            "select channel, team, value, n from kpi('csat', 'quarter', ['channel', 'team']) "
            "where period_start = '2026-04-01' and status <> 'suppressed' order by all"
        ).fetchall()
        whole = con.execute("select value, n from kpi('csat', 'quarter') where period_start = '2026-04-01'").fetchall()
        with pytest.raises(duckdb.Error, match="no KPI of that name has a query"):
            con.execute("from kpi('csatt', 'quarter')")
    assert whole == sample_home.query(
        "select value, n from kpis "
        "where kpi_id = 'csat' and grain = 'quarter' and dimension = 'all' and period_start = '2026-04-01'"
    )
    with sample_home.published() as con:
        rows = asked(con, "csat", by=("channel", "team"), grain="quarter", first=date(2026, 4, 1), last=date(2026, 4, 1))
    # Of the macro's cells, those that give hidden ones away are hidden here too.
    assert {(r["channel"], r["team"], r["value"], r["n"]) for r in rows if r["status"] != "suppressed"} <= set(found)
    assert found


def test_on_the_command_line(sample_home: Home) -> None:
    def said(*arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(main, [*arguments, *map(str, sample_home.options)])
        assert result.exit_code == exit_code, result.output
        return result.output

    cut = ("kpis", "--kpi", "csat,first_response_time", "--by", "channel,team")
    rows = json.loads(said(*cut, "--where", "country in (DE, AT)", "--grain", "quarter", "--format", "json"))
    assert {row["kpi_id"] for row in rows} == {"csat", "first_response_time"}
    assert {"channel", "team", "value", "n", "ci_low", "status", "is_final"} <= set(rows[0])
    table = said(*cut, "--from", "2026-05-01", "--compare", "previous")
    assert "channel" in table
    assert "change" in table
    assert "was" in said("explain", "csat")
    assert json.loads(said("explain", "csat", "--against", "2026-02-01", "--format", "json"))["before_start"] == "2026-02-01"
    assert "did you mean 'channel'" in said("kpis", "--kpi", "csat", "--by", "chanel", exit_code=2)
    assert "it is previous, year, or a day" in said("explain", "csat", "--against", "lastyear", exit_code=2)
