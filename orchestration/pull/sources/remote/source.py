"""A store as a source of exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from orchestration.core import durable
from orchestration.pull.contracts.naming import in_order
from orchestration.pull.files.readers import file_format
from orchestration.pull.sources.base import SourceFile, UnreadableSourceError, archive_members, is_hidden, open_export, printable
from orchestration.pull.sources.remote.downloads import MEMBERS_FILE, Downloads, retried
from orchestration.pull.sources.remote.stores import Store, StoredObject, problem
from orchestration.settings.locations import Location


class RemoteSource:
    """A store. It is listed once; what is new is downloaded to a folder of the home, from which it lands."""

    def __init__(self, name: str, location: Location, folder: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        self.name = name or location.at.rstrip("/").rpartition("/")[2]
        self._folder, self._progress = folder, progress
        self._store = Store(name, location, retried)
        self._downloads = Downloads(self._store, folder)
        self._objects: list[StoredObject] | None = None
        self._keyed: dict[str, StoredObject] | None = None
        self._files: dict[str, SourceFile] | None = None
        #: Objects that could not be read, by key, and why.
        self._failed: dict[str, str] = {}

    def objects(self) -> list[StoredObject]:
        """What may be exports.

        Raises:
            UnreadableSourceError: the store cannot be listed.
        """
        if self._objects is None:
            try:
                found = self._store.objects()
            except Exception as error:  # whatever a server or its library comes up with
                raise UnreadableSourceError(problem(error)) from error
            self._objects = [one for one in found if not is_hidden(one.name) and (file_format(one.name) or _is_archive(one.name))]
        return self._objects

    def files(self) -> Iterator[SourceFile]:
        """The files, in the order of their names; a `.zip` that is new is downloaded, to see what is in it."""
        if self._files is None:
            members = self._members()
            found: dict[str, SourceFile] = {}
            for one in self.objects():
                if not _is_archive(one.name):
                    found[one.name] = SourceFile(printable(one.name), one.version, one.key)
                    continue
                if one.key in self._failed:
                    why = f"cannot be read ({self._failed[one.key]}); the next run tries again"
                    found[one.name] = SourceFile(printable(one.name), one.version, one.key, problem=why)
                for name, version, member in members.get(one.name, []):
                    found[name] = SourceFile(printable(name), version, one.key, member)
            self._files = {name: found[name] for name in in_order(found)}
        yield from self._files.values()

    def _members(self) -> dict[str, list[tuple[str, str, str | None]]]:
        """For each `.zip` that could be read its files: name, version, and name within it."""
        archives = [one for one in self.objects() if _is_archive(one.name)]
        known = self._known() if archives else {}
        fresh = [one for one in archives if known.get(one.name, {}).get("version") != one.version]
        failed = self._fetch(fresh)
        for one in fresh:
            if one.key not in failed:
                inside = archive_members(self._downloads.path(one), one.name, one.version)
                members = [(name, file.version, file.member) for name, file in inside.items()]
                known[one.name] = {"version": one.version, "members": members}
        known = {one.name: known[one.name] for one in archives if one.name in known and one.key not in failed}
        if fresh:
            durable.write_text(self._folder / MEMBERS_FILE, json.dumps(known))
        return {name: found["members"] for name, found in known.items()}

    def _known(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self._folder / MEMBERS_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    def _fetch(self, wanted: list[StoredObject]) -> dict[str, str]:
        failed = self._downloads.fetch(wanted, lambda text: self._progress(f"pull: {self.name}: {text}")) if wanted else {}
        self._failed |= failed
        return failed

    def fetch(self, files: list[SourceFile]) -> None:
        """Download files, several at a time; ``problems`` then has those that could not be."""
        wanted = {file.location for file in files} - self._failed.keys()
        self._fetch([one for one in self.objects() if one.key in wanted])

    def _by_key(self) -> dict[str, StoredObject]:
        if self._keyed is None:
            self._keyed = {one.key: one for one in self.objects()}
        return self._keyed

    def version(self, file: SourceFile) -> str:
        """The version that was listed: one that changed since then was not downloaded.

        Raises:
            OSError: it could not be downloaded.
        """
        if (why := self._failed.get(file.location)) is not None:
            raise OSError(why)
        return file.version

    def open(self, file: SourceFile) -> BinaryIO:
        """The bytes of a downloaded file.

        Raises:
            OSError: it could not be downloaded.
        """
        one = self._by_key()[file.location]
        path = self._downloads.path(one)
        if not path.exists() and one.key not in self._failed:
            self._fetch([one])
        return open_export(replace(file, location=str(path)))

    def landed(self) -> None:
        """All that was downloaded has landed: only what broke off is kept."""
        self._downloads.remove_others([one for one in self.objects() if one.key in self._failed])


def _is_archive(name: str) -> bool:
    return name.lower().endswith(".zip")
