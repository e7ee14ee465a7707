"""In which zone a file's local times are."""

from __future__ import annotations

import re
from collections import Counter

from orchestration.core.zones import time_zones
from orchestration.draft.layout import Sample
from orchestration.draft.lexicon import ANY, LANGUAGES, plain, zone_of
from orchestration.draft.matching import Candidate
from orchestration.draft.parts import Draft, Key
from orchestration.pull.kinds import Kind


def say_zone(made: Draft, kind: Kind, read: Sample, chosen: dict[str, Candidate], timezone: str | None) -> None:
    """Add the zone of a file's local times, where anything tells it; else the question.

    Args:
        made: the draft.
        kind: its kind.
        read: the file's first rows.
        chosen: its columns, whose names hint at a language.
        timezone: what the user says.
    """
    instants = [
        entry.looks
        for name, entry in made.entries.items()
        if kind.columns[name].type in ("instant", "promise") and entry.looks is not None and entry.looks.times.share
    ]
    local = [one for one in instants if one.times.local or not one.times.clocked]
    if timezone:
        made.keys["timezone"] = Key(timezone, "as asked for")
        return
    if not local:
        if instants:
            made.keys["timezone"] = Key("UTC", "every instant names its offset, or counts seconds")
        return
    utc = [one for one in local if _says_utc(one.seen.name)]
    named = _named_zone(read)
    # A zone that is in the file may be that of other columns.
    if len(utc) == len(local):
        made.keys["timezone"] = Key("UTC", "the columns' names say so")
    elif named and not utc:
        made.keys["timezone"] = Key(named, "the file names it")
    else:
        hint = f"; {', '.join(repr(one.seen.name) for one in utc)} say UTC" if utc else ""
        doubt = f"which time zone? The file does not say{hint}{_zone_hint(chosen)}"
        # A comment: that UTC is assumed is then said by `cxhouse check` too, until a person has answered.
        made.keys["timezone"] = Key(_zone_of_names(chosen) or "Region/City", "", doubt, is_open=True)


def _says_utc(name: str) -> bool:
    """Does the name of a column say UTC, and not hours from it ("Created (GMT+2)")?"""
    return bool(re.search(r"\b(utc|gmt)\b", plain(name))) and not re.search(r"(utc|gmt)\s*[+\-−]\s*\d", name, re.IGNORECASE)


def _named_zone(read: Sample) -> str | None:
    """An IANA zone above the header, in a column's name, or in the first cells (as Qualtrics has it below the header)."""
    texts = [read.layout.above]
    for one in read.columns:
        texts += [one.name, one.described, *(one.counts if len(one.counts) == 1 else ())]
    cells = " ".join(texts)
    found = {zone for zone in re.findall(r"\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?", cells) if zone in time_zones()}
    return found.pop() if len(found) == 1 else None


def _languages(chosen: dict[str, Candidate]) -> list[tuple[str, int]]:
    """Languages that hint at a zone, and how many columns are called so; the most frequent first."""
    return Counter(one.language for one in chosen.values() if one.language not in (ANY, "en")).most_common()


def _zone_of_names(chosen: dict[str, Candidate]) -> str | None:
    return next(((zone_of(language) or "").partition(" ")[0] for language, _ in _languages(chosen)), None)


def _zone_hint(chosen: dict[str, Candidate]) -> str:
    for language, count in _languages(chosen):
        return f". {count} of its names are {LANGUAGES[language]}: {zone_of(language)}?"
    return ""
