"""Risks as tables: what the models say of today's customers, and how good they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.configuration import known_vars
from orchestration.pull.home.tables import put_table
from orchestration.risk import churn, tickets
from orchestration.risk.cases import Cases
from orchestration.risk.churn import Rule
from orchestration.risk.features import matrix
from orchestration.risk.judging import Array
from orchestration.risk.tables import CUSTOMERS, MODELS, OPENINGS, SOURCES, TABLES, TICKETS
from orchestration.risk.trying import Home, Row, Scored, Target, scored
from orchestration.settings.model import Settings

#: Tickets that models learn from, at most: they are fitted to twenty thousand cases, and ten million take 17 GiB.
_MOST_TICKETS = 500_000


@dataclass(frozen=True)
class Frames:
    """The tables int_churn_history, int_churn_today, int_purchase_days and int_ticket_openings, each ordered by day and key."""

    history: pd.DataFrame
    today: pd.DataFrame
    purchases: pd.DataFrame
    #: Those that models learn from, whatever became of them.
    tickets: pd.DataFrame
    open_tickets: pd.DataFrame

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection, most_tickets: int = _MOST_TICKETS) -> Frames:
        """All rows; of more than ``most_tickets`` a half, a quarter, … to learn from, and the open ones beside them.

        Which tickets these are follows from their ids, so that a day's tickets leave those of before.
        """
        ((count,),) = con.execute("select count(*) from journey.int_ticket_openings").fetchall()
        parts = 1
        while count > most_tickets * parts:
            parts *= 2

        def rows(name: str, which: str = "true") -> pd.DataFrame:
            return con.execute(f"select * from journey.{name} where {which} order by {SOURCES[name]}").df()

        return cls(
            rows("int_churn_history"),
            rows("int_churn_today"),
            rows("int_purchase_days"),
            tickets=rows(OPENINGS, f"md5_number_lower(ticket_id) % {parts} = 0"),
            open_tickets=rows(OPENINGS, "is_solved is not true"),
        )


#: Mornings (first ones of months) that are held back, at most.
_HELD_BACK = 3


def write_risk_tables(settings: Settings, frames: Frames, home: Home) -> dict[str, int]:
    """Risks of today's customers and open tickets by models of earlier ones, as tables; returns their rows."""
    knobs = {**known_vars(), **settings.vars}
    rows: dict[str, list[Row]] = {CUSTOMERS: [], TICKETS: [], MODELS: []}
    for name, (models, found) in {
        CUSTOMERS: churn_risks(knobs, frames.history, frames.today, frames.purchases, home),
        TICKETS: ticket_risks(frames.tickets, frames.open_tickets, settings.as_of_instant(), settings.reporting_day, home),
    }.items():
        rows[name] = found
        rows[MODELS] += models
    for name, found in rows.items():
        put_table(pa.Table.from_pylist(found, schema=TABLES[name][1]), name, settings.raw, settings.scratch)
    return {name: len(found) for name, found in rows.items()}


def ticket_risks(
    past: pd.DataFrame, still_open: pd.DataFrame, as_of: datetime, today: date, home: Home
) -> tuple[list[Row], list[Row]]:
    """Rows of the models, and of the open tickets. Models stay the same until another month is over."""
    now, first_of_month = as_of.replace(tzinfo=UTC), today.replace(day=1)
    open_ones = {tickets.MISSED: tickets.waiting(still_open, now), tickets.BAD: tickets.unsolved(still_open, now)}
    models: list[Row] = []
    rows: list[Row] = []
    for target in tickets.targets(past, (first_of_month - date(1970, 1, 1)).days, home.rules):
        own, columns = open_ones[target.name]
        if own.empty and not len(target.cases):
            continue
        found = scored(target, columns, home)
        models += found.models
        unlike = _unlike(own, columns, tickets.oldest_known(target.cases, home.rules)) if target.name == tickets.BAD else {}
        for key, risk, reasons in zip(own["ticket_id"], found.risks, found.reasons, strict=True):
            row: Row = {"ticket_id": key, "target": target.name}
            if key in unlike:
                row["why_not"] = unlike[key]
            elif risk is None:
                row["why_not"] = found.why_not
            else:
                row |= _risk_columns(risk, found.version, reasons)
            rows.append(row)
    return models, sorted(rows, key=lambda row: (row["ticket_id"], row["target"]))


def _unlike(own: pd.DataFrame, columns: dict[str, Array], oldest: float) -> dict[str, str]:
    """Open tickets that are unlike those that the models know, and why."""
    reopened = own["first_solved_at"].notna()
    old = columns["age_days"] > oldest
    found = dict.fromkeys(own["ticket_id"][old], f"open for more than {oldest:.0f} days: too few such tickets were scored")
    return found | dict.fromkeys(own["ticket_id"][reopened], "reopened: the models know tickets before their first solving")


def _risk_columns(risk: float, version: str | None, reasons: list[str | None]) -> Row:
    return {"risk": risk, "version": version, **{f"reason_{place}": text for place, text in enumerate(reasons, 1)}}


