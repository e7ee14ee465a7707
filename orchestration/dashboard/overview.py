"""The first page: in ten seconds what is wrong, what drives it, and what changed."""

from __future__ import annotations

from orchestration.dashboard.blocks import Block, Cards, Finding, Findings
from orchestration.dashboard.drivers import change_driver, miss_driver
from orchestration.dashboard.families import families
from orchestration.dashboard.kpi import Kpi, kpis_of
from orchestration.published.display import format_value
from orchestration.published.marts import ALL, Marts, Row, View, period_name
from orchestration.query.change import LEVEL, adjusted
from orchestration.runs.alerts import BY_SEVERITY

#: What a reader takes in; the pages have all.
_MISSES, _CHANGES, _WATCHED = 6, 6, 6
#: Headroom up to this share of the bad cases that a policy allows is little.
_LITTLE = 0.2
_COMPARED = {">=": "at least", "<=": "at most", "<": "below", ">": "above", "=": "exactly"}


def overview(marts: Marts, view: View) -> list[Block]:
    """The headline KPIs; missed targets with their drivers, policies and unusual values; what became worse, and what better."""
    kpis = kpis_of(marts, view)
    together = families(kpis.values())
    chances = adjusted([kpi.p_value for kpi in together])
    changed = [kpi for kpi, p in zip(together, chances, strict=True) if p is not None and p < LEVEL]
    changed.sort(key=_size_of_change, reverse=True)
    worse, better = ([kpi for kpi in changed if kpi.verdict == verdict][:_CHANGES] for verdict in ("worse", "better"))
    return [
        Cards([kpis[name] for name in marts.headlines if name in kpis], tiles=True),
        _misses(marts, together),
        _watched(marts, kpis),
        *_changes(marts, worse, better),
    ]


_CHANGED = (
    "Against the period before, where a test of the difference says so, corrected for how many KPIs are compared: chance alone "
    "puts one here in one month of twenty."
)


def _changes(marts: Marts, worse: list[Kpi], better: list[Kpi]) -> list[Block]:
    if not worse and not better:
        return [Findings("What changed", [], empty="Nothing for certain: every change since the period before is within chance.")]
    found = {"Became worse": (worse, _CHANGED), "Became better": (better, "")}
    return [
        Findings(title, [_change(marts, kpi) for kpi in kpis], note, "Nothing for certain.")
        for title, (kpis, note) in found.items()
    ]


def beyond_target(kpi: Kpi) -> float:
    """How much a missed target weighs: the share by which it is missed, times the cases. Of a share: the bad cases too many.

    A miss that the interval leaves open weighs less than any that it does not.
    """
    assert kpi.now
    value, target = float(kpi.now["value"]), float(kpi.now["target"])
    size = abs(value - target) if kpi.unit == "rate" else min(abs(value - target) / (abs(target) or 1.0), 1.0)
    return size * int(kpi.now["n"] or 0)


def is_certain(kpi: Kpi) -> bool:
    """The whole interval of the newest period lies on the bad side of the target."""
    assert kpi.now
    low, high, target = kpi.now["ci_low"], kpi.now["ci_high"], kpi.now["target"]
    if low is None or high is None:
        return False
    return bool(high < target if kpi.definition["direction"] == "up" else low > target)


def _misses(marts: Marts, kpis: list[Kpi]) -> Findings:
    missed = [kpi for kpi in kpis if kpi.now and kpi.is_newest and kpi.status == "breach"]
    missed.sort(key=lambda kpi: (is_certain(kpi), beyond_target(kpi)), reverse=True)
    more = f" The first {_MISSES} of {len(missed)}." if len(missed) > _MISSES else ""
    return Findings(
        "What needs you",
        [_miss(marts, kpi) for kpi in missed[:_MISSES]],
        f"Missed targets: those that cost most cases first.{more}" if missed else "",
        "Every target that can be judged is met.",
    )


