"""Expectations that one query answers as the library would, without starting it and without the rows in memory.

Great Expectations takes seconds to import, and holds what it looks at as a pandas frame, outside of any bound on memory. Its
plain expectations (a limit, a set of values, nulls, duplicates, a count) are looked at here first; a suite with any other, with
another option, or with duplicates to show, goes to the library as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.connections import connect
from orchestration.core.literals import identifier
from orchestration.gates.check_results import CheckResult
from orchestration.pull.personal import may_be_shown

Judged = tuple[CheckResult, list[dict[str, Any]]]

_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
)


class _LibraryNeeded(Exception):
    """Only the library can tell."""


class _File:
    """One Parquet file, as the expectations look at it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._con = con
        quoted = str(path).replace("'", "''")
        self._rows = f"read_parquet('{quoted}', file_row_number = true)"
        found = con.execute(f"describe select * from read_parquet('{quoted}')").fetchall()
        self.types: dict[str, str] = {row[0]: row[1] for row in found}

    def type_of(self, column: Any) -> str:
        if not isinstance(column, str) or column not in self.types:
            raise _LibraryNeeded
        return self.types[column]

    def number(self, column: Any) -> str:
        """A column of numbers; decimals as the doubles that the library gets."""
        kind = self.type_of(column)
        if kind.startswith("DECIMAL"):
            return f"cast({identifier(column)} as double)"
        if kind not in _NUMBERS:
            raise _LibraryNeeded
        return identifier(column)

    def one(self, expressions: str, where: str = "true") -> tuple[Any, ...]:
        return self._con.execute(f"select {expressions} from {self._rows} where {where}").fetchall()[0]

    def groups_with_more(self, columns: str, where: str) -> bool:
        query = f"select 1 from {self._rows} where {where} group by {columns} having count(*) > 1 limit 1"
        return bool(self._con.execute(query).fetchall())

    def first(self, where: str, columns: list[str], count: int) -> list[dict[str, Any]]:
        names = [name for name in columns if name in self.types]
        if not names:
            return []
        query = (
            f"select {', '.join(map(identifier, names))} from {self._rows} where {where} order by file_row_number limit {count}"
        )
        return [dict(zip(names, row, strict=True)) for row in self._con.execute(query).fetchall()]


class _Answer:
    """What was found: either rows that fail among those looked at, or a figure of the whole."""

    def __init__(self, looked_at: str = "true", failing: str = "false", mostly: float = 1.0) -> None:
        self.looked_at, self.failing, self.mostly = looked_at, failing, mostly
        self.passed: bool | None = None
        self.observed: Any = None

    @classmethod
    def of_whole(cls, passed: bool, observed: Any = None) -> _Answer:
        answer = cls()
        answer.passed, answer.observed = passed, observed
        return answer


def _is_there(file: _File, column: Any) -> str:
    """Not null; what is no number is null to the library."""
    kind = file.type_of(column)
    return f"{identifier(column)} is not null" + (f" and not isnan({identifier(column)})" if kind in ("FLOAT", "DOUBLE") else "")


def _limits(options: dict[str, Any]) -> list[tuple[str, float]]:
    limits = [(sign, options[key]) for key, sign in (("min_value", ">="), ("max_value", "<=")) if options.get(key) is not None]
    if not limits or any(isinstance(limit, bool) or not isinstance(limit, int | float) for _, limit in limits):
        raise _LibraryNeeded
    return limits


def _is_within(value: float, options: dict[str, Any]) -> bool:
    return all(value >= limit if sign == ">=" else value <= limit for sign, limit in _limits(options))


