"""Is there anything for a run to do? Told from names, sizes and times of files, without reading one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from sysconfig import get_path

from orchestration.core import durable
from orchestration.pull.home.ledger import Ledger
from orchestration.pull.sources.base import Source, UnreadableSourceError
from orchestration.pull.sources.locations import sources_of
from orchestration.runs.record import SETTLED, RunRecord
from orchestration.settings import PACKAGE, PROJECT
from orchestration.settings.loading import CONFIG_FILE
from orchestration.settings.model import Settings
from orchestration.warehouse.upkeep.project_version import project_version
from orchestration.warehouse.versions import DATABASES, PARQUET_FOLDER, REPORT_FILE, Version, current, rollback

FILE_NAME = "settled.json"


def _hash(parts: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()


def inputs_version(settings: Settings) -> str:
    """Changes with all that a run reads: the offered files, settings, configuration, code, libraries, the date."""
    code = [PACKAGE, PROJECT / "expectations", *([settings.config_dir] if settings.config_dir else [])]
    files = [
        path
        for folder in code
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".yml", ".yaml", ".csv") and path.is_file()
    ]
    # The settings, which have their own part.
    files = [path for path in files if path.name != CONFIG_FILE]
    return _hash(
        [
            settings.model_dump_json(exclude={"home", "full_refresh", "replay", "days", "since", "targets"}),
            project_version(settings),
            sorted(path.name for path in Path(get_path("purelib")).glob("*.dist-info")),
            [(path.name, path.read_bytes()) for path in files],
            # What has been kept for long enough goes from day to day.
            date.today() if settings.retention else None,
            offered_version(settings),
        ]
    )


def offered_version(settings: Settings) -> str:
    """Changes with the files that the sources hold."""
    return _hash(_offered(source) for source in sources_of(settings))


def _offered(source: Source) -> list[tuple[str, str]]:
    """What a source holds; of one that cannot be listed nobody knows, and so there is something to do."""
    try:
        return [(file.name, file.version) for file in source.files()]
    except UnreadableSourceError:
        return [(source.name, datetime.now(UTC).isoformat())]


def _state_version(settings: Settings) -> str:
    """Changes with all that a run leaves in its home, whoever changes it."""
    files = [settings.published / name for name in (*DATABASES.values(), REPORT_FILE)]
    return _hash(
        [
            [(path.name, path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else None for path in files],
            # DuckDB writes to the private warehouse until the process ends: its time says nothing.
            settings.warehouse.exists(),
            sorted(path.name for path in (settings.published / PARQUET_FOLDER).rglob("*")),
            sorted(path.relative_to(settings.raw).as_posix() for path in settings.raw.rglob("*.parquet")),
            [(file.batch, file.file, file.withdrawn_at) for file in Ledger(settings.ledger).landed()],
        ]
    )


def settle(settings: Settings, inputs: str) -> None:
    """Remember after a publication what it was made of; ``inputs`` is their version from before anything was read."""
    text = json.dumps({"inputs": inputs, "state": _state_version(settings)})
    durable.write_text(settings.home / FILE_NAME, text)


def settled_run(settings: Settings) -> RunRecord | None:
    """The last run, where another one would publish the same; none where that is not certain."""
    if settings.full_refresh or settings.replay or settings.days or settings.since:
        return None
    record, published = RunRecord.load(settings.home), current(settings)
    if not (_is_settled(settings) and _known(settings).get("inputs") == inputs_version(settings)):
        return None
    if record is None or published is None or record.status != "published":
        return None
    record.status, record.published_version = SETTLED, published.name
    return record


def _known(settings: Settings) -> dict[str, str]:
    try:
        return dict(json.loads((settings.home / FILE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _is_settled(settings: Settings) -> bool:
    """Is the home as the last publication left it?"""
    try:
        return _known(settings).get("state") == _state_version(settings)
    except OSError:
        return False


def go_back(settings: Settings, version: str | None) -> Version:
    """Let readers get an earlier version, until a run has something new to publish.

    Raises:
        CxhouseError: there is no such version, or it is not whole.
    """
    was_settled = _is_settled(settings)
    chosen = rollback(settings, version)
    if was_settled:
        settle(settings, _known(settings)["inputs"])
    return chosen
