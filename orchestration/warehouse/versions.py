"""Versions of what is published: a folder each, staged beside the others, and one link that readers follow.

``published/current`` leads to ``versions/<id>``; the names that readers know (``marts.duckdb``, ``analysis.duckdb``, ``parquet``,
``report.html``) lead through it, so that one rename switches all of them. Nothing is renamed before it is on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.core.durable import sync, write_text
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.pull.home.ledger import Ledger
from orchestration.settings.model import Settings

MARTS_FILE = "marts.duckdb"
ANALYSIS_FILE = "analysis.duckdb"
#: The publications of a version, each a database file.
DATABASES = {"marts": MARTS_FILE, "analysis": ANALYSIS_FILE}
REPORT_FILE = "report.html"
PARQUET_FOLDER = "parquet"
MANIFEST_FILE = "manifest.json"
VERSIONS = "versions"
#: The publication of single cases, as its file and its folder of Parquet are called.
ANALYSIS = "analysis"
#: The link to the folder of the published version.
CURRENT = "current"
#: What is in a version and has a name of its own beside ``current``.
NAMES = (MARTS_FILE, ANALYSIS_FILE, PARQUET_FOLDER, REPORT_FILE)
#: Which home publishes into the folder, and the ledger's mark with the home's number.
OWNER_FILE, _HOME = ".home", "home"
#: How the time of a publication names its version.
TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Version:
    """One version: ``files`` are bytes and SHA-256 by their path in its folder."""

    folder: Path
    run_id: str
    files: dict[str, tuple[int, str]]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def published_at(self) -> datetime:
        return datetime.strptime(self.name, TIME_FORMAT).replace(tzinfo=UTC)

    def torn_files(self, by_hash: bool = False) -> list[str]:
        """Files that are not as they were published: by their size, or by all of their bytes."""
        return [name for name, known in self.files.items() if not _is_same(self.folder / name, known, by_hash)]


def _is_same(path: Path, known: tuple[int, str], by_hash: bool) -> bool:
    if not path.is_file() or path.stat().st_size != known[0]:
        return False
    return not by_hash or _hash(path) == known[1]


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions(settings: Settings) -> list[Version]:
    """Every version that is kept and has its manifest, the newest first."""
    folder = settings.published / VERSIONS
    names = sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True) if folder.is_dir() else []
    return [version for name in names if (version := _read(folder / name))]


def current(settings: Settings) -> Version | None:
    """The version that readers get; none before the first, or where it has lost its manifest."""
    link = settings.published / CURRENT
    return _read(settings.published / VERSIONS / os.readlink(link).rpartition("/")[2]) if link.is_symlink() else None


def _read(folder: Path) -> Version | None:
    try:
        data = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        files = {name: (file["bytes"], file["sha256"]) for name, file in data["files"].items()}
        return Version(folder, data["run_id"], files)
    except (OSError, ValueError, KeyError):
        return None


# -- whose folder it is ------------------------------------------------------------------------------------------------


def claim(settings: Settings) -> None:
    """Say in the published folder which home publishes there; a link or mount can lead two of them to one.

    Raises:
        ConfigurationError: another home does: each would remove the other's versions.
    """
    path, ledger = settings.published / OWNER_FILE, Ledger(settings.ledger)
    number = ledger.mark(_HOME) or secrets.token_hex(16)
    ledger.set_mark(_HOME, number)
    ours = {"home": str(settings.home.absolute()), "id": number}
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        recorded = None
    if recorded == ours:
        return
    if recorded is not None:
        other = Path(recorded["home"])
        # A copy of a home has its number; where that was moved to, or copied with its versions, it goes on.
        is_there = (other / "published").exists() and (other / "published").samefile(settings.published)
        is_same_place = other.exists() and other.samefile(settings.home)
        if not is_same_place and (is_there or recorded["id"] != number):
            raise ConfigurationError(
                f"{settings.published} is published by another home, {other}: give each a folder of its own, or remove "
                f"{path} if that home is no more"
            )
    write_text(path, json.dumps(ours))


# -- publishing --------------------------------------------------------------------------------------------------------


def next_name(settings: Settings) -> str:
    """The name of a version of now; the newest one's follows if the clock was put back, since names give their order."""
    moment = datetime.now(UTC)
    if (kept := versions(settings)) and kept[0].published_at >= moment:
        moment = kept[0].published_at + timedelta(microseconds=1)
    return moment.strftime(TIME_FORMAT)