def _mostly(options: dict[str, Any]) -> float:
    share = options.get("mostly", 1.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise _LibraryNeeded
    return share


def _between(file: _File, options: dict[str, Any]) -> _Answer:
    number = file.number(options["column"])
    within = " and ".join(f"{number} {sign} {limit!r}" for sign, limit in _limits(options))
    return _Answer(_is_there(file, options["column"]), f"not ({within})", _mostly(options))


def _values(file: _File, options: dict[str, Any]) -> str:
    values = options["value_set"]
    if not isinstance(values, list) or not values:
        raise _LibraryNeeded
    if file.type_of(options["column"]) == "VARCHAR" and all(isinstance(value, str) for value in values):
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        return f"{identifier(options['column'])} in ({listed})"
    if any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise _LibraryNeeded
    return f"{file.number(options['column'])} in ({', '.join(map(str, values))})"


def _in_set(file: _File, options: dict[str, Any]) -> _Answer:
    return _Answer(_is_there(file, options["column"]), f"not ({_values(file, options)})", _mostly(options))


def _not_in_set(file: _File, options: dict[str, Any]) -> _Answer:
    return _Answer(_is_there(file, options["column"]), _values(file, options), _mostly(options))


def _of_length(file: _File, options: dict[str, Any]) -> _Answer:
    length = options["value"]
    if file.type_of(options["column"]) != "VARCHAR" or isinstance(length, bool) or not isinstance(length, int):
        raise _LibraryNeeded
    return _Answer(_is_there(file, options["column"]), f"length({identifier(options['column'])}) <> {length}", _mostly(options))


def _not_null(file: _File, options: dict[str, Any]) -> _Answer:
    return _Answer("true", f"not ({_is_there(file, options['column'])})", _mostly(options))


def _unique(file: _File, options: dict[str, Any]) -> _Answer:
    if file.groups_with_more(identifier(options["column"]), _is_there(file, options["column"])):
        raise _LibraryNeeded
    return _Answer()


def _unique_together(file: _File, options: dict[str, Any]) -> _Answer:
    there = " or ".join(f"({_is_there(file, column)})" for column in options["column_list"])
    if file.groups_with_more(", ".join(map(identifier, options["column_list"])), there):
        raise _LibraryNeeded
    return _Answer()


def _greater(file: _File, options: dict[str, Any]) -> _Answer:
    one, other = options["column_A"], options["column_B"]
    if options.get("ignore_row_if") != "either_value_is_missing":
        raise _LibraryNeeded
    kinds = {file.type_of(one), file.type_of(other)}
    first, second = (
        (identifier(one), identifier(other)) if kinds in ({"TIMESTAMP"}, {"DATE"}) else (file.number(one), file.number(other))
    )
    sign = ">=" if options.get("or_equal") else ">"
    return _Answer(f"{_is_there(file, one)} and {_is_there(file, other)}", f"not ({first} {sign} {second})", _mostly(options))


def _row_count(file: _File, options: dict[str, Any]) -> _Answer:
    (count,) = file.one("count(*)")
    return _Answer.of_whole(_is_within(count, options), count)


def _share_of_unique(file: _File, options: dict[str, Any]) -> _Answer:
    column = identifier(options["column"])
    different, count = file.one(f"count(distinct {column}), count(*)", _is_there(file, options["column"]))
    if not count:
        raise _LibraryNeeded
    return _Answer.of_whole(_is_within(different / count, options), different / count)


def _contains_set(file: _File, options: dict[str, Any]) -> _Answer:
    condition = f"{_is_there(file, options['column'])} and {_values(file, options)}"
    (different,) = file.one(f"count(distinct {identifier(options['column'])})", condition)
    return _Answer.of_whole(different == len(set(options["value_set"])))


#: What can be asked, with the options that are understood.
_ASKED: dict[str, tuple[Callable[[_File, dict[str, Any]], _Answer], set[str]]] = {
    "expect_column_values_to_be_between": (_between, {"column", "min_value", "max_value", "mostly"}),
    "expect_column_values_to_be_in_set": (_in_set, {"column", "value_set", "mostly"}),
    "expect_column_values_to_not_be_in_set": (_not_in_set, {"column", "value_set", "mostly"}),
    "expect_column_value_lengths_to_equal": (_of_length, {"column", "value", "mostly"}),
    "expect_column_values_to_not_be_null": (_not_null, {"column", "mostly"}),
    "expect_column_values_to_be_unique": (_unique, {"column"}),
    "expect_compound_columns_to_be_unique": (_unique_together, {"column_list"}),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        _greater,
        {"column_A", "column_B", "or_equal", "ignore_row_if", "mostly"},
    ),
    "expect_column_distinct_values_to_contain_set": (_contains_set, {"column", "value_set"}),
    "expect_table_row_count_to_be_between": (_row_count, {"min_value", "max_value"}),
    "expect_column_proportion_of_unique_values_to_be_between": (_share_of_unique, {"column", "min_value", "max_value"}),
}


def judge(
    gate: str,
    expectations: list[dict[str, Any]],
    path: Path,
    row_columns: list[str],
    in_words: Callable[..., str],
    examples: int,
    con: duckdb.DuckDBPyConnection | None = None,
) -> list[Judged] | None:
    """What the suite says of a file, with the values of ``row_columns`` in the first rows that failed; None: ask the library.

    ``con``: a connection for several files; to open one takes longer than to judge a small one.
    """
    with nullcontext(con) if con else connect() as asked:
        try:
            file = _File(asked, path)
            return [_judged(gate, item, file, row_columns, in_words, examples) for item in expectations]
        except (_LibraryNeeded, duckdb.Error, KeyError, TypeError):
            return None


def observed(value: Any) -> str | None:
    """What was observed, in words; of a text that may be somebody's its length."""
    if value is None or isinstance(value, dict | list):
        return None
    is_text = isinstance(value, str) and not may_be_shown(value)
    return f"observed: {f'a text of {len(value)} characters' if is_text else value}"


def _judged(
    gate: str, item: dict[str, Any], file: _File, row_columns: list[str], in_words: Callable[..., str], examples: int
) -> Judged:
    options = item.get("kwargs", {})
    ask, allowed = _ASKED.get(item["type"], (None, set()))
    if ask is None or not set(options) <= allowed:
        raise _LibraryNeeded
    answer = ask(file, options)
    count, passed = 0, answer.passed
    if passed is None:
        looked_at, count = file.one("count(*), count(*) filter (where " + answer.failing + ")", answer.looked_at)
        passed = not looked_at or (looked_at - count) / looked_at >= answer.mostly
    check = CheckResult(
        gate=gate,
        expectation=item.get("description") or in_words(item),
        severity=item["severity"],
        passed=passed,
        failed_rows=count,
        problem=observed(answer.observed),
        remedy=item.get("remedy"),
    )
    if passed or not count:
        return check, []
    return check, file.first(f"({answer.looked_at}) and ({answer.failing})", row_columns, examples)
