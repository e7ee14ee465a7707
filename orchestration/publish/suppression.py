"""Numbers of too few people are not shown in the marts, nor those from which they could be worked out.

The warehouse keeps every number: suppressed is what readers get.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from orchestration.publish.hidden_cells import OF_PERSONS, judge, judged_changes, same_cell, texts
from orchestration.publish.nesting import Cut

#: The status of what is not shown.
SUPPRESSED = "suppressed"
#: Columns that a table has in the marts only.
ADDED = {"kpis": {"suppression": "Why the numbers are not shown (status suppressed); null where they are."}}
#: Tables whose rows are shown or not as those of the KPIs are.
_DEPENDENTS = {"rate_changes", "team_scorecard", "quality_baselines"}


def with_dependents(unchanged: frozenset[str]) -> frozenset[str]:
    """Tables that can stay as they are published: none that is shown by KPIs which have changed."""
    return unchanged if "kpis" in unchanged else unchanged - _DEPENDENTS


class Suppression:
    """What the marts show of the tables on a connection to the warehouse, with a limit of people."""

    def __init__(self, con: duckdb.DuckDBPyConnection, min_people: int, cuts: list[Cut] | None = None) -> None:
        self._con, self._least, self._cuts = con, min_people, cuts or []
        self._is_judged = False

    def shown(self, table: str) -> str | None:
        """A table as the marts show it, as SQL: the columns of the model and those ``ADDED``; none where it is shown whole."""
        rules = self._rules()
        if table not in rules:
            return None
        if not self._is_judged:
            judge(self._con, self._least, self._cuts)
            self._is_judged = True
        return rules[table]()

    def hides(self, table: str) -> bool:
        """Can a row of a table be shown or not for what other rows say?"""
        return table in self._rules()

    def _rules(self) -> dict[str, Callable[[], str]]:
        return {
            "kpis": self._kpis,
            "rate_changes": self._rate_changes,
            "team_scorecard": self._team_scorecard,
            "quality_baselines": self._quality_baselines,
            "alerts": self._alerts,
            "marketplace_compliance": self._marketplace_compliance,
            "clv_calibration": self._clv_calibration,
            "pain_points": self._pain_points,
        }

    # -- what is shown of each table -----------------------------------------------------------------------------------

    def _kpis(self) -> str:
        numbers = ("numerator", "denominator", "value", "n", "n_pending", "ci_low", "ci_high")
        return f"""
            select
                kpis.* replace ({_nulled("kpis", "judged.reason is not null", *numbers)},
                    case when judged.reason is not null then '{SUPPRESSED}' else kpis.status end as status),
                judged.reason as suppression
            from kpis.kpis as kpis
            left join judged on {same_cell("kpis")}
            where kpis.dimension not in ({texts(OF_PERSONS)})
        """

    def _rate_changes(self) -> str:
        hidden = "changes.is_hidden"
        numbers = ("answers", "value", "earlier_answers", "earlier_value", "change", "variance", "n", "z", "p_value")
        return f"""
            select
                changes.* exclude (is_hidden) replace ({_nulled("changes", hidden, *numbers)},
                    case when {hidden} then '{SUPPRESSED}' else changes.trend end as trend)
            from ({judged_changes()}) as changes
        """

    def _team_scorecard(self) -> str:
        columns = [row[0] for row in self._con.execute("describe kpis.team_scorecard").fetchall()]
        kpis = {row[0] for row in self._con.execute("select kpi_id from kpis.kpi_definitions").fetchall()}
        hidden = []
        for column in columns:
            whose = column.removesuffix("_n").removesuffix("_ci_low").removesuffix("_ci_high")
            if kpi := next((name for name in (column, whose) if name in kpis), None):
                hidden.append(_nulled("cards", f"coalesce(list_contains(hidden.kpis, '{kpi}'), false)", column))
        replaced = f"replace ({', '.join(hidden)})" if hidden else ""
        return f"""
            select cards.* {replaced}
            from kpis.team_scorecard as cards
            left join (
                select grain, period_start, member, list(kpi_id) as kpis
                from judged
                where dimension = 'team' and reason is not null
                group by all
            ) as hidden
                on cards.grain = hidden.grain and cards.team = hidden.member
                and cards.period_start is not distinct from hidden.period_start
        """

    def _quality_baselines(self) -> str:
        return f"""
            select points.* replace ({_nulled("points", "judged.reason is not null", "value", "n", "is_anomaly")})
            from practices.quality_baselines as points
            left join judged
                on points.kpi_id = judged.kpi_id and points.grain = judged.grain and points.period_start = judged.period_start
                and judged.dimension = 'all'
        """

    def _alerts(self) -> str:
        """Those of a number that is not shown, and of persons, are not among the marts; nor are they sent."""
        return f"""
            select alerts.*
            from practices.alerts as alerts
            left join judged
                on alerts.subject = judged.kpi_id and alerts.grain = judged.grain and alerts.dimension = judged.dimension
                and alerts.member = judged.member and alerts.period_start is not distinct from judged.period_start
            left join practices.marketplace_compliance as rules
                on alerts.kind = 'policy' and alerts.subject = concat(rules.marketplace, ': ', rules.policy)
            where judged.reason is null
                and coalesce(alerts.dimension, '') not in ({texts(OF_PERSONS)})
                and coalesce(rules.cases >= {self._least}, true)
                and (alerts.kind <> 'risk' or alerts.affected_rows >= {self._least})
        """

    def _marketplace_compliance(self) -> str:
        hidden = f"rules.cases between 1 and {self._least - 1}"
        numbers = ("cases", "bad_cases", "unknown_cases", "actual", "headroom_cases")
        return f"""
            select
                rules.* replace ({_nulled("rules", hidden, *numbers)},
                    case when {hidden} then '{SUPPRESSED}' else rules.status end as status)
            from practices.marketplace_compliance as rules
        """

    def _clv_calibration(self) -> str:
        """Groups of customers by what they bought, and all of them: one hidden group takes the next smallest with it."""
        hidden = f"purchase_days_before <> 'all' and (customers < {self._least} or (hidden > 0 and "
        hidden += f"(coalesce(customers_before, 0) < {self._least} or place = 2)))"
        return f"""
            select * exclude (place, hidden, customers_before)
                replace ({_nulled("groups", hidden, "customers", "predicted_per_customer", "actual_per_customer")})
            from (
                select
                    *,
                    row_number() over by_size as place,
                    count(*) filter (where customers < {self._least}) over (partition by purchase_days_before = 'all') as hidden,
                    sum(customers) over (by_size rows between unbounded preceding and 1 preceding) as customers_before
                from kpis.clv_calibration
                window by_size as (partition by purchase_days_before = 'all' order by customers, purchase_days_before)
            ) as groups
        """

    def _pain_points(self) -> str:
        """A topic of too few people is not shown. Of its members and months those of too few are hidden, and with them the next
        smallest, if the others and the whole could reveal what is hidden.
        """
        whole = "grain = 'all' and dimension = 'all'"
        topics = f"select topic_id from practices.pain_points where {whole} and people >= {self._least}"
        hidden = f"is_part and people > 0 and (people < {self._least} or (hidden > 0 and "
        hidden += f"(coalesce(people_before, 0) < {self._least} or place = 2)))"
        numbers = (
            *("texts", "share", "people", "csat_n", "csat", "rest_csat_n", "rest_csat", "polarity_n", "polarity"),
            *("rest_polarity_n", "rest_polarity", "share_before", "dispersion", "z", "p_value", "p_adjusted"),
        )
        return f"""
            select * exclude (is_part, place, hidden, people_before)
                replace (
                    {_nulled("points", hidden, *numbers)},
                    case when {hidden} and trend is not null then '{SUPPRESSED}' else trend end as trend
                )
            from (
                select
                    *,
                    not ({whole}) as is_part,
                    row_number() over by_size as place,
                    count(*) filter (where people < {self._least} and people > 0) over (partition by topic_id, grain, dimension)
                        as hidden,
                    sum(people) over (by_size rows between unbounded preceding and 1 preceding) as people_before
                from practices.pain_points
                where topic_id in ({topics})
                window by_size as (partition by topic_id, grain, dimension order by people = 0, people, member, period_start)
            ) as points
        """


def _nulled(table: str, hidden: str, *columns: str) -> str:
    return ", ".join(f'case when {hidden} then null else {table}."{column}" end as "{column}"' for column in columns)