def staging(settings: Settings) -> Path:
    """An empty folder for the next version: on the file system that readers read from, so that a rename is enough."""
    folder = settings.published / ".next"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / PARQUET_FOLDER).mkdir(parents=True)
    return folder


def install(settings: Settings, staged: Path, name: str, run_id: str) -> None:
    """Make the staged folder the version that readers get, and remove versions that are too many or too old."""
    published = settings.published
    _write_manifest(staged, current(settings), run_id)
    (published / VERSIONS).mkdir(exist_ok=True)
    for path in (published / VERSIONS, staged, *staged.rglob("*")):
        is_analysis = ANALYSIS in (path.stem, path.parent.name)
        mode = settings.analysis_mode if is_analysis else settings.published_mode
        path.chmod(mode if path.is_dir() else mode & 0o666)
    os.replace(staged, published / VERSIONS / name)
    sync(published / VERSIONS)
    _switch(published, name)
    _prune(settings, name)


def _write_manifest(staged: Path, before: Version | None, run_id: str) -> None:
    """Everything of a version is on disk before its manifest is; what is linked from the version before is there already."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        name = path.relative_to(staged).as_posix()
        known = before.files.get(name) if before and _is_linked(path, before.folder / name) else None
        if known is None:
            sync(path)
            known = (path.stat().st_size, _hash(path))
        files[name] = {"bytes": known[0], "sha256": known[1]}
    manifest = staged / MANIFEST_FILE
    manifest.write_text(json.dumps({"run_id": run_id, "files": files}, indent=1), encoding="utf-8")
    folders = sorted((path for path in staged.rglob("*") if path.is_dir()), reverse=True)
    for path in (manifest, *folders, staged):
        sync(path)


def _is_linked(path: Path, other: Path) -> bool:
    return path.stat().st_nlink > 1 and other.exists() and path.samefile(other)


def _switch(published: Path, name: str) -> None:
    """The one step in which readers get another version; the fixed names are made where they are missing."""
    _link(f"{VERSIONS}/{name}", published / CURRENT)
    for known in NAMES:
        link, target = published / known, f"{CURRENT}/{known}"
        if link.is_dir() and not link.is_symlink():  # of a release that had no versions, or a copy that followed the links
            shutil.rmtree(link)
        if not link.is_symlink() or os.readlink(link) != target:
            _link(target, link)
    sync(published)


def _link(target: str, link: Path) -> None:
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    draft = link.with_name(f".{link.name}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    os.replace(draft, link)


def _prune(settings: Settings, kept: str) -> None:
    names = sorted((path.name for path in (settings.published / VERSIONS).iterdir()), reverse=True)
    days = settings.published_versions_days
    oldest = (datetime.now(UTC) - timedelta(days=days)).strftime(TIME_FORMAT) if days is not None else ""
    for place, name in enumerate(names):
        if name != kept and (place >= settings.published_versions or name < oldest):
            shutil.rmtree(settings.published / VERSIONS / name, ignore_errors=True)


# -- going back --------------------------------------------------------------------------------------------------------


def rollback(settings: Settings, name: str | None = None) -> Version:
    """Let readers get an earlier version: the one before the current, or the named one.

    Raises:
        ConfigurationError: there is no such version.
        CxhouseError: its files are not as they were published.
    """
    kept, now = versions(settings), current(settings)
    earlier = [version for version in kept if now is None or version.name < now.name]
    chosen = next((version for version in (kept if name else earlier) if name in (None, version.name)), None)
    if chosen is None:
        there = ", ".join(version.name for version in kept) or "none"
        raise ConfigurationError(f"no version {name or 'before the current one'} in {settings.published} (kept: {there})")
    if torn := chosen.torn_files(by_hash=True):
        raise CxhouseError(f"version {chosen.name} is not whole ({', '.join(torn)}); choose another")
    _switch(settings.published, chosen.name)
    return chosen


def restore_whole(settings: Settings) -> str | None:
    """After a loss of power: where files of the current version are torn, let readers get the newest whole one.

    Returns what was done, in one sentence; none where nothing was wrong.
    """
    now = current(settings)
    if now is None or not (torn := now.torn_files()):
        return None
    whole = next((version for version in versions(settings) if not version.torn_files()), None)
    if whole is None:
        return f"published version {now.name} is torn ({', '.join(torn)}), and no other is whole"
    _switch(settings.published, whole.name)
    return f"published version {now.name} was torn ({', '.join(torn)}); version {whole.name} takes its place"
