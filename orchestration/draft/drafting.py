"""Draft a contract for a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.errors import ConfigurationError
from orchestration.core.zones import time_zones
from orchestration.draft.clocks import with_clock
from orchestration.draft.derived import fill, scales, with_customer_end, with_flags, with_outcome
from orchestration.draft.entries import DayOrder, entry
from orchestration.draft.file_names import contract_name, glob_of, is_named
from orchestration.draft.fitting import Looks
from orchestration.draft.gone import mark_gone
from orchestration.draft.layout import ROWS, Sample, sample
from orchestration.draft.lexicon import plain
from orchestration.draft.matching import Candidate, assign, worth
from orchestration.draft.parts import Draft, Key
from orchestration.draft.second_look import look_again
from orchestration.draft.unanswered import invitations_of, leave_out_unanswered
from orchestration.draft.zone import say_zone
from orchestration.pull.contracts.extras import CARRYING, MOST, TAKEN
from orchestration.pull.kinds import NUMBERS, Kind, all_kinds
from orchestration.settings.declared import kpi_dimensions

#: A file whose name says what it holds counts as so much.
_NAMED = 4.0
#: The second best kind must lie so much behind.
_CLEAR = 0.65
#: Of kinds that are not clear so many are named.
_NEXT = 3
#: Fewer points than these speak for no kind.
_POOR = 3.0
#: A cut into more members is none that anybody reads.
_MOST_MEMBERS = 20


@dataclass(frozen=True)
class _File:
    """The drafted file, its first rows and what its columns look like."""

    path: Path
    read: Sample
    columns: list[Looks]


@dataclass(frozen=True)
class _Match:
    kind: Kind
    chosen: dict[str, Candidate]
    rivals: dict[str, list[Candidate]]
    points: float


def draft(path: Path, kind_name: str | None = None, name: str | None = None, timezone: str | None = None) -> Draft:
    """The contract that a file's names and contents suggest.

    Args:
        path: the export; its first 20,000 rows are looked at.
        kind_name: its kind, where the rules need not find it.
        name: of the contract; by default after the file and the kind.
        timezone: IANA zone of its local times.

    Raises:
        ConfigurationError: there is no such kind or zone, or the name is none.
        RefusedFileError: the file cannot be read.
    """
    if kind_name is not None and kind_name not in all_kinds():
        raise ConfigurationError(f"kind {kind_name!r} is none of: {', '.join(all_kinds())}")
    if timezone is not None and timezone not in time_zones():
        raise ConfigurationError(f"{timezone!r} is not an IANA time zone; such as Europe/Berlin")
    if name is not None and not re.fullmatch(r"[a-z][a-z0-9_]+", name):
        raise ConfigurationError(f"{name!r} is no name of a contract: lower snake case, two letters or more")
    read = sample(path)
    file = [Looks(seen) for seen in read.columns]
    match, why, doubt, others = _kind(path, file, kind_name)
    made = _made(_File(path, read, file), match, name or contract_name(path.name, match.kind.name), timezone)
    made.keys = {"kind": Key(match.kind.name, why, doubt), **made.keys}
    made.other_kinds = others
    if kind_name is None:
        given = _File(path, read, file)
        made = _with_lines(made, match.chosen, given, timezone, name)
        made = _with_invitations(made, given, timezone, name)
    return made


def _made(given: _File, match: _Match, name: str, timezone: str | None) -> Draft:
    """The contract of one kind."""
    kind, path, read, file = match.kind, given.path, given.read, given.columns
    made = Draft(name, kind.name, path.name, read.rows, [seen.name for seen in read.columns], notes=list(read.layout.notes))
    order = _day_order(match.chosen)
    for column, candidate in match.chosen.items():
        made.entries[column] = entry(kind, candidate, order)
        for rival in match.rivals.get(column, [])[:2]:
            made.entries[column].doubts.append(f"or {rival.name!r}, {rival.points:.0f} points")
    used = {candidate.looks.seen.position for candidate in match.chosen.values()}
    left = [looks for looks in file if looks.seen.position not in used]
    with_clock(made, kind, left, order)
    with_customer_end(made, kind, left)
    with_outcome(made, kind)
    with_flags(made, kind, left)
    fill(made, kind, left)
    mark_gone(made, kind, left)
    if kind.name == "surveys":
        leave_out_unanswered(made, read)
    scales(made, kind)
    look_again(made, kind, read, left)
    _say_form(made, read, path)
    say_zone(made, kind, read, match.chosen, timezone)
    _say_decimal(made, kind)
    made.not_found = [name for name, column in kind.columns.items() if name not in made.entries and not column.required]
    if kind.name == "surveys" and "score" in made.not_found:
        made.doubts.append("no column is known to be the score: which holds the answer?")
    made.unused = {looks.seen.name: _in_words(looks) for looks in left if looks.seen.present}
    made.extra = _carried(kind, left)
    return made


def _with_lines(made: Draft, made_of: dict[str, Candidate], given: _File, timezone: str | None, name: str | None) -> Draft:
    """One file may hold orders and their lines: then both kinds, where several rows are one order; else a word about it."""
    if made.kind not in ("orders", "order_items"):
        return made
    other = all_kinds()["order_items" if made.kind == "orders" else "orders"]
    match = _Match(other, *assign(other, given.columns), points=0)
    mine, its = made.entries["order_id"].looks, match.chosen.get("order_id")
    found = {*match.chosen, *made_of}
    has_both = {"ordered_at", "product_id", "unit_price"} <= found
    if not has_both or mine is None or its is None or its.looks is not mine:
        return made
    chosen = match.chosen if other.name == "order_items" else made_of
    of_lines = [given.read.cells[chosen[name].name] for name in ("product_id", "quantity", "unit_price") if name in chosen]
    is_carried = any(
        order is None and all(cells) for order, *cells in zip(given.read.cells[mine.seen.name], *of_lines, strict=True)
    )
    if mine.seen.is_unique and not is_carried:
        made.notes.append(f"the file seems to hold {other.name} too: draft a second contract with --kind {other.name}")
        return made
    second = _made(given, match, made.name, timezone)
    orders, lines = (made, second) if made.kind == "orders" else (second, made)
    shared = {**lines.keys, **orders.keys}
    kind_key = made.keys["kind"]
    # That the other one of the two lies close is no doubt any more.
    doubt = None if kind_key.doubt is None or kind_key.doubt.startswith(f"{other.name} is nearly") else kind_key.doubt
    if is_carried:
        shared["carry_down"] = Key([mine.seen.name], "an empty cell belongs to the order above it")
    for part in (orders, lines):
        part.name = name or contract_name(given.path.name, "").rstrip("_")
        part.keys = {**shared, "kind": Key(part.kind, kind_key.why, doubt)}
    orders.own["distinct_on"] = Key([mine.seen.name], "the first row of an order carries it")
    orders.also = [lines]
    # A column that the one kind carries is none of the other's.
    orders.unused = {column: looks for column, looks in orders.unused.items() if column in lines.unused}
    orders.extra = {key: value for key, value in orders.extra.items() if value[0] in orders.unused}
    lines.unused, lines.extra = {}, {}
    return orders


def _with_invitations(made: Draft, given: _File, timezone: str | None, name: str | None) -> Draft:
    """A list of surveys that were sent holds the answers, and the invitations of which they are a share."""
    if made.kind != "surveys" or "where" not in made.own:
        return made
    kind = all_kinds()["survey_invitations"]
    chosen, _ = assign(kind, given.columns)
    if "sent_at" not in chosen or not chosen["sent_at"].is_by_name:
        made.notes.append("the answers are a share of what was sent, but no column says when: map survey_invitations, too")
        return made
    sent = _made(given, _Match(kind, {"sent_at": chosen["sent_at"]}, {}, points=0), made.name, timezone).entries["sent_at"]
    other = invitations_of(made, sent)
    if other is None:
        made.notes.append("nothing identifies what was sent: map survey_invitations, too, as soon as a column does")
        return made
    kind_key = made.keys["kind"]
    for part in (made, other):
        part.name = name or contract_name(given.path.name, "").rstrip("_")
        part.keys = {**made.keys, "kind": Key(part.kind, kind_key.why, kind_key.doubt)}
    made.also = [other]
    made.unused.pop(chosen["sent_at"].name, None)
    made.extra = {key: value for key, value in made.extra.items() if value[0] in made.unused}
    return made


def _carried(kind: Kind, left: list[Looks]) -> dict[str, tuple[str, int]]:
    """Columns of few words that nothing uses: KPIs could be cut by them."""
    if kind.name not in CARRYING:
        return {}
    found: dict[str, tuple[str, int]] = {}
    for looks in left:
        name = "_".join(re.findall("[a-z0-9]+", plain(looks.seen.name)))
        name = name if re.match("[a-z]", name) else f"field_{name}".rstrip("_")
        is_taken = name in found or name in kind.columns or name in TAKEN or name in kpi_dimensions()
        few = looks.seen.values if looks.seen.may_be_shown and not looks.seen.is_unique else {}
        if 2 <= len(few) <= _MOST_MEMBERS and len(found) < MOST and looks.times.share < 0.5:
            found[f"{name}_field" if is_taken else name] = (looks.seen.name, len(few))
    return found


# -- kind --------------------------------------------------------------------------------------------------------------


def _kind(path: Path, file: list[Looks], wanted: str | None) -> tuple[_Match, str, str | None, list[str]]:
    """The kind for which most speaks, why, whether another one lies close, and the next ones."""
    kinds = [all_kinds()[wanted]] if wanted else list(all_kinds().values())
    matches = []
    for kind in kinds:
        chosen, rivals = assign(kind, file)
        matches.append(_Match(kind, chosen, rivals, worth(kind, chosen) + _NAMED * is_named(path.name, kind.name)))
    matches.sort(key=lambda match: -match.points)
    best = matches[0]
    if wanted:
        return best, "as asked for", None, []
    second = matches[1]
    others = [match.kind.name for match in matches[1 : 1 + _NEXT]]
    near = [match.kind.name for match in matches[1 : 1 + _NEXT] if match.points >= _CLEAR * best.points]
    # What a survey asks its score tells.
    required = [name for name in best.kind.required_columns if (best.kind.name, name) != ("surveys", "kind")]
    by_name = [name for name in required if name in best.chosen and best.chosen[name].is_by_name]
    why = f"{best.points:.0f} points, {len(best.chosen)} of its columns found; next {second.kind.name} with {second.points:.0f}"
    doubt = None
    if best.points <= _POOR:
        doubt = f"little speaks for any kind; next come {', '.join(others)}: --kind says which. A file of none needs none"
    elif near:
        doubt = f"{', '.join(near)} {'is' if len(near) == 1 else 'are'} nearly as likely: --kind says which"
    elif 2 * len(by_name) < len(required):
        known = f"few of the required columns of {best.kind.name} are known by their names"
        doubt = f"{known}: is it another kind, such as {second.kind.name}? --kind says which"
    return best, why, doubt, others


# -- what concerns the whole file --------------------------------------------------------------------------------------


def _day_order(chosen: dict[str, Candidate]) -> DayOrder:
    """What one column of the file proves for the others; else what is usual, with a doubt."""
    ambiguous = [(one.name, one.looks.times) for one in chosen.values() if one.looks.times.is_open]
    day = next(((name, times.day_first) for name, times in ambiguous if times.day_first and not times.month_first), None)
    month = next(((name, times.month_first) for name, times in ambiguous if times.month_first and not times.day_first), None)
    if day and not month:
        return DayOrder(True, f"day first, as {day[1]!r} in {day[0]!r}", None)
    if month and not day:
        return DayOrder(False, f"month first, as {month[1]!r} in {month[0]!r}", None)
    if ambiguous and all(times.separators == {"."} for _, times in ambiguous):
        return DayOrder(True, "day first, as everywhere with dots", None)
    firsts, seconds = (set[str]().union(*sets) for sets in ([t.firsts for _, t in ambiguous], [t.seconds for _, t in ambiguous]))
    # Days vary more than months do.
    is_month = len(firsts) < len(seconds) if len(firsts) != len(seconds) else any(times.has_half_days for _, times in ambiguous)
    first = "month" if is_month else "day"
    return DayOrder(not is_month, "", f"{first} first is a guess: no number above 12 shows which of the two is the day")


def _say_form(made: Draft, read: Sample, path: Path) -> None:
    claims = _distinctive_columns(made)
    glob = glob_of(path.name)
    made.keys["files"] = Key(
        {**({"name": glob} if glob else {}), "columns": claims},
        "files called so that have these columns" if glob else "files that have these columns",
        None if len(claims) > 1 else "one column is not enough to recognise the file: name more, or a part of its name",
    )
    for key, (value, why, doubt) in read.layout.said.items():
        made.keys[key] = Key(value, why, doubt)
    if read.broken:
        made.doubts.append(f"{read.broken:,} rows have more or fewer fields than the header")
    if not read.is_whole:
        made.notes.append(f"only the first {ROWS:,} rows were looked at")


def _distinctive_columns(made: Draft) -> list[str]:
    """Columns that distinguish the export: those of required columns first, of sure ones next."""
    sources = [
        entry.looks.seen.name
        for entry in sorted(made.entries.values(), key=lambda one: (bool(one.doubts), one.column not in _required(made)))
        if entry.looks is not None
    ]
    return list(dict.fromkeys(sources))[:5] or made.header[:3]


def _required(made: Draft) -> list[str]:
    return all_kinds()[made.kind].required_columns


def _say_decimal(made: Draft, kind: Kind) -> None:
    looked = [
        (entry.looks.seen.name, entry.looks.durations if kind.columns[name].type == "seconds" else entry.looks.numbers)
        for name, entry in made.entries.items()
        if kind.columns[name].type in NUMBERS and entry.looks is not None and entry.looks.numbers.share > 0.5
    ]
    comma = [(name, one.comma) for name, one in looked if one.comma]
    point = [(name, one.point) for name, one in looked if one.point]
    either = [(name, one.either) for name, one in looked if one.either]
    if comma and point:
        doubt = f"{comma[0][1]!r} in {comma[0][0]!r}, but {point[0][1]!r} in {point[0][0]!r}"
        made.keys["decimal"] = Key("," if len(comma) >= len(point) else ".", "", doubt)
    elif comma:
        made.keys["decimal"] = Key(",", f"{comma[0][1]!r} in {comma[0][0]!r}")
    elif either and not point:
        doubt = f"{either[0][1]!r} in {either[0][0]!r} can be thousands or a fraction"
        made.keys["decimal"] = Key("," if "." in str(either[0][1]) else ".", "", doubt)


def _in_words(looks: Looks) -> str:
    """What a column looks like, without a value that may be a person's."""
    seen = looks.seen
    if seen.emails > 0.8:
        return "e-mail addresses"
    if looks.times.share > 0.8:
        return "times" if looks.times.clocked else "dates"
    if looks.numbers.share > 0.9:
        return "phone numbers or other long numbers" if (looks.numbers.high or 0) > 1e7 else "numbers"
    return f"{len(seen.values):,} different texts"
