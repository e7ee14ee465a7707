"""The statements that bring a table up to date: `dbt_project/macros/maintained/` in Python, for queries that dbt compiled before.

Both must do the same. Macros do it for every model that is new or changed, and on Spark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration.core.literals import identifier

#: Between queries of one model of which each is a statement (the macro `by_itself`).
BY_ITSELF = "union all /*by itself*/"
#: Columns that say nothing about the content of a row.
VOLATILE = ("computed_at",)


@dataclass(frozen=True)
class Input:
    """A model, seed or source that a model reads."""

    kind: str
    #: None: not known, it may have changed.
    version: str | None
    #: The version that the latest changes start from, where they are known.
    previous: str | None = None
    #: Names of a source's files.
    files: Sequence[str] = ()


@dataclass(frozen=True)
class Clock:
    """An `as_of` that moved: both instants, the earlier one first."""

    earlier: str
    later: str


@dataclass(frozen=True)
class Declaration:
    """What a model says in `maintained(...)`."""

    unique_key: list[str] | None = None
    invalidated_by: dict[str, Any] = field(default_factory=dict)
    invalidated_by_as_of: list[str] | None = None

    @classmethod
    def of(cls, code: str) -> Declaration:
        found = re.search(r"/\*maintained: (.*?)\*/", code, re.DOTALL)
        if not found:
            assert "/*maintained" not in code, "a declaration that cannot be read: the macro maintained() writes it otherwise"
            return cls()
        declared = json.loads(found[1])
        return cls(declared["unique_key"], declared["invalidated_by"], declared["invalidated_by_as_of"])


def quoted_names(names: Sequence[str]) -> list[str]:
    """Names as SQL identifiers."""
    return [identifier(name) for name in names]


def changed_table(model: str) -> str:
    """Where the rows are that made a model's present version from the one before."""
    return f"maintenance.changed_{model}"


def can_be_traced(
    declaration: Declaration, changed: Sequence[str], inputs: Mapping[str, Input], known: Mapping[str, str]
) -> bool:
    """Is what these inputs invalidate known, so that the rest need not be computed?"""
    if declaration.unique_key is None:
        return False
    for name in changed:
        found = inputs[name]
        is_next = found.kind == "source" or (found.previous is not None and found.previous == known.get(name))
        if name not in declaration.invalidated_by or not is_next:
            return False
    return True


class InvalidatedKeys:
    """Which parts of a model are to be computed, as a query; its columns are key_1, key_2, …"""

    def __init__(self, declaration: Declaration, relation: str, raw: str) -> None:
        """``raw`` is the folder of the raw kinds, as SQL has it within quotes."""
        self._key: list[str] = declaration.unique_key or []
        self._declaration, self._relation, self._raw = declaration, relation, raw
        self._queries = [f"select {', '.join(self._key)} from {relation} where false"]

    def by_input(self, name: str, found: Input, read: Sequence[str]) -> None:
        """Keys that a changed input invalidates; ``read`` are the files of a source that the model read last."""
        rules = self._declaration.invalidated_by[name]
        for rule in [rules] if isinstance(rules, str) else rules:
            query = rule if re.match(r"\s*select\s", rule) else f"select {rule} from {{changes}}"
            if "{changes}" in query:
                query = query.replace("{changes}", self._changes(name, found, read))
            self._add(query.replace("{gone_batches}", _gone_batches(found, read)))

    def by_clock(self, clock: Clock) -> None:
        for query in self._declaration.invalidated_by_as_of or []:
            self._add(query.replace("{earlier}", clock.earlier).replace("{later}", clock.later))

    def _add(self, query: str) -> None:
        self._queries.append(query.replace("{this}", self._relation))

    def _changes(self, name: str, found: Input, read: Sequence[str]) -> str:
        if found.kind == "model":
            return changed_table(name)
        new = [file for file in found.files if file not in set(read)] or ["empty.parquet"]
        paths = ", ".join(f"'{self._raw}/{name}/{file}'" for file in new)
        return f"read_parquet([{paths}], union_by_name = true)"

    def query(self) -> str:
        names = ", ".join(f"key_{number}" for number in range(1, len(self._key) + 1))
        return "\nunion\n".join(f"select {names} from ({query}) as found ({names})" for query in self._queries)


