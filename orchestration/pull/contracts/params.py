"""Parameters of contracts: values that differ by account, which are in a contract as ``${name}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Values
from fnmatch import fnmatch
from typing import Any

from orchestration.core.literals import literal, literals
from orchestration.core.nearest import nearest
from orchestration.pull.contracts.faults import Fault

_REFERENCE = re.compile(r"\$\{(\w+)\}")
#: In SQL a name in quotes is one of a column; elsewhere a parameter is a value.
_IN_SQL = re.compile(r'"\$\{(\w+)\}"|\$\{(\w+)\}')
_SQL_KEYS = ("sql", "query", "where", "rows")
#: Where a reference to a value that nobody gave may stay; elsewhere its key is left out, as if nobody had written it.
_KEPT_IN = ("columns", "source", "also_reads", "files", "extra")


class _Gone:
    """In the place of a value that is left out."""


def declared(params: Any) -> dict[str, dict[str, Any]]:
    """Each parameter with its ``description`` and ``default``; a plain value is short for its default, none for no default."""
    if not isinstance(params, dict):
        return {}
    return {str(name): _declaration(declaration) for name, declaration in params.items()}


def _declaration(declaration: Any) -> dict[str, Any]:
    if declaration is None:
        return {}
    return dict(declaration) if isinstance(declaration, dict) else {"default": declaration}


def merged(base: Any, own: Any) -> dict[str, dict[str, Any]]:
    """The parameters of a contract that extends another: what it says of one replaces its parts."""
    return {
        **declared(base),
        **{name: {**declared(base).get(name, {}), **declaration} for name, declaration in declared(own).items()},
    }


def given_to(names: Iterable[str], given: Values[str, Values[str, Any]]) -> dict[str, Any]:
    """The values that the settings give to a contract: those of a pattern, then those of its own names, the last one first."""
    names = list(names)
    values: dict[str, Any] = {}
    for pattern, settings in given.items():
        if pattern not in names and any(fnmatch(name, pattern) for name in names):
            values.update(settings)
    for name in reversed(names):
        values.update(given.get(name, {}))
    return values


def filled(data: dict[str, Any], values: Values[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """A contract's data with each ``${name}`` replaced, and what is wrong with them.

    A list, number or nothing takes the whole place of a text that is only the reference; in SQL a value is a literal (a list
    several, with commas), and ``"${name}"`` the name of a column. A parameter that has no value stays lacking.
    """
    params = declared(data.get("params"))
    for name, value in values.items():
        if name in params:
            params[name]["default"] = value
    known = {name: declaration["default"] for name, declaration in params.items() if "default" in declaration}
    faults: list[Fault] = []
    rest = {key: value for key, value in data.items() if key != "params"}
    made = _Filler(known, list(params), faults).fill(rest, ())
    return ({**made, "params": params} if params else made), faults


class _Filler:
    def __init__(self, known: dict[str, Any], names: list[str], faults: list[Fault]) -> None:
        self._known, self._names, self._faults = known, names, faults

    def fill(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            filled = {self._key(key, path): self.fill(item, (*path, str(key))) for key, item in value.items()}
            return {key: item for key, item in filled.items() if item is not _Gone}
        if isinstance(value, list):
            return list(self._items(value, path))
        if not isinstance(value, str) or "${" not in value:
            return value
        return self._in_sql(value, path) if path and path[-1] in _SQL_KEYS else self._text(value, path)

    def _items(self, values: list[Any], path: tuple[str, ...]) -> Iterator[Any]:
        for value in values:
            item = self.fill(value, path)
            if isinstance(item, list) and not isinstance(value, list):
                yield from item
            elif item is not _Gone:
                yield item

    def _key(self, key: Any, path: tuple[str, ...]) -> Any:
        return self._text(key, path) if isinstance(key, str) and "${" in key else key

    def _has(self, name: str, path: tuple[str, ...]) -> bool:
        if name not in self._names:
            what = f"no parameter {name!r} in its `params`{nearest(name, self._names)}"
            self._faults.append(Fault(path, what))
        return name in self._known

    def _text(self, text: str, path: tuple[str, ...]) -> Any:
        if whole := _REFERENCE.fullmatch(text):
            if self._has(whole[1], path):
                return self._known[whole[1]]
            return text if not path or path[0] in _KEPT_IN else _Gone

        def value_of(found: re.Match[str]) -> str:
            if not self._has(found[1], path):
                return found[0]
            value = self._known[found[1]]
            if isinstance(value, list | dict):
                self._faults.append(Fault(path, f"the parameter {found[1]!r} is a list, which cannot be part of a text"))
            return "" if value is None else str(value)

        return _REFERENCE.sub(value_of, text)

    def _in_sql(self, text: str, path: tuple[str, ...]) -> str:
        def sql_of(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            value = self._known.get(name) if self._has(name, path) else None
            if found[1]:
                return '"' + str(value if value is not None else found[0]).strip('"').replace('"', '""') + '"'
            if isinstance(value, list):
                return literals(value) or "null"
            return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else literal(value)

        return _IN_SQL.sub(sql_of, text)
