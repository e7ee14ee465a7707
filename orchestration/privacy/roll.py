"""The roll of a home: whom it was asked to forget, as keyed hashes, so that a later delivery does not bring them back.

Nobody can read from it who is on it. Who has the key can find out whether an identifier is: the key never leaves the home.
It is a secret of its own, so that a new salt of the customer keys (`run --new-salt`) leaves the roll as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.core.errors import ConfigurationError
from orchestration.privacy.identifiers import EMAIL, ID, PHONE, Identifier, Sought, candidates, normalised, without
from orchestration.settings.model import Settings

#: Records whose texts are a person's, also where the text's own row names nobody (the transcript of a call).
TICKET, CALL, INTERACTION, ORDER = "ticket", "call", "interaction", "order"
_ID_SURROGATE, _EMAIL_SURROGATE, _PHONE_SURROGATE = "forgotten-", "@forgotten.invalid", "+999"
_PHONE_DIGITS = 12


class Roll:
    """The roll of one home; an empty one costs a look for a file."""

    def __init__(self, settings: Settings) -> None:
        """Read it.

        Raises:
            ConfigurationError: there are entries, and the key that they were made with is gone.
        """
        self._folder = settings.forgotten
        self._calling_code = str(settings.vars.get("phone_country_code") or "")
        self._entries: dict[str, dict[str, Any]] = {}
        self._answers: dict[tuple[str, str], bool] = {}
        #: Did it grow since it was read?
        self.grew = False
        key = self._file("key")
        if (listed := self._file("roll.jsonl")).exists():
            lines = listed.read_text(encoding="utf-8").splitlines()
            self._entries = {entry["hash"]: entry for entry in map(json.loads, lines)}
            if not key.exists():
                raise ConfigurationError(
                    f"{key} is missing: without it nobody whom this home has forgotten is recognised in what arrives; "
                    "put it back from a backup"
                )
        self._key = bytes.fromhex(key.read_text(encoding="utf-8").strip()) if key.exists() else b""
        self._note_kinds()

    @classmethod
    def of(cls, settings: Settings, identifiers: Iterable[Identifier]) -> Roll:
        """A roll of its own, that is never written: to find persons by."""
        roll = cls(settings.model_copy(update={"home": settings.home / "nowhere"}))
        roll.add(identifiers)
        return roll

    def _note_kinds(self) -> None:
        phones = [entry["size"] for entry in self._entries.values() if entry["what"] == PHONE]
        # "+49170" may be written "0170".
        digits = max(min(phones) - 4, 5) if phones else None
        self._sought = Sought(self._calling_code, digits)
        ids = frozenset(entry["size"] for entry in self._entries.values() if entry["what"] == ID)
        self._sought_with_numbers = self._sought._replace(lengths=ids)
        #: Systems whose numbers are on it (`shop:17`): a file holds the number alone.
        self.prefixes = {entry["source"] for entry in self._entries.values() if entry.get("source")}

    def __len__(self) -> int:
        return len(self._entries)

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _digest(self, use: bytes, what: str, value: str) -> str:
        # Visitors, customers and records have numbers of their own; the kind keeps them apart.
        return hashlib.blake2b(f"{what}:{value}".encode(), key=self._key, person=use, digest_size=16).hexdigest()

    def hash_of(self, identifier: Identifier) -> str:
        """What is on the roll for an identifier."""
        return self._digest(b"roll", *identifier)

    def lists(self, identifier: Identifier) -> bool:
        """Is it on the roll?"""
        if not self._entries:
            return False
        found = self._answers.get(identifier)
        if found is None:
            found = self._answers[identifier] = self.hash_of(identifier) in self._entries
            if len(self._answers) > 2**20:
                self._answers.clear()
        return found

    def identifier(self, what: str, value: str) -> Identifier:
        """A cell as the models compare it."""
        return Identifier(what, normalised(what, value, self._calling_code) or value)

    def lists_value(self, what: str, value: str) -> bool:
        """Is what a cell says on it?"""
        return self.lists(self.identifier(what, value))

    def lists_number(self, value: str) -> bool:
        """Is a customer's number on it, with or without the system that it is of?"""
        value = value.strip()
        return any(self.lists(Identifier(ID, text)) for text in (value, *(f"{prefix}:{value}" for prefix in self.prefixes)))

    def names(self, cell: str) -> bool:
        """Is a cell as a whole an address or telephone number on it?"""
        what = EMAIL if "@" in cell else PHONE
        return len(cell) < 320 and self.lists_value(what, cell.strip())

    def surrogate(self, what: str, value: str) -> str:
        """What takes the place of an identifier: always the same, so that a person's rows still belong together."""
        if is_surrogate(what, value):
            return value
        digest = self._digest(b"surrogate", *self.identifier(what, value))[:20]
        if what == EMAIL:
            return f"{digest}{_EMAIL_SURROGATE}"
        if what == PHONE:
            return f"{_PHONE_SURROGATE}{int(digest, 16) % 10**_PHONE_DIGITS:0{_PHONE_DIGITS}d}"
        return f"{_ID_SURROGATE}{digest}"

    def scrubbed(self, text: str, numbers: bool = False) -> str | None:
        """A text without what is on the roll, customer numbers on demand; none where it holds nothing of it."""
        sought = self._sought_with_numbers if numbers else self._sought
        if not self._entries or ("@" not in text and sought.fewest_digits is None and not sought.lengths):
            return None
        return without(text, candidates(text, sought), self._lists_found)

    def _lists_found(self, identifier: Identifier) -> bool:
        return self.lists_number(identifier.value) if identifier.what == ID else self.lists(identifier)

    @property
    def calling_code(self) -> str:
        return self._calling_code

    # -- writing -----------------------------------------------------------------------------------------------------------

    def add(self, identifiers: Iterable[Identifier]) -> list[str]:
        """Put identifiers on it (in memory until ``save``); returns the hashes of those that are new."""
        if not self._key:
            self._key = secrets.token_bytes(32)
        new = []
        for identifier in identifiers:
            digest = self.hash_of(identifier)
            if digest not in self._entries:
                # The length saves a hash for each number of a text.
                entry: dict[str, Any] = {"hash": digest, "what": identifier.what}
                source, separator, number = identifier.value.rpartition(":")
                if identifier.what == ID and separator:
                    entry["source"] = source
                if identifier.what in (ID, PHONE):
                    entry["size"] = len(number)
                self._entries[digest] = entry
                new.append(digest)
        if new:
            self.grew = True
            self._answers.clear()
            self._note_kinds()
        return new

    def save(self) -> None:
        """Have it on disk before anything is changed for its sake."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._file("key").exists():
            write_whole(self._file("key"), self._key.hex() + "\n")
        lines = [json.dumps(entry) for entry in self._entries.values()]
        write_whole(self._file("roll.jsonl"), "".join(f"{line}\n" for line in lines))

    # -- what is under way -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What is under way: requests not yet carried out, and those whose publication is still to come."""
        try:
            return dict(json.loads(self._file("state.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def set_state(self, **changes: Any) -> None:
        """Change what is under way."""
        state = {name: value for name, value in {**self.state(), **changes}.items() if value}
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file("state.json"), json.dumps(state))


def is_surrogate(what: str, value: str) -> bool:
    """Does a value stand for an identifier that was forgotten?"""
    if what == EMAIL:
        return value.endswith(_EMAIL_SURROGATE)
    if what == PHONE:
        return value.startswith(_PHONE_SURROGATE) and len(value) == len(_PHONE_SURROGATE) + _PHONE_DIGITS
    return value.startswith(_ID_SURROGATE)


def write_whole(path: Path, text: str) -> None:
    """Write a private file so that it is there whole, or as it was."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def instant() -> str:
    """Now, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
