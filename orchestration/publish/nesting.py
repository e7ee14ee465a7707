"""Members of one dimension that are in one member of another: a team that only answers the telephone is a part of that channel.

Who knows that can take the shown parts of a shown whole from it, and is left with a part that is not shown. Which members are in
which is no setting: the records of each fact say it, over all their time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb

from orchestration.core.literals import identifier

#: Of the rows of a fact that hold members of two dimensions; one record of elsewhere does not hide that a team is of a channel.
_NESTED_SHARE = 0.99
_COLUMNS = "kpi_id varchar, part_dimension varchar, part varchar, whole_dimension varchar, whole varchar"


@dataclass(frozen=True)
class Cut:
    """A fact by whose columns KPIs are cut: dimension -> SQL of its member."""

    schema: str
    name: str
    dimensions: dict[str, str]
    kpis: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.schema}.{self.name}"


def cuts_of(manifest: Mapping[str, Any]) -> list[Cut]:
    """The facts of KPIs with more than one dimension, as the semantic models have them."""
    found = []
    for model in manifest.get("semantic_models", {}).values():
        measures = {measure["name"] for measure in model["measures"]}
        kpis = tuple(metric["name"] for metric in manifest["metrics"].values() if measures & _measures_of(metric))
        dimensions = {d["name"]: d.get("expr") or d["name"] for d in model["dimensions"] if d["type"] == "categorical"}
        # A table by grain, dimension and member is one of numbers, not of records.
        if kpis and len(dimensions) > 1 and "member" not in dimensions:
            relation = model["node_relation"]
            found.append(Cut(relation["schema_name"], relation["alias"], dimensions, kpis))
    return sorted(found, key=lambda cut: cut.key)


def _measures_of(metric: Mapping[str, Any]) -> set[str]:
    params = metric["type_params"]
    return {measure["name"] for measure in params.get("input_measures") or []}


def write_nested(con: duckdb.DuckDBPyConnection, cuts: list[Cut], without: tuple[str, ...] = ()) -> None:
    """Table ``nested``: for each KPI the members of one dimension (`part`) of which a member of another (`whole`) consists.

    A whole is listed with all its parts where they are in it and nowhere else; dimensions ``without`` are left out.
    """
    con.execute(f"create or replace temp table nested ({_COLUMNS})")
    shown = {row[0] for row in con.execute("select distinct dimension from kpis.kpis").fetchall()} - {*without}
    found: list[tuple[str, ...]] = []
    for cut in cuts:
        names = [name for name in cut.dimensions if name in shown]
        for place in _nested_in(_pairs(con, cut, names)) if len(names) > 1 else ():
            found += [(kpi, *place) for kpi in cut.kpis]
    if found:
        columns = [list(column) for column in zip(*found, strict=True)]
        lists = ", ".join("unnest(?::varchar[])" for _ in columns)
        con.execute(f"insert into nested select {lists}", columns)


def _pairs(con: duckdb.DuckDBPyConnection, cut: Cut, names: list[str]) -> dict[tuple[str, str], list[tuple[str, str, int]]]:
    """(dimension, another) -> member, the other's member, and how many records have both."""
    members = ", ".join(f"coalesce(cast({cut.dimensions[name]} as varchar), 'unknown') as {identifier(name)}" for name in names)
    columns = ", ".join(map(identifier, names))
    sets = ", ".join(f"({identifier(one)}, {identifier(other)})" for one, other in combinations(names, 2))
    rows = con.execute(
        f"select grouping({columns}), {columns}, sum(records)::bigint from ("
        f"select {members}, count(*) as records from {identifier(cut.schema)}.{identifier(cut.name)} group by all"
        f") group by grouping sets ({sets})"
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for mask, *values, records in rows:
        # The first column has the highest bit, which is set where the row is of all of its members.
        one, other = (place for place in range(len(names)) if not mask >> (len(names) - 1 - place) & 1)
        found.setdefault((names[one], names[other]), []).append((values[one], values[other], records))
        found.setdefault((names[other], names[one]), []).append((values[other], values[one], records))
    return found


def _nested_in(pairs: dict[tuple[str, str], list[tuple[str, str, int]]]) -> Iterator[tuple[str, str, str, str]]:
    """Dimension and member of a part, and those of its whole."""
    for (dimension, other), rows in pairs.items():
        of_part, of_whole, within = Counter[str](), Counter[str](), Counter[str]()
        for part, whole, records in rows:
            of_part[part] += records
            of_whole[whole] += records
        parts = [(part, whole, records) for part, whole, records in rows if records >= _NESTED_SHARE * of_part[part]]
        for _, whole, records in parts:
            within[whole] += records
        for part, whole, _ in parts:
            if within[whole] >= _NESTED_SHARE * of_whole[whole]:
                yield dimension, part, other, whole
