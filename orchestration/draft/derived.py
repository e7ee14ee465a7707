"""Required columns that the file does not hold as they are: put together from others, one value for all rows, or left open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from orchestration.core.literals import identifier, literals
from orchestration.draft.fitting import Looks, is_yes, meaning_of
from orchestration.draft.lexicon import is_end, listed, names_of, plain, vocabulary
from orchestration.draft.parts import Draft, Entry, Key, Word
from orchestration.draft.ratings import answer
from orchestration.pull.kinds import Column, Kind

#: Kind -> what its status is, by the last of these instants that a row has.
_STATUS_BY = {
    "orders": {
        "refunded_at": "refunded", "cancelled_at": "cancelled", "delivered_at": "delivered",
        "shipped_at": "shipped", "paid_at": "paid",
    },
    "tickets": {"closed_at": "closed", "solved_at": "solved"},
}  # fmt: skip
#: So many rows show whether a column differs in each.
_ENOUGH_ROWS = 5
#: States that count whatever another column says.
_OVER = ("cancelled", "returned", "refunded")
_STATUS_ELSE = {"orders": "created", "tickets": "open"}


def with_customer_end(draft: Draft, kind: Kind, left: list[Looks]) -> None:
    """Of calls the customer's number is the one `from` which a call came in, and the one `to` which a call went out."""
    made, way = draft.entries.get("customer_phone"), draft.entries.get("direction")
    if kind.name != "calls" or way is None or way.looks is None or (made is not None and not made.doubts and not _is_end(made)):
        return
    file = [*left, *([made.looks] if made and made.looks else [])]
    ends = {end: [one for one in file if is_end(one.seen.name, end)] for end in ("from", "to")}
    if not all(len(found) == 1 for found in ends.values()):
        return
    meanings = vocabulary("calls", "direction")
    out = [text for text in way.looks.seen.values if (meaning := meaning_of(text, meanings)) and meaning.value == "outbound"]
    came, went = (identifier(ends[end][0].seen.name) for end in ("from", "to"))
    direction = identifier(way.looks.seen.name)
    sql = f"case when {direction} in ({literals(out)}) then {went} else {came} end" if out else came
    doubt = "the other end than ours, by the direction; calls within the house name no customer"
    draft.entries["customer_phone"] = Entry("customer_phone", {"sql": sql}, "", doubts=[doubt])
    for one in (ends["from"][0], ends["to"][0]):
        if one in left:
            left.remove(one)


def _leave_out_internal(draft: Draft, way: Entry) -> None:
    """Calls within the house are no customers'."""
    assert way.looks is not None
    found = [text for text in way.looks.seen.values if plain(text) in listed("internal")]
    if found and "where" not in draft.keys:
        count = sum(way.looks.seen.values[text] for text in found)
        why = f"{count:,} rows are calls within the house: they are left out, counted and reported"
        draft.own["where"] = Key({way.looks.seen.name: {"not": found}}, why)
        way.words = [word for word in way.words if word.written not in found]


def with_flags(draft: Draft, kind: Kind, left: list[Looks]) -> None:
    """'Storniert: ja' beside a state: the order is cancelled, whatever its state says."""
    made = draft.entries.get("status")
    if kind.name != "orders" or made is None or made.looks is None or "from" not in made.mapping:
        return
    meanings, boolean = vocabulary("orders", "status"), kind.columns["is_deleted"]
    for looks in list(left):
        meaning = meanings.get(plain(looks.seen.name).removeprefix("is "))
        yes = [text for text in looks.seen.values if is_yes(text)]
        if meaning is None or meaning.value not in _OVER or not yes or looks.fit(kind, boolean).share < 0.95:
            continue
        flag, state = identifier(looks.seen.name), identifier(made.looks.seen.name)
        made.mapping = {"sql": f"case when trim({flag}) in ({literals(yes)}) then '{meaning.value}' else {state} end"}
        made.doubts.append(f"{meaning.value} where {looks.seen.name!r} says yes, whatever the state says")
        left.remove(looks)
        return


