"""Lists of surveys that were sent: rows that nobody answered are no answers, and all of them are invitations."""

from __future__ import annotations

import re

from orchestration.core.literals import identifier, literals
from orchestration.draft.fitting import Looks
from orchestration.draft.layout import Sample
from orchestration.draft.lexicon import listed, plain
from orchestration.draft.parts import Draft, Entry, Key

#: Columns of which a row that is an answer fills one.
_ANSWERS = ("score", "comment", "issue_solved", "attributes")
#: In the name of an instant that an unanswered survey has, too.
ASKED = re.compile(r"\b(creat|sent|send|invit|erstellt|gesendet|versendet|envoy|cree|enviad|inviat|wyslan|utworz)")
#: What an invitation shares with its answer.
_SHARED = ("kind", "survey_id", "channel", "customer_id", "customer_email")


def leave_out_unanswered(made: Draft, read: Sample) -> None:
    """Let rows that hold no answer carry no record; they are counted, and reported."""
    columns = [looks for looks in (_read_from(made, name) for name in _ANSWERS) if looks is not None]
    if not columns or "where" in made.keys:
        return
    is_answered = [any(cells) for cells in zip(*(_cells(looks, read) for looks in columns), strict=True)]
    count = is_answered.count(False)
    if not 0 < count < len(is_answered):
        return
    when = _read_from(made, "responded_at")
    dated = [cell is not None for cell in _cells(when, read)] if when is not None else []
    why = f"{count:,} of {len(is_answered):,} rows hold no answer: they are left out, counted and reported"
    if when is not None and dated == is_answered:
        made.own["where"] = Key({when.seen.name: {"not": _nothing(when)}}, why)
    elif when is None or not all(dated) or ASKED.search(plain(when.seen.name)):
        made.own["where"] = Key(" or ".join(_is_filled(looks) for looks in columns), why)


def invitations_of(made: Draft, sent: Entry) -> Draft | None:
    """The surveys that were sent, as records beside the answers of a draft that leaves unanswered rows out.

    None where nothing identifies them; an answer gets its number from what was sent, not from what came back.
    """
    identity = made.entries["response_id"]
    if "sql" in identity.mapping:
        columns = [sent.looks, *(_read_from(made, name) for name in ("customer_id", "customer_email", "customer_phone"))]
        names = list(dict.fromkeys(looks.seen.name for looks in columns if looks is not None))
        if len(names) < 2:
            return None
        identity.mapping = {"sql": f"md5(concat_ws('|', {', '.join(map(identifier, names))}))"}
    where = made.own["where"].value
    answered = where if isinstance(where, str) else " and ".join(_is_held(name, held) for name, held in where.items())
    key = identity.mapping["sql"] if "sql" in identity.mapping else identifier(identity.mapping["from"])
    other = Draft(made.name, "survey_invitations", made.file, made.rows, made.header)
    same = "as its answer"
    other.entries = {
        "invitation_id": Entry("invitation_id", dict(identity.mapping), same, looks=identity.looks),
        "sent_at": sent,
        **{
            name: Entry(name, dict(one.mapping), same, words=one.words, looks=one.looks)
            for name in _SHARED
            if (one := made.entries.get(name)) is not None
        },
        "response_id": Entry("response_id", {"sql": f"case when {answered} then {key} end"}, "of those that were answered"),
    }
    return other


def _read_from(made: Draft, name: str) -> Looks | None:
    one = made.entries.get(name)
    return one.looks if one is not None and "from" in one.mapping else None


def _cells(looks: Looks, read: Sample) -> list[str | None]:
    nothing = _words_for_nothing(looks)
    return [cell if cell not in nothing else None for cell in read.cells[looks.seen.name]]


def _words_for_nothing(looks: Looks) -> list[str]:
    """Words for nothing, and those of a survey that is offered and not answered."""
    return [*looks.seen.missing, *(text for text in looks.seen.values if plain(text) in listed("not_rated"))]


def _nothing(looks: Looks) -> list[str | None] | None:
    """What a cell holds where there is no answer."""
    words = _words_for_nothing(looks)
    return [None, *words] if words else None


def _is_filled(looks: Looks) -> str:
    return _is_held(looks.seen.name, {"not": _nothing(looks)})


def _is_held(name: str, held: dict[str, list[str | None] | None]) -> str:
    words = [word for word in held["not"] or () if word is not None]
    filled = f"{identifier(name)} is not null"
    return f"({filled} and trim({identifier(name)}) not in ({literals(words)}))" if words else filled
