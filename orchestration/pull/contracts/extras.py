"""Further columns of an export (``extra`` of a contract): carried along as text, to cut KPIs by.

They travel in one canonical column, a JSON object of their names and values, so that a name is no column of any table: a contract
adds one without code. Of a cell that holds several values (tags) the value is a list. What looks like a person's is no member of
anything: it is left out, and counted by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestration.pull.contracts.faults import Fault
from orchestration.pull.contracts.queries import wrong_sql
from orchestration.pull.kinds import all_kinds

#: Kinds whose records are rows of a fact, which carries them on.
CARRYING = (
    "tickets", "calls", "orders", "order_items", "reviews", "surveys", "survey_invitations", "web_sessions", "signups",
    "subscriptions",
)  # fmt: skip
#: More of one contract are a copy of the export, not dimensions of KPIs.
MOST = 20
#: Words that mean something where dimensions are named.
TAKEN = ("all", "default", "none", "grain", "unknown")
#: Keys of a mapping that have no meaning for a text.
_NOT_OF_TEXTS = ("unit", "format", "place_in", "in_source")


def faults_of_extra(kind_name: Any, extra: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with the ``extra`` of a contract; what has the wrong form is passed over."""
    if not extra or kind_name not in all_kinds():
        return
    if kind_name not in CARRYING:
        message = f"records of {kind_name} are no rows of a fact, so nothing could be cut by it (those of: {', '.join(CARRYING)})"
        yield Fault(("extra",), message)
    if len(extra) > MOST:
        yield Fault(("extra",), f"names {len(extra)} columns; {MOST} at most: carry those that a KPI is to be cut by")
    # Only a contract that has some waits for the models to be read.
    from orchestration.settings.declared import kpi_dimensions

    columns, dimensions = all_kinds()[kind_name].columns, kpi_dimensions()
    for name, mapping in extra.items():
        path = ("extra", str(name))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(name)):
            yield Fault(path, "must be lower snake case, such as plan_tier")
        elif name in columns:
            yield Fault(path, f"is a column of {kind_name}: map it in `columns`")
        elif name in dimensions:
            yield Fault(path, "is the name of a dimension that KPIs have already; choose another")
        elif name in TAKEN:
            yield Fault(path, "is a word with a meaning of its own among dimensions; choose another")
        if isinstance(mapping, dict):
            yield from (
                Fault((*path, key), "has no meaning here: the value is a text") for key in _NOT_OF_TEXTS if mapping.get(key)
            )
            if isinstance(sql := mapping.get("sql"), str) and (problem := wrong_sql(sql, True)):
                yield Fault((*path, "sql"), problem)
