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

    ``least`` is the smallest number of people that may be shown, one shows all; ``cuts`` are the facts that show which members
    are in which.
    """
    # An empty backlog is of nobody, which is fewer than one.
    least = least if least > 1 else 0
    # A KPI that is made of a table which is not there has no cell.
    has_gaps, has_changes = _has(con, "journey", "fct_competitor_periods"), _has(con, "kpis", "rate_changes")
    gaps = [_gaps(kpi_id, gap, cases) for kpi_id, (gap, cases, _) in _GAPS.items()] if has_gaps else []
    con.execute(
        f"""
        create or replace temp table judged as
        select
            row_number() over () as cell, *, bit_count(people_bits) as people,
            case when bit_count(people_bits) < {least} then '{TOO_FEW}' end as reason,
            case when bit_count(people_bits) < {least} then 0 end as hidden_at
        from (
            select
                kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member, kpis.n, kpis.people_bits,
                not definitions.is_percentile as adds_up
            from kpis.kpis as kpis
            inner join kpis.kpi_definitions as definitions on kpis.kpi_id = definitions.kpi_id
            where kpis.dimension not in ({texts(OF_PERSONS)}) and kpis.people_bits is not null
            {" ".join(f"union all {cells}" for cells in gaps)}
        )
        """
    )
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


def _gaps(kpi_id: str, gap: str, cases: str) -> str:
    """Who knows a benchmark gets our own number from the gap: its cells are of as many people as answered us at least."""
    return f"""
        select
            kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member, any_value(kpis.n) as n,
            (1::bigint << max(least(benchmarks.{cases}, 60))::bigint) - 1 as people_bits, true as adds_up
        {_cells_of_gaps(kpi_id, gap)}
        group by kpis.kpi_id, kpis.grain, kpis.period_start, kpis.dimension, kpis.member
    """


class _Rounds:
    """Rounds of hiding over ``judged``: each hides what the one before left to be worked out, the last one finds nothing.

    What adds up to what is the same in every round, and written once: tables of cells (`cell`), each beside the one (`whole`)
    that it is a part of with all of its dimension. A step looks only at sums of which a part was hidden since it last looked.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, least: int, has_changes: bool, has_gaps: bool) -> None:
        self._con, self._least, self._has_changes, self._has_gaps = con, least, has_changes, has_gaps
        #: Counts the updates: ``judged.hidden_at`` is the one that hid a cell.
        self._step = 0
        #: The step before which a question to a table of sums has seen everything.
        self._seen: dict[tuple[str, str], int] = {}
        self._sums = [self._written(f"sums_{place}", query) for place, query in enumerate((*_additions(), _NESTED))]

    def _written(self, table: str, query: str) -> str:
        self._con.execute(f"create or replace temp table {table} as {query}")
        return table

    def hide_what_could_be_worked_out(self) -> bool:
        """One round. Returns whether something was hidden."""
        found = [self._hide_more(sums) for sums in self._sums]
        found.append(self._hide_wholes(self._sums[-1]))
        if self._has_changes:
            found.append(self._hide_changes())
        if self._has_gaps:
            found += [self._hide_gaps(kpi_id, gap, own) for kpi_id, (gap, _, own) in _GAPS.items()]
        return any(found)

    def _update(self, rest: str) -> bool:
        """Hide the cells that the rest of an update names. Returns whether there were any."""
        self._step += 1
        ((count,),) = self._con.execute(f"update judged set reason = '{REVEALS}', hidden_at = {self._step} {rest}").fetchall()
        return bool(count)

    def _parts(self, sums: str, asked_for: str) -> str:
        """The parts of shown sums of which one was hidden since this was last asked, as SQL."""
        since = self._seen.get((sums, asked_for), -1)
        self._seen[sums, asked_for] = self._step
        return f"""
            select sums.whole, parts.*
            from (
                select distinct sums.whole, sums.dimension
                from {sums} as sums
                inner join judged as parts on sums.cell = parts.cell
                where parts.hidden_at > {since}
            ) as changed
            inner join {sums} as sums on changed.whole = sums.whole and changed.dimension = sums.dimension
            inner join judged as parts on sums.cell = parts.cell
            inner join judged as wholes on sums.whole = wholes.cell
            where wholes.reason is null
        """

    def _hide_more(self, sums: str) -> bool:
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
                    count(reason) over (partition by whole, dimension) as hidden
                from ({self._parts(sums, "more")})
                window by_size as (
                    partition by whole, dimension
                    order by case when reason is null then 1 else 0 end, people, n, member, period_start
                )
            ) as ordered
            where judged.cell = ordered.cell and ordered.known is null and ordered.hidden > 0
                and (ordered.people_before < {self._least} or ordered.place = 2)
            """
        )

    def _hide_wholes(self, sums: str) -> bool:
        """Hide what is shown of parts that are all hidden, where they are one or too few people."""
        return self._update(
            f"""
            from (
                select distinct whole
                from ({self._parts(sums, "wholes")})
                group by whole, dimension
                having count(reason) = count(*) and (count(*) = 1 or bit_count(bit_or(people_bits)) < {self._least})
            ) as hidden
            where judged.cell = hidden.whole
            """
        )

    def _hide_changes(self) -> bool:
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

    def _hide_gaps(self, kpi_id: str, gap: str, own: str) -> bool:
        """Hide the gap to a single benchmark of a month in which our own number is hidden."""
        return self._update(
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


def _additions() -> Iterator[str]:
    """Cells that add up to another one, as SQL: the members of a dimension to the whole, periods to a longer one."""
    yield _sums("parts.dimension <> 'all' and wholes.dimension = 'all'", "grain", "period_start")
    for grain, longer_ones in _PERIODS.items():
        for longer in longer_ones:
            start = "null::date" if longer == "all" else f"date_trunc('{longer}', parts.period_start)::date"
            grains = f"parts.grain = '{grain}' and parts.adds_up and wholes.grain = '{longer}'"
            yield _sums(f"{grains} and wholes.period_start is not distinct from ({start})", "dimension", "member")


def _sums(condition: str, *shared: str) -> str:
    """Parts and wholes of one KPI that share columns and meet a condition."""
    joined = " and ".join(f"parts.{column} is not distinct from wholes.{column}" for column in shared)
    return f"""
        select parts.cell, parts.dimension, wholes.cell as whole
        from judged as parts
        inner join judged as wholes on parts.kpi_id = wholes.kpi_id and {joined}
        where {condition}
    """


#: Cells that one of another dimension consists of.
_NESTED = """
    select parts.cell, parts.dimension, wholes.cell as whole
    from nested
    inner join judged as wholes
        on nested.kpi_id = wholes.kpi_id and nested.whole_dimension = wholes.dimension and nested.whole = wholes.member
    inner join judged as parts
        on nested.kpi_id = parts.kpi_id and nested.part_dimension = parts.dimension and nested.part = parts.member
        and wholes.grain = parts.grain and wholes.period_start is not distinct from parts.period_start
"""
