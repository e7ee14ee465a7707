"""The suite of a new file, judged by the database: what a run's gate would say, without its library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.connections import connect
from orchestration.gates.suites import RAW, read_suite, suite_path
from orchestration.gates.verdicts import Verdict
from orchestration.pull.literals import identifier

Wanted = dict[str, Any]


def _column(wanted: Wanted) -> str:
    return identifier(str(wanted["column"]))


def _within(value: str, wanted: Wanted) -> str:
    given = [(sign, wanted[name]) for name, sign in (("min_value", ">="), ("max_value", "<=")) if wanted.get(name) is not None]
    return " and ".join(f"{value} {sign} {float(limit)!r}" for sign, limit in given) or "true"


def _mostly(failing: str, counted: str, wanted: Wanted) -> tuple[str, str]:
    """SQL: how many rows fail, and whether few enough of those that count do."""
    fails = f"count(*) filter ({failing})"
    share = float(wanted.get("mostly", 1))
    return fails, f"{fails} <= (1 - {share!r}) * count(*) filter ({counted}) + 1e-9"


def _rows(wanted: Wanted) -> tuple[str, str]:
    return "0", _within("count(*)", wanted)


def _unique_share(wanted: Wanted) -> tuple[str, str]:
    column = _column(wanted)
    return "0", f"count({column}) = 0 or {_within(f'count(distinct {column}) / count({column})', wanted)}"


def _pair(wanted: Wanted) -> tuple[str, str] | None:
    if wanted.get("ignore_row_if") != "either_value_is_missing":
        return None
    a, b = identifier(str(wanted["column_A"])), identifier(str(wanted["column_B"]))
    holds = f"{a} {'>=' if wanted.get('or_equal') else '>'} {b}"
    return _mostly(f"not ({holds})", f"{a} is not null and {b} is not null", wanted)


def _between(wanted: Wanted) -> tuple[str, str] | None:
    if wanted.get("strict_min") or wanted.get("strict_max"):
        return None
    return _mostly(f"not ({_within(_column(wanted), wanted)})", f"{_column(wanted)} is not null", wanted)


def _not_null(wanted: Wanted) -> tuple[str, str]:
    return _mostly(f"{_column(wanted)} is null", "true", wanted)


def _contains(wanted: Wanted) -> tuple[str, str] | None:
    if not all(isinstance(value, str) for value in wanted["value_set"]):
        return None
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in wanted["value_set"])
    return "0", f"list_has_all(coalesce(list(distinct {_column(wanted)}), []), [{values}])"


_JUDGES: dict[str, Callable[[Wanted], tuple[str, str] | None]] = {
    "expect_table_row_count_to_be_between": _rows,
    "expect_column_proportion_of_unique_values_to_be_between": _unique_share,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair,
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_distinct_values_to_contain_set": _contains,
}


def judge(kind: str, file: Path, config_dir: Path | None) -> tuple[list[Verdict], list[str]]:
    """The verdicts of a kind's suite on a file of canonical rows, and the expectations that only a run judges.

    Raises:
        ConfigurationError: the suite is not valid.
    """
    gate = f"{RAW}/{kind}"
    path = suite_path(gate, config_dir)
    verdicts, left = [], []
    with connect() as con:
        for item in read_suite(path) if path else []:
            description = str(item.get("description") or item["type"].removeprefix("expect_").replace("_", " "))
            sql = judges(item["kwargs"]) if (judges := _JUDGES.get(item["type"])) and "kwargs" in item else None
            if sql is None:
                left.append(description)
                continue
            ((failing, passed),) = con.execute(f"select {', '.join(sql)} from read_parquet(?)", [str(file)]).fetchall()
            verdicts.append(Verdict(gate, description, item["severity"], bool(passed), 0 if passed else failing))
    return verdicts, left