def with_outcome(draft: Draft, kind: Kind) -> None:
    """A "Call type" of inbound, outbound, missed and voicemail says both: which way a call went, and how it ended."""
    way, end = draft.entries.get("direction"), draft.entries.get("disposition")
    if kind.name != "calls" or way is None or way.looks is None or "from" not in way.mapping:
        return
    _leave_out_internal(draft, way)
    ends = {text: meaning_of(text, vocabulary("calls", "disposition")) for text in way.looks.seen.values}
    ways = {text: meaning_of(text, vocabulary("calls", "direction")) for text in way.looks.seen.values}
    unknown = [text for text, meaning in ways.items() if meaning is None]
    if not unknown or not all(ends[text] for text in unknown):
        return
    for place, word in enumerate(way.words):
        if word.value is None:
            way.words[place] = replace(word, value="inbound", doubt="did each of them come in?")
    if end is not None and any(word.value is not None for word in end.words):
        return
    words = []
    for text, rows in way.looks.seen.values.items():
        meaning = ends[text]
        if meaning is None:
            words.append(Word(text, "answered", rows, "was each of them answered?"))
        else:
            words.append(Word(text, meaning.value, rows, None if meaning.is_sure else "can mean something else too"))
    draft.entries["disposition"] = Entry(
        "disposition", {"from": way.looks.seen.name}, "its words say it, too", words, looks=way.looks
    )
    draft.arrange(kind)


def _is_end(made: Entry) -> bool:
    """Is it one of the two ends of a line, and so the customer's in calls of one direction only?"""
    return made.looks is not None and any(is_end(made.looks.seen.name, end) for end in ("from", "to"))


def fill(draft: Draft, kind: Kind, left: list[Looks]) -> None:
    """Map each required column that no column of the file is."""
    special: dict[tuple[str, str], Callable[[Draft, Kind], Entry | None]] = {
        ("surveys", "response_id"): lambda draft, kind: _of_each(draft, "survey_id", "response_id", kind),
        ("calls", "call_id"): lambda draft, kind: _of_each(draft, "interaction_id", "call_id", kind),
        ("surveys", "kind"): _survey_kind,
        ("survey_invitations", "kind"): _survey_kind,
        ("orders", "status"): _status,
        ("tickets", "status"): lambda draft, kind: _status(draft, kind) or _is_solved(kind, left),
        ("order_items", "line_id"): _line,
        ("order_items", "quantity"): lambda *_: Entry(
            "quantity", {"value": 1}, "no column holds it", doubts=["one piece a line? The file has no quantity"]
        ),
        ("order_items", "product_id"): _product,
        ("ticket_events", "event_type"): lambda *_: None,
    }
    for name in kind.required_columns:
        if name in draft.entries:
            continue
        made = None
        if put_together := special.get((kind.name, name)):
            made = put_together(draft, kind)
        elif [name] == list(kind.key):
            made = _own_key(draft, kind, name)
        elif name == "customer_id":
            made = _person(draft)
        draft.entries[name] = made or _nothing(kind, name, left)
    draft.arrange(kind)


def _nothing(kind: Kind, name: str, left: list[Looks]) -> Entry:
    """A line that loads, sends every row to quarantine, and names what it might be."""
    column = kind.columns[name]
    might = [one.seen.name for one in left if one.seen.present and one.fit(kind, column).share > 0.8][:4]
    hint = f"; it might be {', '.join(map(repr, might))}" if might else ""
    doubt = f"required, and no column of the file is known to be it{hint}. Every row goes to quarantine until it is mapped"
    return Entry(name, {"sql": "null"}, "", doubts=[doubt])