def _gone_batches(found: Input, read: Sequence[str]) -> str:
    gone = set(read) - set(found.files) if found.kind == "source" else set()
    numbers = (re.match(r"(\d{8})_", file) for file in sorted(gone))
    return ", ".join(["-1", *(str(int(number[1])) for number in numbers if number)])


def _is_key(expressions: Sequence[str]) -> str:
    return " and ".join(
        f"invalidated_keys.key_{number} is not distinct from {expression}" for number, expression in enumerate(expressions, 1)
    )


@dataclass(frozen=True)
class Keys:
    """Keys in a table; few are ``named`` in queries as well, each by the literals of its columns (None: null).

    A query that looks them up joins in each of its places, and expressions in the condition make that two joins; of names, the
    planner drops whole branches (a year's months, where only a day is invalidated).
    """

    table: str
    named: Sequence[tuple[str | None, ...]] | None = None

    def condition(self, expressions: Sequence[str]) -> str:
        """SQL: are the expressions, in the order of the key's columns, one of these keys?"""
        if self.named is None:
            return f"exists (select 1 from {self.table} as invalidated_keys where {_is_key(expressions)})"
        last_ones: dict[tuple[str | None, ...], list[str | None]] = {}
        for *first, last in self.named:
            last_ones.setdefault(tuple(first), []).append(last)
        *heads, tail = expressions
        return _any(
            " and ".join([*(_is(text, value) for text, value in zip(heads, first, strict=True)), _is_among(tail, values)])
            for first, values in last_ones.items()
        )


def _any(conditions: Iterable[str]) -> str:
    return f"({' or '.join(f'({condition})' for condition in conditions)})"


def _is(expression: str, value: str | None) -> str:
    return f"{expression} is null" if value is None else f"{expression} = {value}"


def _is_among(expression: str, values: Sequence[str | None]) -> str:
    known = [value for value in values if value is not None]
    several = [f"{expression} in ({', '.join(known)})"] if known else []
    return _any([*several, *([f"{expression} is null"] if len(known) < len(values) else [])])


def rows_of_keys(relation: str, key: Sequence[str], invalidated: Keys) -> str:
    """The rows of invalidated keys."""
    return f"select present.* from {relation} as present where {invalidated.condition(_present(key))}"


def delete_keys(relation: str, key: Sequence[str], invalidated: Keys) -> str:
    """The statement that deletes the rows of invalidated keys."""
    return f"delete from {relation} as present where {invalidated.condition(_present(key))}"


def _present(key: Sequence[str]) -> list[str]:
    return [f"present.{column}" for column in key]


def keys_of(relation: str, key: Sequence[str]) -> str:
    """The keys of some rows."""
    columns = ", ".join(f"{column} as key_{number}" for number, column in enumerate(key, 1))
    return f"select distinct {columns} from {relation}"


def restricted(code: str, key: Sequence[str], invalidated: Keys) -> str:
    """A model's query for the invalidated keys only."""
    result = code
    for expressions in re.findall(r"\(1 = 1 /\*invalidated: (.*?)\*/\)", code):
        result = result.replace(f"(1 = 1 /*invalidated: {expressions}*/)", invalidated.condition(expressions.split(" ;; ")))
    return rows_of_keys(f"({result})", key, invalidated)


def differing_rows(old: str, new: str, columns: Sequence[str]) -> str:
    """The rows that differ between two row sets: those that one of them has more often."""
    names = ", ".join(columns)
    return (
        f"select {names} from (select {names}, 1 as _times from {old} union all select {names}, -1 as _times from {new}) "
        f"as both_sides group by {names} having sum(_times) <> 0"
    )


def carry_volatile(old: str, new: str, columns: Sequence[str], volatile: str) -> str:
    """Rows that came out the same as before keep this column."""
    same = " and ".join(f"fresh.{name} is not distinct from kept.{name}" for name in columns)
    return f"update {new} as fresh set {volatile} = kept.{volatile} from {old} as kept where {same}"
