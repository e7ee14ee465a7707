"""Who is meant: the person whom the warehouse joins to an identifier, by its own rules, and the person's other identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from orchestration.core.errors import ConfigurationError
from orchestration.privacy.identifiers import ID, SHARED, VISITOR, Identifier
from orchestration.settings.model import Settings

_KEYS, _VISITORS = "conformed.int_customer_keys", "conformed.int_visitors"
_PAIRS = "conformed.int_identifier_pairs"
#: As the variable is shipped.
_MAX_FANOUT = 10


@dataclass(frozen=True)
class Meant:
    """``named``: what was given. ``linked``: what else the warehouse knows the same persons by; ``keys``: theirs.

    ``shared``: what is in records of theirs and is shared by too many to be anybody's.
    """

    named: list[Identifier]
    linked: list[Identifier]
    keys: list[str]
    shared: list[Identifier] = field(default_factory=list)

    @property
    def all(self) -> list[Identifier]:
        return [*self.named, *self.linked]


def who_is_meant(settings: Settings, lines: list[list[Identifier]], follows_links: bool = True) -> Meant:
    """The persons that lines of identifiers lead to (see ``read_lines``).

    Raises:
        ConfigurationError: a number may be several persons'; or links are to be followed, and the warehouse is not built.
    """
    from orchestration.warehouse.warehouse import Warehouse

    with Warehouse(settings).tables((_KEYS, _VISITORS, _PAIRS)) as con:
        there = {row[0] for row in con.execute("select table_name from information_schema.tables").fetchall()}
        if "int_customer_keys" not in there:
            if follows_links:
                remedy = "run 'cxhouse run' first"
                if settings.engine != "spark" and (settings.home / "spark").exists():
                    remedy = "it was built by Spark: say so (--engine spark)"
                raise ConfigurationError(
                    f"no warehouse is built in {settings.home}, so nobody knows by what else these persons are known: "
                    f"{remedy}, or go on with --only-named"
                )
            return Meant(list(dict.fromkeys(one for line in lines for one in line)), [], [])

        def ask(table: str, condition: str, values: Iterable[str]) -> list[tuple[str, str]]:
            named_by = "identifier" if table == _KEYS else "visitor_id"
            return con.execute(f"select {named_by}, customer_key from {table} where {condition}", [list(values)]).fetchall()

        given = [one for line in lines for one in line]
        known = dict(ask(_KEYS, "list_contains($1, identifier)", {f"{one.what}:{one.value}" for one in given}))
        visitors = ask(_VISITORS, "list_contains($1, visitor_id)", [one.value for one in given if one.what == VISITOR])
        known |= {f"{VISITOR}:{visitor}": key for visitor, key in visitors}
        # Ids of an export with a `source` carry it, and people write the number alone.
        number = "identifier like 'id:%:%' and list_contains($1, regexp_replace(identifier, '^id:.*:', ''))"
        of_sources = dict(ask(_KEYS, number, [one.value for one in given if one.what == ID]))
        named = [_chosen(number, line, known, of_sources) for number, line in enumerate(lines, start=1)]
        keys = sorted({key for one in named if (key := {**of_sources, **known}.get(f"{one.what}:{one.value}"))})
        linked: list[Identifier] = []
        shared = _shared_among(con, settings, named)
        if follows_links:
            of_keys = "list_contains($1, customer_key)"
            linked = [Identifier(*identifier.split(":", 1)) for identifier, _ in ask(_KEYS, of_keys, keys)]
            linked += [Identifier(VISITOR, visitor) for visitor, _ in ask(_VISITORS, of_keys, keys)]
            shared = _shared_among(con, settings, linked)
        return Meant(named, sorted(set(linked) - set(named)), keys, shared)


def _shared_among(con: duckdb.DuckDBPyConnection, settings: Settings, identifiers: list[Identifier]) -> list[Identifier]:
    """What is recorded beside identifiers and is shared by so many that it joins nobody (see int_connected_identifiers).

    Raises:
        ConfigurationError: one of the identifiers is such a one itself.
    """
    most = settings.vars.get("identity_max_fanout", _MAX_FANOUT)
    beside = f"select distinct identifier, other_identifier, fanout from {_PAIRS} where list_contains($1, other_identifier)"
    texts = [f"{one.what}:{one.value}" for one in identifiers]
    if con.execute(f"select 1 from {_PAIRS} where list_contains($1, identifier) and fanout > $2", [texts, most]).fetchall():
        raise ConfigurationError(
            f"an identifier is shared by more than {most} others, and so identifies nobody; name the person by another one"
        )
    rows = con.execute(f"select identifier from ({beside}) where fanout > $2", [texts, most]).fetchall()
    return [Identifier(SHARED, row[0]) for row in rows]


def _chosen(number: int, line: list[Identifier], known: dict[str, str], of_sources: dict[str, str]) -> Identifier:
    """What a line means, of what it may mean."""
    there = [one for one in line if f"{one.what}:{one.value}" in known]
    if not there:
        numbers = {one.value for one in line if one.what == ID}
        there = [Identifier(ID, text.removeprefix("id:")) for text in of_sources if text.rpartition(":")[2] in numbers]
    if len(there) > 1 or (not there and len(line) > 1):
        raise ConfigurationError(
            f"line {number} may mean several persons: write what it is before it ('phone:', 'id:', or 'id:' with its source, "
            "such as 'id:shop:…')"
        )
    return there[0] if there else line[0]