def _survey_kind(draft: Draft, _: Kind) -> Entry | None:
    score = draft.entries.get("score")
    header = plain(f"{score.looks.seen.name} {score.looks.seen.described}") if score and score.looks else ""
    for text, where in ((header, "the score's column"), (plain(draft.file), "the file")):
        for begins, meaning in listed("surveys").items():
            if re.search(rf"\b{begins}", text):
                kind = meaning.value
                doubt = None if where == "the score's column" else f"is all of this file {kind}?"
                return Entry("kind", {"value": kind}, f"{where} is called so", doubts=[doubt] if doubt else [])
    if score and score.looks and score.looks.numbers.low is not None:
        low, high = score.looks.numbers.low, score.looks.numbers.high or 0
        guess = "nps" if high > 7 and low >= 0 and high <= 10 else "csat"
        return Entry(
            "kind", {"value": guess}, "", doubts=[f"a guess by the scores, {low:g} to {high:g}: nps, csat, ces, enps or brand?"]
        )
    return None


def _of_each(draft: Draft, called: str, name: str, kind: Kind) -> Entry | None:
    """A "Survey ID" that differs in each row is that of the answer, and an "Interaction ID" that of the call."""
    made = draft.entries.get(called)
    seen = made.looks.seen if made is not None and made.looks is not None else None
    if made is None or seen is None or not seen.is_unique or seen.present < seen.rows or seen.rows < _ENOUGH_ROWS:
        return _own_key(draft, kind, name)
    del draft.entries[called]
    return Entry(name, dict(made.mapping), "it differs in each row", looks=made.looks)


def _status(draft: Draft, kind: Kind) -> Entry | None:
    """By the last instant that a row has."""
    cases = []
    for column, status in _STATUS_BY[kind.name].items():
        made = draft.entries.get(column)
        if made and made.looks and "from" in made.mapping:
            cases.append(f"when {identifier(made.looks.seen.name)} is not null then '{status}'")
    if not cases:
        return None
    sql = f"case {' '.join(cases)} else '{_STATUS_ELSE[kind.name]}' end"
    return Entry(
        "status", {"sql": sql}, "no column holds it", doubts=["by the dates that a row has; are these all the states there are?"]
    )


def _is_solved(kind: Kind, left: list[Looks]) -> Entry | None:
    """'erledigt: ja / nein', which a list kept by hand has for its state."""
    solved = {name for name, one in names_of(kind.name).items() if one.column in ("solved_at", "closed_at")}
    words = solved | set(vocabulary(kind.name, "status"))
    boolean = kind.columns["is_spam"]
    for looks in left:
        if plain(looks.seen.name) in words and looks.fit(kind, boolean).share > 0.95:
            made = Entry("status", {"from": looks.seen.name}, "yes and no of being solved", looks=looks)
            made.doubts.append("is it solved where it says yes, and open where it says no or nothing?")
            for text, rows in looks.seen.values.items():
                made.words.append(Word(text, "solved" if is_yes(text) else "open", rows))
            left.remove(looks)
            return made
    return None


def _line(draft: Draft, _: Kind) -> Entry | None:
    """The place of a line in its order."""
    order = draft.entries.get("order_id")
    if order is None or order.looks is None:
        return None
    doubt = "its place in the order: an export that brings a part of an order would number its lines from 1 again"
    return Entry("line_id", {"place_in": [order.looks.seen.name]}, "lines carry no number of their own", doubts=[doubt])


def _product(draft: Draft, _: Kind) -> Entry | None:
    named = draft.entries.get("product_name")
    if named is None or named.looks is None:
        return None
    return Entry("product_id", {"from": named.looks.seen.name}, "", doubts=["by its name: no column holds a product's number"])


def _person(draft: Draft) -> Entry | None:
    named = draft.entries.get("customer_email") or draft.entries.get("email")
    if named is None or named.looks is None:
        return None
    return Entry(
        "customer_id", {"from": named.looks.seen.name}, "", doubts=["the e-mail address: no column holds a customer's number"]
    )


def _own_key(draft: Draft, kind: Kind, name: str) -> Entry | None:
    """A number made of what distinguishes a record from another: who, when and what about."""
    if kind.name == "orders":
        return None
    columns = [
        # A day with its time of day, where they are two columns: a caller may call twice a day.
        made.mapping["sql"] if "sql" in made.mapping and "format" in made.mapping else identifier(made.looks.seen.name)
        for column, made in draft.entries.items()
        if made.looks and made.looks.seen.present and (_tells_apart(kind.columns[column]) or column == "score")
    ]
    if len(columns) < 2:
        return None
    sql = f"md5(concat_ws('|', {', '.join(columns)}))"
    doubt = "no column is an id: made of the columns that differ between records; rows equal in all of them are one record"
    return Entry(name, {"sql": sql}, "", doubts=[doubt])