def _miss(marts: Marts, kpi: Kpi) -> Finding:
    assert kpi.now
    text = f"{kpi.definition['label']} {kpi.value} in {kpi.period}, {kpi.target}"
    cases = f"of {kpi.cases}"
    many = round(beyond_target(kpi))
    if kpi.unit == "rate" and many:
        cases = f"{many:,} too many of {kpi.cases}"
    doubt = "" if is_certain(kpi) else "; too few cases to be sure that it is missed"
    # Of a miss by less than one case nobody is the driver.
    driver = "" if kpi.unit == "rate" and not many else f"{miss_driver(marts, kpi)} "
    return Finding(text, f"{driver.lstrip()}{_capital(cases)}{doubt}.", kpi.status, kpi)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _size_of_change(kpi: Kpi) -> float:
    """How large the change is, times the cases; of a share as it is, else against the larger of the two values."""
    assert kpi.now
    assert kpi.before
    now, before = float(kpi.now["value"]), float(kpi.before["value"])
    scale = 1.0 if kpi.unit == "rate" else max(abs(now), abs(before)) or 1.0
    return abs(now - before) / scale * int(kpi.now["n"] or 0)


def _change(marts: Marts, kpi: Kpi) -> Finding:
    assert kpi.before
    before = f"{kpi.formatted(kpi.before['value'])} in {period_name(kpi.view.grain, kpi.before['period_start'])}"
    text = f"{kpi.definition['label']} {kpi.value} in {kpi.period}, was {before}"
    return Finding(text, f"{change_driver(marts, kpi)} {_capital(kpi.cases)}.".strip(), kpi.verdict, kpi)


def _watched(marts: Marts, kpis: dict[str, Kpi]) -> Findings:
    """Policies that are breached or nearly so, then values worse than usual, then gates that warned."""
    policies = sorted(
        (row for row in marts.rows("select * from marketplace_compliance") if _is_near(row)),
        key=lambda row: (row["status"] != "breached", row["headroom_cases"] or 0),
    )
    found = [_policy(row, kpis) for row in policies]
    unusual = marts.rows(f"select * from alerts where kind = 'anomaly' and closed_at is null order by {BY_SEVERITY}")
    found += [_unusual(row, kpis[row["subject"]]) for row in unusual if row["subject"] in kpis]
    ((warned,),) = [
        tuple(row.values())
        for row in marts.rows("select count(*) as n from alerts where kind in ('gate', 'run') and closed_at is null")
    ]
    more = (
        f"The first {_WATCHED} of {len(found)}; the rest: pages Marketplace compliance and Alerts. "
        if len(found) > _WATCHED
        else ""
    )
    checks = f"{warned} check{'' if warned == 1 else 's'} of the data warned: page Alerts." if warned else ""
    return Findings(
        "Policies and unusual values",
        found[:_WATCHED],
        more + checks,
        "No policy is breached or nearly so, and no value is worse than usual.",
        is_whole=True,
    )


def _is_near(policy: Row) -> bool:
    if policy["status"] == "breached":
        return True
    if policy["status"] != "compliant" or policy["headroom_cases"] is None:
        return False
    return bool(policy["headroom_cases"] <= _LITTLE * (policy["bad_cases"] + policy["headroom_cases"]))


def _policy(policy: Row, kpis: dict[str, Kpi]) -> Finding:
    kpi = kpis.get(policy["rule"])
    unit, currency = (kpi.unit, kpi.currency) if kpi else ("", "")
    value, limit = (format_value(policy[name], unit, currency) for name in ("actual", "limit_value"))
    is_breached = policy["status"] == "breached"
    rule = _COMPARED.get(policy["comparison"], policy["comparison"])
    text = f"{policy['marketplace'].capitalize()}: {policy['policy']} {value}, rule: {rule} {limit}"
    left = policy["headroom_cases"]
    if is_breached:
        why = "" if left is None else f"{-left:,} bad case{'' if left == -1 else 's'} too many."
    else:
        why = "One more bad case breaches it." if left == 0 else f"{left + 1:,} more bad cases breach it."
    window = f"{policy['bad_cases']:,} of {policy['cases']:,} cases of the last {policy['window_days']} days."
    return Finding(text, f"{why} {window}".strip(), "breach" if is_breached else "warning", kpi)


def _unusual(alert: Row, kpi: Kpi) -> Finding:
    whom = "" if alert["member"] in (None, ALL) else f" ({alert['dimension']} {alert['member']})"
    period = period_name(alert["grain"], alert["period_start"])
    text = f"{kpi.definition['label']}{whom} {alert['message']}: {kpi.formatted(alert['value'])} ({period})"
    return Finding(text, f"Usual: {kpi.formatted(alert['limit_value'])}.", "warning", kpi)
