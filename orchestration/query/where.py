"""Conditions on dimensions, as people type them: ``country in (DE, AT) and not team = 'First line'``.

A small grammar of its own, so that nothing but names of dimensions, comparisons and values can be said; values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestration.core.errors import ConfigurationError

_TOKEN = re.compile(r"""\s*(?:(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<sign>!=|<>|[=(),])|(?P<word>[^\s'"=!<>(),]+))""")
_KEYWORDS = ("and", "or", "not", "in")


@dataclass(frozen=True)
class Condition:
    """A parsed condition; ``sql`` names columns as `column` did, and holds a parameter for each of ``values``."""

    sql: str
    values: dict[str, str]
    #: By dimension the values that it is compared with.
    members: dict[str, list[str]] = field(default_factory=dict)


def parse(text: str, column: Callable[[str], str]) -> Condition:
    """Parse conditions joined by `and`, `or`, `not` and brackets: `name = value`, `!=`, `in (…)`, `not in (…)`.

    Args:
        text: what was typed; values are in quotes, or bare where they have no blank or sign.
        column: gives a dimension's column, or raises for a name that is none.

    Raises:
        ConfigurationError: it is no such condition.
    """
    reader = _Reader(text, column)
    sql = reader.alternatives()
    if reader.place < len(reader.tokens):
        raise reader.fault("and, or, or the end")
    return Condition(sql, reader.values, reader.members)


class _Reader:
    def __init__(self, text: str, column: Callable[[str], str]) -> None:
        self.text, self._column = text, column
        self.tokens: list[tuple[str, str]] = []
        self.place = 0
        self.values: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise ConfigurationError(f"--where: cannot read {text[at:].strip()!r}")
            at = found.end()
            self.tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))

    def alternatives(self) -> str:
        return self._joined("or", self._all)

    def _all(self) -> str:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], str]) -> str:
        found = [part()]
        while self._takes(word):
            found.append(part())
        return found[0] if len(found) == 1 else f"({f' {word} '.join(found)})"

    def _one(self) -> str:
        if self._takes("not"):
            return f"not ({self._one()})"
        if self._takes("("):
            found = self.alternatives()
            self._needs(")")
            return f"({found})"
        return self._comparison()

    def _comparison(self) -> str:
        kind, name = self._next("a dimension")
        if kind != "word" or name.lower() in _KEYWORDS:
            self.place -= 1
            raise self.fault("a dimension")
        column = self._column(name)
        if self._takes("="):
            return f"{column} = {self._value(name)}"
        if self._takes("!=") or self._takes("<>"):
            return f"{column} <> {self._value(name)}"
        negated = "not " if self._takes("not") else ""
        if not self._takes("in"):
            raise self.fault("=, !=, in or not in")
        self._needs("(")
        found = [self._value(name)]
        while self._takes(","):
            found.append(self._value(name))
        self._needs(")")
        return f"{column} {negated}in ({', '.join(found)})"

    def _value(self, name: str) -> str:
        kind, text = self._next("a value")
        if kind == "sign":
            self.place -= 1
            raise self.fault("a value")
        value = text[1:-1].replace(text[0] * 2, text[0]) if kind == "text" else text
        parameter = f"value_{len(self.values)}"
        self.values[parameter] = value
        self.members.setdefault(name, []).append(value)
        return f"${parameter}"

    def _takes(self, token: str) -> bool:
        if self.place < len(self.tokens):
            kind, text = self.tokens[self.place]
            if kind != "text" and text.lower() == token:
                self.place += 1
                return True
        return False

    def _needs(self, token: str) -> None:
        if not self._takes(token):
            raise self.fault(token)

    def _next(self, wanted: str) -> tuple[str, str]:
        if self.place == len(self.tokens):
            raise self.fault(wanted)
        self.place += 1
        return self.tokens[self.place - 1]

    def fault(self, wanted: str) -> ConfigurationError:
        there = self.tokens[self.place][1] if self.place < len(self.tokens) else "the end"
        return ConfigurationError(f"--where: expected {wanted}, found {there}, in: {self.text}")