def churn_risks(
    knobs: dict[str, Any], history: pd.DataFrame, today: pd.DataFrame, purchases: pd.DataFrame, home: Home
) -> tuple[list[Row], list[Row]]:
    """Rows of the models, and of the customers of today: one for each who is a customer by the rule of today."""
    bought = purchases.assign(day=churn.days_of(purchases, "purchased_on"))[["customer_key", "day"]]
    old_enough = history[history["tenure_days"] >= knobs["churn_min_days"]].reset_index(drop=True)
    mornings = np.unique(churn.days_of(old_enough, "on_date"))
    # The rule stays the same until the end of another month's customers is known.
    days = churn.days_of(history, "judged_on") if len(history) else churn.days_of(today, "on_date")
    until = int(days.max()) if len(days) else 0
    rule = _rule(knobs, bought, until, home)
    basis = churn.basis_of(today, rule)
    models: list[Row] = []
    customers: list[Row] = []
    for name, features in churn.FEATURES.items():
        own = today[basis == name].reset_index(drop=True)
        cases = cases_of(old_enough, rule, name)
        if own.empty and not len(cases):
            continue

        def split(day: int, name: str = name) -> tuple[Cases, Cases]:
            """With the rule as it would have been on that day; what came later is judged by that of today."""
            old, _ = cases_of(old_enough, Rule.of(knobs, bought, day), name).split(day)
            return old, cases_of(old_enough, rule, name).split(day)[1]

        target = Target(
            f"churn by {name}",
            features,
            cases,
            split,
            _held_back_from(mornings, int(knobs["churn_horizon_days"])),
            f"the history is too short: the end of the customers of {len(mornings)} months is known; "
            f"{_needed(int(knobs['churn_horizon_days']))} are needed",
        )
        at_stake = churn.is_at_stake(own, rule, name)
        # Most are lost by the rule already: no model is asked about them.
        is_scored = at_stake & (own["tenure_days"] >= knobs["churn_min_days"]).to_numpy()
        found = scored(target, churn.columns_of(own[is_scored].reset_index(drop=True), rule, name), home)
        models += found.models
        customers += _rows(own, name, found, at_stake, int(knobs["churn_min_days"]))
    return models, sorted(customers, key=lambda row: row["customer_key"])


def cases_of(history: pd.DataFrame, rule: Rule, basis: str) -> Cases:
    """Past customers of one basis who could be lost, with what had become of them by the rule."""
    own = history[(churn.basis_of(history, rule) == basis) & churn.is_at_stake(history, rule, basis)]
    features = churn.FEATURES[basis]
    found = matrix(features, churn.columns_of(own, rule, basis))
    who, _ = pd.factorize(own["customer_key"])
    seen_on, draw = churn.days_of(own, "on_date"), drawn(who, found)
    cases = Cases(
        names=tuple(feature.name for feature in features),
        features=found,
        happened=churn.is_lost(own, rule, basis),
        who=who.astype(np.int64),
        draw=draw,
        seen_on=seen_on,
        judged_on=churn.days_of(own, "judged_on"),
    )
    # An order that does not depend on the keys: sums of other orders differ in the last digit.
    return cases.chosen(np.lexsort((draw, seen_on)))


def drawn(who: np.ndarray[Any, Any], features: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number for each case's person, by the features of their first case (``who`` counts persons by their first case)."""
    _, firsts = np.unique(who, return_index=True)
    hashes = pd.util.hash_pandas_object(pd.DataFrame(features[firsts]), index=False).to_numpy()
    return np.asarray((hashes >> np.uint64(1)).astype(np.int64))[who]


def _held_back_from(mornings: np.ndarray[Any, np.dtype[np.int64]], horizon: int) -> int | None:
    """The first of the newest mornings that are held back: as many as leave one before, of whose customers the end was known."""
    for count in range(_HELD_BACK, 0, -1):
        if len(mornings) > count and (mornings[:-count] + horizon <= mornings[-count]).any():
            return int(mornings[-count])
    return None


def _needed(horizon: int) -> int:
    """Months of which the end is known without which nothing can be held back."""
    return horizon // 30 + 2


def _rule(knobs: dict[str, Any], bought: pd.DataFrame, until: int, home: Home) -> Rule:
    own = bought[bought["day"] < until].sort_values(["customer_key", "day"])
    digest = hashlib.sha256(repr([until, *(knobs[name] for name in ("churn_horizon_days", "activity_window_days"))]).encode())
    digest.update(pd.util.hash_pandas_object(own, index=False).to_numpy().tobytes())
    made_of = digest.hexdigest()
    kept = home.read("rule", made_of)
    if kept is None:
        kept = Rule.of(knobs, bought, until).parameters
        home.keep("rule", made_of, kept and list(kept))
    parameters = tuple(kept) if kept else None
    return Rule(int(knobs["churn_horizon_days"]), int(knobs["activity_window_days"]), float(knobs["churn_p_alive"]), parameters)


def _rows(own: pd.DataFrame, basis: str, found: Scored, at_stake: np.ndarray[Any, Any], least_days: int) -> list[Row]:
    """``found`` has risks of those at stake who are customers for so many days."""
    rows: list[Row] = []
    of_scored = zip(found.risks, found.reasons, strict=True)
    for key, days, is_at_stake in zip(own["customer_key"], own["tenure_days"], at_stake, strict=True):
        row: Row = {"customer_key": key, "basis": basis}
        if days < least_days:
            row["why_not"] = f"a customer for less than {least_days} days"
        elif not is_at_stake:
            # No estimate: the rule says so.
            row["risk"] = 0.0
        else:
            risk, reasons = next(of_scored)
            row |= {"why_not": found.why_not} if risk is None else _risk_columns(risk, found.version, reasons)
        rows.append(row)
    return rows
