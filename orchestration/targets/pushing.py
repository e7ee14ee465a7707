"""Bring every target to the published version, and remember which one holds which."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from orchestration.core import durable
from orchestration.core.errors import CxhouseError
from orchestration.privacy.sweep import targets_done
from orchestration.runs.alerts import send
from orchestration.settings.model import Settings
from orchestration.targets.relations import Contents, contents
from orchestration.warehouse.versions import current

FILE_NAME = "targets.json"
#: Pushes what is published to a target; returns how many tables differed.
Push = Callable[[Contents, Callable[[str], None], bool], int]


def _targets(settings: Settings) -> Iterator[tuple[str, str, Push]]:
    """Each target with its settings as text, and what pushes to it: libraries are imported for those that are wanted."""
    if (server := settings.targets.postgresql) is not None:
        from orchestration.targets import postgresql

        yield "postgresql", server.model_dump_json(), lambda *given: postgresql.push(settings, server, *given)
    if (lake := settings.targets.iceberg) is not None:
        from orchestration.targets import iceberg

        yield "iceberg", lake.model_dump_json(), lambda *given: iceberg.push(lake, *given)


def behind(settings: Settings) -> list[str]:
    """Targets that do not hold the published version, as far as this home knows."""
    if settings.targets.postgresql is None and settings.targets.iceberg is None:
        return []
    published, known = current(settings), _known(settings)
    if published is None:
        return []
    return [name for name, config, _ in _targets(settings) if known.get(name) != [config, published.name]]


def forget_what_they_hold(settings: Settings) -> list[str]:
    """Have every target brought up to date once more, though it may hold the published version: beside it there may be an
    earlier one that is kept no longer.

    Returns the targets that this home once pushed to and that its settings no longer name: nobody else takes a person out there.
    """
    known = _known(settings)
    if known:
        _remember(settings, {name: [] for name in known})
    return sorted(known.keys() - {name for name, _, _ in _targets(settings)})


def push(
    settings: Settings, progress: Callable[[str], None], compare_all: bool = False, only: list[str] | None = None
) -> list[str]:
    """Bring the targets to the published version; returns a sentence for each.

    A target that fails keeps what it holds, and does not keep the others from theirs.

    Args:
        settings: which targets there are.
        progress: gets a line for each table.
        compare_all: also compare tables that a target holds already, as far as it is known.
        only: names of the targets; none: all.

    Raises:
        CxhouseError: a target could not be brought to the version; the message names each of them.
    """
    published, known = contents(settings), _known(settings)
    done, problems = [], []
    for name, config, bring in _targets(settings):
        if only is not None and name not in only:
            continue
        try:
            changed = bring(published, progress, compare_all)
        except CxhouseError as error:
            problems.append(str(error))
            continue
        known[name] = [config, published.version]
        _remember(settings, known)
        done.append(f"{name}: version {published.version}, {changed} of {len(published.tables)} tables changed")
    if problems:
        others = f"; {'; '.join(done)}" if done else ""
        raise CxhouseError(f"version {published.version} is published, but not everywhere: {'; '.join(problems)}{others}")
    if not behind(settings):
        targets_done(settings)
    return done


def bring_up_to_date(settings: Settings, progress: Callable[[str], None]) -> None:
    """After a run: push to the targets that are behind, and send a message when one stays so.

    Raises:
        CxhouseError: a target could not be brought to the version.
    """
    if not (names := behind(settings)):
        return
    try:
        for line in push(settings, progress, only=names):
            progress(line)
    except CxhouseError as error:
        send(
            settings, "cxhouse: published, but not everywhere", f"{error}\nThe next run tries again, and so does 'cxhouse push'."
        )
        raise


def _known(settings: Settings) -> dict[str, list[str]]:
    try:
        return dict(json.loads((settings.home / FILE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _remember(settings: Settings, known: dict[str, list[str]]) -> None:
    durable.write_text(settings.home / FILE_NAME, json.dumps(known))
