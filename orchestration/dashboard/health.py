"""Pages of what wants attention: marketplace rules, alerts, and the state of the data."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from orchestration.dashboard.alerts import in_words
from orchestration.dashboard.blocks import Block, Cards, Chart, Table
from orchestration.dashboard.charts import GREY, RED, bars, lines
from orchestration.dashboard.kpi import TOO_FEW, kpis_of
from orchestration.published.display import format_value
from orchestration.published.marts import Marts, View, period_name
from orchestration.runs.alerts import BY_SEVERITY

#: What fits on a page; the tables have all.
_ALERTS, _ARRIVALS, _FILES = 200, 60, 200
_MERGED = (
    "Merged rows carry no record of their own: such as the second line of an order, or what a contract leaves out. "
    "Read = loaded + merged + in quarantine."
)


def compliance(marts: Marts, view: View) -> list[Block]:
    """The policies, and the KPIs behind their rules."""
    policies = marts.rows("select * from marketplace_compliance order by marketplace, policy")
    units = {name: definition["unit"] for name, definition in marts.definitions.items()}
    rows = [
        [
            policy["marketplace"],
            policy["policy"],
            policy["status"].replace("_", " ") + (f": needs {policy['missing_export']}" if policy["missing_export"] else ""),
            format_value(policy["actual"], units.get(policy["rule"], "")),
            f"{policy['comparison']} {format_value(policy['limit_value'], units.get(policy['rule'], ''))}",
            TOO_FEW
            if policy["cases"] is None
            else f"{policy['bad_cases']:,} of {policy['cases']:,}"
            + (f", {policy['unknown_cases']:,} unknown" if policy["unknown_cases"] else ""),
            "" if policy["headroom_cases"] is None else f"{policy['headroom_cases']:,}",
            f"{policy['window_days']}",
        ]
        for policy in policies
    ]
    kpis = kpis_of(marts, view)
    columns = ["marketplace", "policy", "state", "value", "rule", "bad cases", "headroom", "days"]
    return [
        Table(
            "Rules",
            columns,
            rows,
            numbers=("value", "rule", "bad cases", "headroom", "days"),
            note="Headroom: how many more bad cases it takes to break the rule; negative, how many there are too many. "
            "Undecided: what no export tells of could turn it.",
            empty="No rule: see the seed marketplace_policies.",
            is_whole=True,
        ),
        Cards([kpis[rule] for rule in dict.fromkeys(policy["rule"] for policy in policies) if rule in kpis]),
    ]


def alerts(marts: Marts, view: View) -> list[Block]:
    """Open alerts, the most severe first, then the newest."""
    found = marts.rows(f"select * from alerts where closed_at is null order by {BY_SEVERITY} limit $alerts", alerts=_ALERTS)
    closed = marts.rows("select count(*) as n from alerts where closed_at is not null")[0]["n"]
    rows = []
    for alert in found:
        words = in_words(marts, alert)
        rows.append(
            [
                alert["severity"],
                words.what,
                period_name(alert["grain"], alert["period_start"]) if alert["grain"] else "",
                words.value,
                words.limit,
                f"{alert['affected_rows']:,}" if alert["affected_rows"] else "",
                _instant(alert["raised_at"]),
                alert["kind"],
                alert["case_query"] or "",
            ]
        )
    return [
        Table(
            "Alerts",
            ["severity", "what", "period", "value", "limit", "cases", "since (UTC)", "kind", "query"],
            rows,
            numbers=("value", "limit", "cases"),
            code=("query",),
            note=" ".join(
                [
                    *([f"The first {_ALERTS}; the table alerts has all."] if len(found) == _ALERTS else []),
                    *([f"{closed:,} closed: what a later run passed. The table alerts has them."] if closed else []),
                ]
            ),
            is_whole=True,
            empty="Nothing wants attention.",
        )
    ]


def alert_groups(home: Path, today: date) -> Table:
    """The alerts by cause, as messages and `cxhouse alerts` have them: whose each is, and whether it is new."""
    from orchestration.runs.alert_groups import remembered_groups

    rows = [
        [
            group.state,
            group.severity,
            group.text,
            group.owner,
            f"{group.since}",
            f"{group.snoozed_until}" if group.is_snoozed(today) else "",
            group.key,
        ]
        for group in remembered_groups(home, today)
    ]
    return Table(
        "Owners and state",
        ["state", "severity", "what", "owner", "since", "silent until", "alert"],
        rows,
        note="By cause. Owners: the setting `alert_owners`. To keep one silent: `cxhouse alerts snooze ALERT`.",
        empty="Nothing wanted attention in the last month.",
        is_whole=True,
    )


def data_health(marts: Marts, view: View) -> list[Block]:
    """The run's gates, every file's rows, quarantine over arrivals, and the newest arrival of each export."""
    return [_gates(marts), _sources(marts), _freshness(marts), *_quarantine(marts), _files(marts)]


def _gates(marts: Marts) -> Table:
    found = marts.rows("select * from gate_results order by passed, gate, expectation")
    failed = sum(not row["passed"] for row in found)
    rows = [
        [
            row["gate"],
            row["expectation"],
            "met" if row["passed"] else row["severity"],
            f"{row['failed_rows']:,}" if row["failed_rows"] else "",
        ]
        for row in found
    ]
    return Table(
        f"Gates of this version: {len(found) - failed} of {len(found)} expectations met",
        ["gate", "expectation", "result", "rows"],
        rows,
        numbers=("rows",),
        note="What did not pass here was a warning: a gate that blocks would have kept this version back.",
    )


def _freshness(marts: Marts) -> Table:
    found = marts.rows(
        """
        select
            kind, count(*) as files, max(landed_at) as landed_at, sum(rows_read) as rows_read,
            sum(rows_quarantined) as rows_quarantined, sum(rows_merged) as rows_merged
        from load_ledger
        group by kind
        order by kind
        """
    )
    rows = [
        [
            row["kind"] or "not claimed",
            f"{row['files']:,}",
            _instant(row["landed_at"]),
            f"{row['rows_read'] or 0:,}",
            f"{row['rows_merged'] or 0:,}",
            f"{row['rows_quarantined'] or 0:,}",
            format_value((row["rows_quarantined"] or 0) / row["rows_read"], "rate") if row["rows_read"] else "",
        ]
        for row in found
    ]
    columns = ["export", "files", "newest arrival (UTC)", "rows read", "merged", "in quarantine", "share"]
    return Table("Exports", columns, rows, numbers=("files", "rows read", "merged", "in quarantine", "share"), note=_MERGED)


def _sources(marts: Marts) -> Table:
    rows = [
        [
            row["source"],
            row["problem"] or "read",
            _instant(row["asked_at"]),
            _instant(row["listed_at"]) or "never",
            _instant(row["newest_landed_at"]) or "none",
            f"{row['files'] or 0:,}",
        ]
        for row in marts.rows("select * from load_sources order by problem is null, source")
    ]
    columns = ["source", "state", "last asked (UTC)", "last read (UTC)", "newest file (UTC)", "files"]
    note = "Where exports come from. What is published of a source that cannot be read is as old as its newest file."
    return Table("Sources", columns, rows, numbers=("files",), note=note)


def _quarantine(marts: Marts) -> list[Block]:
    found = marts.rows(
        """
        select
            cast(date_trunc('hour', landed_at) as varchar) as arrival,
            sum(rows_loaded) as loaded,
            sum(rows_quarantined) as quarantined
        from load_ledger
        where rows_read > 0
        group by all
        order by arrival desc
        limit $arrivals
        """,
        arrivals=_ARRIVALS,
    )[::-1]
    arrivals = [row["arrival"] for row in found]
    shares = [row["quarantined"] / ((row["loaded"] + row["quarantined"]) or 1) for row in found]
    rows = bars(
        arrivals,
        {"loaded": [row["loaded"] for row in found], "in quarantine": [row["quarantined"] for row in found]},
        {"loaded": GREY, "in quarantine": RED},
        stacked=True,
        xaxis={"type": "category"},
    )
    share = lines(arrivals, {"share": shares}, xaxis={"type": "category"}, yaxis={"tickformat": ".1%", "rangemode": "tozero"})
    return [Chart("Rows by arrival", rows), Chart("Share in quarantine by arrival", share)]


def _files(marts: Marts) -> Table:
    found = marts.rows("select * from load_ledger order by landed_at desc, file limit $files", files=_FILES)
    rows = [
        [
            row["file"],
            row["contract"] or "",
            row["status"] + (f": {row['reason']}" if row["reason"] else ""),
            _instant(row["landed_at"]),
            *(f"{row[name] or 0:,}" for name in ("rows_read", "rows_loaded", "rows_merged", "rows_quarantined")),
            "" if row["records"] is None else f"{row['records']:,} {row['kind'].replace('_', ' ')}",
        ]
        for row in found
    ]
    columns = ["file", "contract", "state", "arrived (UTC)", "read", "loaded", "merged", "in quarantine", "records"]
    note = f"The newest {_FILES}; the table load_ledger has all. " if len(found) == _FILES else ""
    note += "Records: different ones among the rows loaded; the others repeat a record or are versions of it."
    return Table("Files", columns, rows, numbers=("read", "loaded", "merged", "in quarantine", "records"), note=note)


def _instant(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else ""
