"""The parts of a draft: lines of a contract with the reason of each, and what is not sure about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestration.draft.fitting import Looks
from orchestration.pull.kinds import Kind


@dataclass(frozen=True)
class Word:
    """A word of the file and the canonical one; ``value`` None: no word is known for it, and its line stays a comment."""

    written: str
    value: str | int | float | bool | None
    rows: int
    doubt: str | None = None
    #: The word for "missing", not one that nobody knows.
    is_missing: bool = False


@dataclass
class Entry:
    """The mapping of one canonical column."""

    column: str
    mapping: dict[str, Any]
    why: str
    words: list[Word] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    looks: Looks | None = None
    #: Of answers the highest that can be given, where the cells name it.
    top: int | None = None


@dataclass
class Key:
    """A key of the contract that concerns the whole file."""

    value: Any
    why: str
    doubt: str | None = None
    #: Only a person can know it: its line stays a comment.
    is_open: bool = False


@dataclass
class Draft:
    """A contract on its way."""

    name: str
    kind: str
    file: str
    rows: int
    #: The file's columns.
    header: list[str]
    keys: dict[str, Key] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    #: Columns of the file that nothing uses -> what they look like.
    unused: dict[str, str] = field(default_factory=dict)
    #: Names of those that could be carried along -> column, and how many different values it has.
    extra: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: Canonical columns, none of them required, that no column of the file is.
    not_found: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: Doubts about the whole.
    doubts: list[str] = field(default_factory=list)
    #: Further kinds that the same file holds; `keys` are the same for all of them.
    also: list[Draft] = field(default_factory=list)
    #: The kinds that come next, the likeliest first.
    other_kinds: list[str] = field(default_factory=list)
    #: Keys of this one kind, where there are several.
    own: dict[str, Key] = field(default_factory=dict)

    def arrange(self, kind: Kind) -> None:
        """Put the entries into the order of the kind's columns."""
        self.entries = {name: self.entries[name] for name in kind.columns if name in self.entries}

    @property
    def kinds(self) -> list[Draft]:
        """What the file holds, kind by kind."""
        return [self, *self.also]

    def as_contract(self) -> dict[str, Any]:
        """What the contract's YAML holds; of several kinds, as if there were only this one."""
        columns: dict[str, Any] = {}
        for name, entry in self.entries.items():
            columns[name] = dict(entry.mapping)
            meanings = {word.written: word.value for word in entry.words if word.value is not None or word.is_missing}
            if meanings:
                columns[name]["map"] = meanings
        return {
            "name": self.name,
            "kind": self.kind,
            **{key: setting.value for key, setting in (self.keys | self.own).items() if not setting.is_open},
            "columns": columns,
        }
