"""Which cells of the KPIs are of too few people to be shown, and which others would give them away.

A cell's people are stored in ``kpis.people_bits``, one bit for each of sixty groups that people fall into by a hash: as many bits
as are set, so many people there are at least. Sets of people add up by their bits, over members and periods.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from orchestration.publish.nesting import Cut, write_nested

TOO_FEW, REVEALS = "fewer people than min_people", "would reveal a suppressed number"
#: The dimensions whose members are persons: their rows are not among the marts.
OF_PERSONS = ("agent",)
#: Where a shown total lets the missing part be worked out: parts of a longer period.
_PERIODS = {"day": ("week", "month"), "month": ("quarter",), "quarter": ("all",)}
#: KPIs that are the difference of another one's number and an earlier one, by that KPI and by what it is compared with.
_CHANGES = {("csat", "previous period"): "satisfaction_change", ("csat", "last year"): "satisfaction_change_year"}
#: KPIs that are the difference of ours and a competitor's number: column of the gap, of our cases, and our own KPI.
_GAPS = {
    "competitor_gap": ("stars_gap", "own_reviews", "review_score"),
    "competitor_gap_nps": ("nps_gap", "own_answers", "nps"),
}


def texts(words: tuple[str, ...]) -> str:
    """As a list of SQL."""
    return ", ".join(f"'{word}'" for word in words)


def same_cell(table: str, other: str = "judged") -> str:
    """The condition that rows of two tables are about one cell of one KPI."""
    return (
        f"{table}.kpi_id = {other}.kpi_id and {table}.grain = {other}.grain and {table}.dimension = {other}.dimension "
        f"and {table}.member = {other}.member and {table}.period_start is not distinct from {other}.period_start"
    )


def judged_changes() -> str:
    """Changes of rates as SQL, each with whether one of its two numbers is hidden (`is_hidden`)."""
    return f"""
        select changes.*, judged.reason is not null or before.reason is not null as is_hidden
        from kpis.rate_changes as changes
        left join judged on {same_cell("changes")}
        left join judged as before
            on changes.kpi_id = before.kpi_id and changes.grain = before.grain and changes.dimension = before.dimension
            and changes.member = before.member
            and before.period_start = case
                when changes.comparison = 'previous period' and changes.grain = 'week' then changes.period_start - 7
                when changes.comparison = 'previous period' and changes.grain = 'month'
                    then (changes.period_start - interval 1 month)::date
                when changes.comparison = 'previous period' then (changes.period_start - interval 3 month)::date
                when changes.grain = 'week' then changes.period_start - 364
                else (changes.period_start - interval 12 month)::date
            end
        where changes.dimension not in ({texts(OF_PERSONS)})
    """


def judge(con: duckdb.DuckDBPyConnection, least: int, cuts: list[Cut]) -> None:
    """Write the temporary table ``judged``: every cell that counts people, each with the `reason` for which it is hidden.

    ``least`` is the smallest number of people that may be shown; ``cuts`` are the facts that show which members are in which.
    """
    con.execute(
        f"""
        create or replace temp table judged as
        select
            kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member, kpis.n, kpis.people_bits,
            bit_count(kpis.people_bits) as people, not definitions.is_percentile as adds_up,
            case when bit_count(kpis.people_bits) < {least} then '{TOO_FEW}' end as reason
        from kpis.kpis as kpis
        inner join kpis.kpi_definitions as definitions on kpis.kpi_id = definitions.kpi_id
        where kpis.dimension not in ({texts(OF_PERSONS)}) and kpis.people_bits is not null
        """
    )
    # A KPI that is made of a table which is not there has no cell.
    has_gaps, has_changes = _has(con, "journey", "fct_competitor_periods"), _has(con, "kpis", "rate_changes")
    for kpi_id, (gap, cases, _) in _GAPS.items() if has_gaps else ():
        _add_gaps(con, least, kpi_id, gap, cases)
    write_nested(con, cuts, OF_PERSONS)
    rounds = _Rounds(con, least, has_changes, has_gaps)
    while rounds.hide_what_could_be_worked_out():
        pass


def _has(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = con.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone()
    return bool(found and found[0])


def _cells_of_gaps(kpi_id: str, gap: str) -> str:
    """Cells of a gap to competitors, each with the benchmarks that it is of, as SQL."""
    return f"""
        from kpis.kpis as kpis
        inner join journey.fct_competitor_periods as benchmarks
            on (kpis.grain = 'all' or date_trunc(kpis.grain, benchmarks.starts_on)::date = kpis.period_start)
            and kpis.member = case kpis.dimension
                when 'competitor' then benchmarks.competitor when 'source' then benchmarks.source
                when 'category' then benchmarks.category else 'all' end
        where kpis.kpi_id = '{kpi_id}' and benchmarks.{gap} is not null
    """


def _add_gaps(con: duckdb.DuckDBPyConnection, least: int, kpi_id: str, gap: str, cases: str) -> None:
    """Who knows a benchmark gets our own number from the gap: its cells are of as many people as answered us at least."""
    con.execute(
        f"""
        insert into judged
        select *, bit_count(people_bits), true, case when bit_count(people_bits) < {least} then '{TOO_FEW}' end
        from (
            select
                kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member, any_value(kpis.n) as n,
                (1::bigint << max(least(benchmarks.{cases}, 60))::bigint) - 1 as people_bits
            {_cells_of_gaps(kpi_id, gap)}
            group by kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member
        )
        """
    )


class _Rounds:
    """Rounds of hiding over ``judged``: each hides what the one before left to be worked out, the last one finds nothing."""

    def __init__(self, con: duckdb.DuckDBPyConnection, least: int, has_changes: bool, has_gaps: bool) -> None:
        self._con, self._least, self._has_changes, self._has_gaps = con, least, has_changes, has_gaps
        #: The KPIs of which something was hidden in the round before: no other has anything new to be worked out.
        self._kpis: set[str] | None = None

    def hide_what_could_be_worked_out(self) -> bool:
        """One round. Returns whether something was hidden."""
        found = set[str]()
        for condition in (*self._additions(), _parts_of_shown("whole, dimension")):
            found |= self._hide_more(*condition)
        found |= self._hide_wholes()
        found |= self._hide_changes() if self._has_changes else set()
        found |= self._hide_gaps() if self._has_gaps else set()
        self._kpis = found
        return bool(found)

    def _additions(self) -> Iterator[tuple[str, str]]:
        """Cells that add up to a shown one, as SQL, and the columns that those which add up have in common."""
        members, whole = "{t}.dimension <> 'all'", "{t}.dimension = 'all'"
        yield _parts("grain, period_start, dimension", "grain, period_start", members, whole)
        for grain, parents in _PERIODS.items():
            for parent in parents:
                start = "null::date" if parent == "all" else f"date_trunc('{parent}', period_start)::date"
                part = f"{{t}}.grain = '{grain}' and {{t}}.adds_up"
                yield _parts(f"dimension, member, {start}", "dimension, member", part, f"{{t}}.grain = '{parent}'", start)

    def _update(self, rest: str) -> set[str]:
        """Hide the cells that the rest of an update names. Returns their KPIs."""
        rows = self._con.execute(f"update judged set reason = '{REVEALS}' {rest} returning kpi_id").fetchall()
        return {kpi_id for (kpi_id,) in rows}

    def _touched(self, table: str) -> str:
        return "true" if self._kpis is None else f"{table}.kpi_id in ({texts(tuple(sorted(self._kpis)))})"

    def _hide_more(self, cells: str, together: str) -> set[str]:
        """Of cells that add up to a shown one, hide further ones, those of fewest people first, until the hidden ones are two
        and of enough people together.
        """
        return self._update(
            f"""
            from (
                select
                    cell, reason as known,
                    row_number() over by_size as place,
                    coalesce(bit_count(bit_or(people_bits) over (by_size rows between unbounded preceding and 1 preceding)), 0)
                        as people_before,
                    count(reason) over (partition by {together}) as hidden
                from ({cells} and {self._touched("parts")})
                window by_size as (
                    partition by {together}
                    order by case when reason is null then 1 else 0 end, people, n, member, period_start
                )
            ) as ordered
            where judged.rowid = ordered.cell and ordered.known is null and ordered.hidden > 0
                and (ordered.people_before < {self._least} or ordered.place = 2)
            """
        )

    def _hide_wholes(self) -> set[str]:
        """Hide what is shown of parts that are all hidden, where they are one or too few people."""
        cells, together = _parts_of_shown("whole, dimension")
        return self._update(
            f"""
            from (
                select distinct whole
                from ({cells} and {self._touched("parts")})
                group by {together}
                having count(reason) = count(*) and (count(*) = 1 or bit_count(bit_or(people_bits)) < {self._least})
            ) as hidden
            where judged.rowid = hidden.whole
            """
        )

    def _hide_changes(self) -> set[str]:
        """Hide the change from or to a hidden number: with the other number it would give that one away."""
        pairs = ", ".join(f"('{kpi_id}', '{than}', '{change}')" for (kpi_id, than), change in _CHANGES.items())
        return self._update(
            f"""
            from ({judged_changes()}) as changes
            inner join (values {pairs}) as pairs (kpi_id, comparison, change_id)
                on changes.kpi_id = pairs.kpi_id and changes.comparison = pairs.comparison
            where changes.is_hidden and judged.reason is null and judged.kpi_id = pairs.change_id
                and changes.grain = judged.grain and changes.dimension = judged.dimension
                and changes.member = judged.member and changes.period_start = judged.period_start
            """
        )

    def _hide_gaps(self) -> set[str]:
        """Hide the gap to a single benchmark of a month in which our own number is hidden."""
        found = set[str]()
        for kpi_id, (gap, _, own) in _GAPS.items():
            found |= self._update(
                f"""
                from (
                    select distinct
                        kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member, benchmarks.starts_on,
                        kpis.n as benchmarks
                    {_cells_of_gaps(kpi_id, gap)}
                ) as gaps
                inner join judged as ours
                    on ours.kpi_id = '{own}' and ours.grain = 'month' and ours.dimension = 'all'
                    and ours.period_start = date_trunc('month', gaps.starts_on)::date
                where {same_cell("gaps")} and gaps.benchmarks = 1 and ours.reason is not null and judged.reason is null
                """
            )
        return found


def _parts(together: str, same: str, parts: str, totals: str, start: str | None = None) -> tuple[str, str]:
    """Parts of shown totals; ``parts`` and ``totals`` are conditions on the cells of `{t}`, ``same`` the columns they share."""
    joined = " and ".join(f"parts.{column} is not distinct from totals.{column}" for column in same.split(", "))
    if start is not None:
        joined += f" and ({start.replace('period_start', 'parts.period_start')}) is not distinct from totals.period_start"
    cells = f"""
        select parts.*, parts.rowid as cell
        from judged as parts
        inner join judged as totals on parts.kpi_id = totals.kpi_id and {joined}
        where {parts.format(t="parts")} and {totals.format(t="totals")} and totals.reason is null
    """
    return cells, f"kpi_id, {together}"


def _parts_of_shown(together: str) -> tuple[str, str]:
    """Cells that a shown one of another dimension consists of, each with that one's row."""
    cells = """
        select parts.*, parts.rowid as cell, wholes.rowid as whole
        from nested
        inner join judged as wholes
            on nested.kpi_id = wholes.kpi_id and nested.whole_dimension = wholes.dimension and nested.whole = wholes.member
        inner join judged as parts
            on nested.kpi_id = parts.kpi_id and nested.part_dimension = parts.dimension and nested.part = parts.member
            and wholes.grain = parts.grain and wholes.period_start is not distinct from parts.period_start
        where wholes.reason is null
    """
    return cells, together