def _tells_apart(column: Column) -> bool:
    return column.type != "one_of" and (column.required or column.is_personal or column.is_id)


# -- scales ------------------------------------------------------------------------------------------------------------


def scales(draft: Draft, kind: Kind) -> None:
    """The highest answer of ratings and scores, where no column holds it."""
    for score, scale in (("rating", "rating_scale"), ("csat_score", "csat_scale")):
        made = draft.entries.get(score)
        if scale in kind.columns and scale not in draft.entries and made and made.looks and made.looks.seen.present:
            draft.entries[scale] = _scale(made, scale)
    if kind.name == "surveys":
        _survey_scale(draft)
    draft.arrange(kind)


def _scale(made: Entry, scale: str) -> Entry:
    assert made.looks is not None
    if made.top is not None:
        return Entry(scale, {"value": made.top}, "its cells say of how many")
    values = {word.value for word in made.words if isinstance(word.value, int | float)}
    if values and values <= {1, 2} and not any(answer(word.written) for word in made.words):
        return Entry(scale, {"value": 2}, "good and bad: 2 and 1 of 2")
    high = max([made.looks.numbers.high or 0, *values])
    low = min([made.looks.numbers.low if made.looks.numbers.low is not None else high, *values])
    for top in (5, 10, 100):
        if high <= top:
            sure = high == top and low >= (1 if top == 5 else 0) and (top == 5 or low < top / 2)
            doubt = None if sure and top != 100 else f"the highest answer: the file's run from {low:g} to {high:g}"
            return Entry(scale, {"value": top}, f"{low:g} to {high:g} occur", doubts=[doubt] if doubt else [])
    return Entry(scale, {"value": 100}, "", doubts=[f"the file's answers run up to {high:g}"])


def _survey_kinds(entry: Entry | None) -> set[str]:
    """The kinds of surveys that a file holds, as far as they are known."""
    if entry is None:
        return set()
    if "value" in entry.mapping:
        return {str(entry.mapping["value"])}
    meanings = vocabulary("surveys", "kind")
    texts = entry.looks.seen.values if entry.looks else {}
    return {meaning.value if (meaning := meaning_of(text, meanings)) else text for text in texts}


def _survey_scale(draft: Draft) -> None:
    score, kinds = draft.entries.get("score"), _survey_kinds(draft.entries.get("kind"))
    if score is None or score.looks is None:
        return
    values = [word.value for word in score.words if isinstance(word.value, int | float)]
    values += [value for value in (score.looks.numbers.low, score.looks.numbers.high) if value is not None]
    if not values:
        return
    low, high = min(values), max(values)
    if kinds and kinds <= {"nps", "enps"}:
        if high > 10 or low < 0:
            score.doubts.append(f"scores of {low:g} to {high:g} are not those of an NPS, 0 to 10")
        return
    if "scale_min" in draft.entries or "scale_max" in draft.entries:
        return
    if len(kinds) > 1:
        score.doubts.append("several kinds of surveys, and no column holds the scale: map scale_min and scale_max by kind")
        return
    top = score.top or next((top for top in (5, 7, 10, 100) if high <= top), int(high))
    bottom = 0 if low < 1 else 1
    sure = high == top and low == bottom and (top in (5, 7) or score.top is not None)
    doubts = [] if sure else [f"the file's answers run from {low:g} to {high:g}"]
    draft.entries["scale_min"] = Entry("scale_min", {"value": bottom}, f"{low:g} occurs", doubts=list(doubts))
    draft.entries["scale_max"] = Entry("scale_max", {"value": top}, f"{high:g} occurs", doubts=list(doubts))
    if kinds == {"ces"} and "polarity" not in draft.entries:
        score.doubts.append("does a high answer mean effort or ease? Map polarity: {value: effort} or {value: ease}")
