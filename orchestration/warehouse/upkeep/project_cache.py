"""Compiled projects, shared by the homes of one user: a new home need not parse and compile what another one did already.

To parse and compile takes dbt twenty seconds of processors and more, for the same queries each time. What dbt made of a project
is kept in the user's cache folder, under a version that changes with all that the queries are made by (``queries_version``). It
holds queries and settings, no row of data, no secret and no place of a home.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.settings.model import Settings

#: Rises with the form of the files.
_FORM = 2
#: So many projects are kept, a megabyte each; that which was not used for longest goes first.
_MAX_PROJECTS = 60
_ARTEFACTS = ("manifest.json", "semantic_manifest.json")


@dataclass(frozen=True)
class CompiledProject:
    """What dbt made of a project, without the places of the home that it was made in."""

    #: Name of the file -> its text, with placeholders.
    artefacts: dict[str, str]
    #: Id of the model or test -> its query, with placeholders (``Kept.filled``).
    queries: dict[str, str]
    #: ``schema.table`` -> the statement that creates it; a model without one is created by its query.
    tables: dict[str, str]
    #: Model -> by which ``maintained`` knows its query.
    fingerprints: dict[str, str]
    #: Was a home built by it? Until then nobody knows whether the queries keep the contracts of their models.
    is_built: bool = False

    def write_artefacts(self, settings: Settings) -> None:
        """Lay dbt's files into a home."""
        settings.dbt_target.mkdir(parents=True, exist_ok=True)
        for name, text in self.artefacts.items():
            for placeholder, place in _places(settings).items():
                text = text.replace(placeholder, place)
            (settings.dbt_target / name).write_text(text, encoding="utf-8")


def cache_folder() -> Path | None:
    """Where compiled projects are kept: ``CXHOUSE_CACHE``, or the user's cache folder; nowhere where the variable is empty."""
    setting = os.environ.get("CXHOUSE_CACHE")
    if setting is not None:
        return Path(setting).expanduser() if setting else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cxhouse"
    except RuntimeError:
        return None


def read_project(version: str) -> CompiledProject | None:
    """The compiled project of a version; none where there is none, or none that only this user can have written."""
    path = _path(version)
    try:
        if path is None or not _is_private(path.parent) or not _is_private(path):
            return None
        found = CompiledProject(**json.loads(gzip.decompress(path.read_bytes())))
        os.utime(path)
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return found


def write_project(version: str, project: CompiledProject) -> None:
    """Keep a compiled project. That it cannot be kept (a full disk, a home directory that is read-only) costs only time."""
    path = _path(version)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(gzip.compress(json.dumps(asdict(project)).encode(), compresslevel=3, mtime=0))
            os.replace(draft, path)
        finally:
            Path(draft).unlink(missing_ok=True)
        for old in sorted(path.parent.glob("*.json.gz"), key=lambda item: item.stat().st_mtime)[:-_MAX_PROJECTS]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def read_artefacts(settings: Settings) -> dict[str, str]:
    """dbt's files of a home, with placeholders."""
    return {name: _read(settings, name) for name in _ARTEFACTS}


def names_home(project: CompiledProject, settings: Settings) -> bool:
    """Does the home's place occur in it?"""
    return _json(str(settings.home)) + "/" in json.dumps(asdict(project))


def _read(settings: Settings, name: str) -> str:
    text = (settings.dbt_target / name).read_text(encoding="utf-8")
    for placeholder, place in _places(settings).items():
        text = text.replace(place, placeholder)
    return text


def _places(settings: Settings) -> dict[str, str]:
    """Placeholder -> where a home has it, as dbt's files have it. The quotes keep short paths from being found in other texts."""
    environment = settings.environment()
    return {'"<seeds>/': f'"{_json(environment["CXHOUSE_SEEDS"])}/', "'<raw>/": f"'{_json(environment['CXHOUSE_RAW'])}/"}


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _path(version: str) -> Path | None:
    folder = cache_folder()
    return folder / "projects" / f"{version}-{_FORM}.json.gz" if folder else None


def _is_private(path: Path) -> bool:
    """Is it this user's, and nobody else's to write? (Queries are run as they are found.)"""
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022
