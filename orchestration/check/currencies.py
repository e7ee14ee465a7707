"""Amounts in a currency for which no rate is there: a run leaves their value unknown."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.check.report import Doubt
from orchestration.check.trial import Tried
from orchestration.configuration import known_vars
from orchestration.core.connections import connect
from orchestration.core.literals import literals
from orchestration.settings.model import Settings

#: Kinds whose amounts are converted, and the day that decides.
_DAYS = {"orders": "ordered_at", "costs": "cost_date"}
_MOST = 4


def doubts_of_currencies(tried: list[Tried], settings: Settings) -> Iterator[tuple[Tried, Doubt]]:
    """Files with such amounts. Rates are those of the files that are looked at, and those that the home has."""
    loaded = [one for one in tried if one.loaded is not None]
    asking = [one for one in loaded if one.job.contract.kind in _DAYS and "currency" in one.job.contract.columns]
    if not asking:
        return
    most = settings.vars.get("exchange_rate_max_days", known_vars()["exchange_rate_max_days"])
    new = [one.loaded for one in loaded if one.job.contract.kind == "exchange_rates" and one.loaded is not None]
    paths = [str(path) for path in (*new, *sorted((settings.raw / "exchange_rates").glob("*.parquet")))]
    with connect() as con:
        con.execute("create temp table rates (base_currency varchar, currency varchar, rate_date date)")
        if paths:
            con.execute(
                "insert into rates select upper(base_currency), upper(currency), rate_date "
                f"from read_parquet([{literals(paths)}], union_by_name = true)"
            )
            con.execute("insert into rates select distinct base_currency, base_currency, rate_date from rates")
        for one in asking:
            assert one.loaded is not None
            query = _WITHOUT.format(day=_DAYS[one.job.contract.kind], most=int(most))
            found = con.execute(query, [str(one.loaded), settings.currency]).fetchall()
            if found:
                yield one, _doubt(found, settings.currency, bool(paths))


def _doubt(found: list[tuple[str, int, int]], reporting: str, are_there_rates: bool) -> Doubt:
    currencies = ", ".join(f"{currency} ({rows:,} rows)" for currency, rows, _ in found[:_MOST])
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    first = min(row for _, _, row in found)
    lacking = f"no rate to {reporting} of those days is" if are_there_rates else "no exchange rates are"
    return Doubt(
        "currency",
        f"is {currencies}{more} (first: row {first}), and {lacking} there: these amounts are unknown in {reporting} until "
        "exchange_rates are among the exports (docs/money.md); or set `currency` in cxhouse.yml",
    )


#: What is no code is another doubt. A day of UTC may be the next one or the one before where it is reported.
_WITHOUT = """
    with used as (
        select upper(trim(currency)) as currency, cast({day} as date) as day, count(*) as rows, min(_row) as first_row
        from read_parquet($1)
        where regexp_full_match(trim(currency), '[A-Za-z]{{3}}')
        group by all
    ),
    served as (
        select quoted.currency, quoted.rate_date
        from rates as quoted
        inner join rates as reporting using (base_currency, rate_date)
        where reporting.currency = $2
    )
    select currency, cast(sum(rows) as bigint), min(first_row)
    from used
    where currency <> $2 and not exists (
        select 1 from served
        where served.currency = used.currency and used.day between served.rate_date - 1 and served.rate_date + {most} + 1
    )
    group by currency
    order by 2 desc, 1
"""
