"""Doubts that one column alone does not raise: other columns, other rows of one record, and what the kind means by a word."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestration.core.literals import identifier
from orchestration.draft.fitting import Looks, meaning_of
from orchestration.draft.layout import Sample
from orchestration.draft.lexicon import listed, plain, vocabulary
from orchestration.draft.matching import is_question
from orchestration.draft.parts import Draft, Entry, Word
from orchestration.pull.kinds import Column, Kind

#: Another column whose words are known to this share may be meant instead.
_RIVAL = 0.85
#: Words that make a column the number or the name of a thing.
_OF_A_THING = ("id", "code", "name", "key", "no", "number")
#: What shops call the number of a product.
_NUMBERED = re.compile(
    r"\b(sku|asin|ean|gtin|upc|isbn|(product|item|article|listing|variant|artikel) ?(id|no|number|code|nr|nummer))\b"
)
_MONEY = ("money", "money_size")
#: In names of instants at which a survey was sent.
_ASKED = re.compile(r"creat|sent")


def look_again(made: Draft, kind: Kind, read: Sample, left: list[Looks]) -> None:
    """Add the doubts that the whole file raises.

    Args:
        made: the draft; its entries get the doubts.
        kind: its kind.
        read: the file's first rows.
        left: columns that nothing uses.
    """
    file = [*left, *(one.looks for one in made.entries.values() if one.looks)]
    names = {looks.seen.name for looks in file}
    for column, one in made.entries.items():
        if one.looks is None or not one.looks.seen.present:
            continue
        spec = kind.columns[column]
        _repeated(one, names)
        _listed_in_a_cell(one, one.looks, spec)
        _markup(one, one.looks, spec)
        _unlike_the_others(one, one.looks, kind, spec)
        if spec.values:
            _other_words(one, kind, spec, left)
        elif spec.type == "text":
            _code_or_name(one, file)
            _words_of_another(one, one.looks, kind)
    _school_grades(made)
    _other_ids(made, kind, left)
    _by_record(made, kind, read)
    _interactions(made)
    _answered_later(made, left)
    _variants(made, left)
    _amounts(made, kind, left)
    _meanings(made, kind, read, left)


# -- one column --------------------------------------------------------------------------------------------------------


def _repeated(one: Entry, names: set[str]) -> None:
    """A header that occurs several times is one list in several cells."""
    assert one.looks is not None
    more = sorted(name for name in names if re.fullmatch(rf"{re.escape(one.looks.seen.name)}\.\d+", name))
    if more:
        one.doubts.append(f"the file has {len(more) + 1} columns of this name, only the first is read: {', '.join(more)} too?")


def _listed_in_a_cell(one: Entry, looks: Looks, spec: Column) -> None:
    if spec.name in ("agent_id", "team", "queue", "topic", "product_id"):
        share = looks.seen.share(lambda text: re.search(r"\S; ?\S|\S \| \S", text))
        if share and "sql" not in one.mapping:
            one.doubts.append(f"{share:.0%} of its cells hold several values: which of them counts?")


def _markup(one: Entry, looks: Looks, spec: Column) -> None:
    if spec.type in ("text", "prose") and "sql" not in one.mapping:
        share = looks.seen.share(lambda text: re.search(r"<(p|br|div|span|b|i|a|ul|li|table)\b[^>]*>", text))
        if share:
            one.doubts.append(f"{share:.0%} of its cells hold HTML: is there a column of plain text?")


def _unlike_the_others(one: Entry, looks: Looks, kind: Kind, spec: Column) -> None:
    """Among ids with digits a word is often one for "none"."""
    if not spec.is_id and spec.name != "product_id":
        return
    words = [text for text in looks.seen.values if not re.search(r"\d", text)]
    if words and len(words) <= 2 and looks.seen.share(lambda text: re.search(r"\d", text)) > 0.5 and looks.seen.may_be_shown:
        one.doubts.append(f"unlike the others: {', '.join(map(repr, words))}. Does it stand for none? Then add it to `missing`")


def _other_words(one: Entry, kind: Kind, spec: Column, left: Iterable[Looks]) -> None:
    """A second column of known words: the state of the payment and that of the parcel."""
    meanings = vocabulary(kind.name, spec.name)
    for other in left:
        known = other.seen.share(lambda text: meaning_of(text, meanings) is not None)
        if known >= _RIVAL and other.numbers.share < 0.5 and _shares_a_word(one, other):
            one.doubts.append(f"or {other.seen.name!r}, whose words are known too: which of them tells it?")


def _words_of_another(one: Entry, looks: Looks, kind: Kind) -> None:
    """A "Category" of calls may hold "missed": a word of how the call went, and no topic."""
    if looks.seen.present < 2 or not looks.seen.may_be_shown:
        return
    words = {spec.name: vocabulary(kind.name, spec.name) for spec in kind.columns.values() if spec.values}
    known = [{name for name, meanings in words.items() if plain(text) in meanings} for text in looks.seen.values]
    if all(known) and len(known) > 1:
        others = [name for name in words if any(name in names for names in known)]
        one.doubts.append(f"its words are those of {', '.join(others)}: is it that?")


def _school_grades(made: Draft) -> None:
    """A German "Note" is as often one of which 1 is the best; the French one is none."""
    languages = [language for language in ("German", "French") for one in made.entries.values() if f"{language} name" in one.why]
    if languages.count("German") < max(1, languages.count("French")):
        return
    for one in (made.entries.get(column) for column in ("rating", "score", "csat_score")):
        words = plain(one.looks.seen.name).split() if one is not None and one.looks is not None else []
        if one is not None and any(word in ("note", "schulnote", "gesamtnote") for word in words):
            one.doubts.append("a grade of which 1 is the best? Then turn it round with `map`: the highest is the best here")


def _code_or_name(one: Entry, file: Iterable[Looks]) -> None:
    """A number and a name of one thing: 'owner_id' and 'owner', 'country' and 'countryCode'."""
    assert one.looks is not None
    if "sql" in one.mapping:
        return
    mine = _thing(one.looks)
    more = [looks.seen.name for looks in file if looks is not one.looks and looks.seen.present and mine and _thing(looks) == mine]
    if more:
        one.doubts.append(f"or {', '.join(map(repr, more[:3]))}: the same in each export is what counts")


def _thing(looks: Looks) -> list[str]:
    return [word for word in plain(looks.seen.name).split() if word not in _OF_A_THING]


def _shares_a_word(one: Entry, other: Looks) -> bool:
    """Names with the same last word: 'Financial Status' and 'Fulfillment Status', 'source.type' and 'type'."""
    assert one.looks is not None
    mine, its = plain(one.looks.seen.name).split(), plain(other.seen.name).split()
    return bool(mine and its) and mine[-1] == its[-1]


def _other_ids(made: Draft, kind: Kind, left: list[Looks]) -> None:
    """A second number of each row: that of the export or that of the record."""
    key = made.entries.get(kind.key[0]) if len(kind.key) == 1 else None
    if key is None or key.looks is None:
        return
    more = [
        one.seen.name
        for one in left
        if one.seen.is_unique and one.seen.present == one.seen.rows > 1 and re.search(r"id$|\b(uuid|guid)$", plain(one.seen.name))
    ]
    if more:
        key.doubts.append(f"or {', '.join(map(repr, more[:3]))}, which differ in each row too")


def _answered_later(made: Draft, left: list[Looks]) -> None:
    """A survey's row is often made when the question is sent, and changed when it is answered."""
    one = made.entries.get("responded_at")
    if one is None or one.looks is None or not re.search(r"creat|sent", plain(one.looks.seen.name)):
        return
    more = [
        looks.seen.name for looks in left if looks.times.share > _RIVAL and not re.search(r"creat|sent", plain(looks.seen.name))
    ]
    if more:
        one.doubts.append(f"or {', '.join(map(repr, more[:3]))}: the question may be older than its answer")


def _variants(made: Draft, left: list[Looks]) -> None:
    """The name of a product, and that of its size or colour in a column of its own."""
    one = made.entries.get("product_name")
    more = [looks.seen.name for looks in left if re.search(r"\bvariant\b", plain(looks.seen.name)) and not looks.numbers.share]
    if one is not None and one.looks is not None and "sql" not in one.mapping and more:
        one.doubts.append(f"or together with {', '.join(map(repr, more[:3]))}: which of them makes a product?")


# -- several rows of one record ----------------------------------------------------------------------------------------


def _by_record(made: Draft, kind: Kind, read: Sample) -> None:
    """Where several rows share the id, a column that differs among them is of the row, not of the record."""
    if len(kind.key) != 1:
        return
    key = made.entries.get(kind.key[0])
    if key is None or key.looks is None or key.looks.seen.is_unique:
        return
    ids = read.cells[key.looks.seen.name]
    for column, one in made.entries.items():
        if one is key or one.looks is None:
            continue
        cells_of: dict[str, set[str | None]] = {}
        for record, cell in zip(ids, read.cells[one.looks.seen.name], strict=True):
            if record is not None:
                cells_of.setdefault(record, set()).add(cell)
        differing = sum(len(cells) > 1 for cells in cells_of.values())
        adds_up = kind.columns[column].type in _MONEY and len(cells_of) < len(ids)
        if differing:
            one.doubts.append(f"rows of one {key.looks.seen.name} differ in it ({differing:,}): of the row, or of the whole?")
        elif adds_up:
            one.doubts.append(f"is in each row of one {key.looks.seen.name}: of the row, or of the whole?")


def _interactions(made: Draft) -> None:
    """A leg that names the call it belongs to: the call itself names none, or itself."""
    part, own = made.entries.get("interaction_id"), made.entries.get("call_id")
    if part is None or part.looks is None or own is None or own.looks is None or "from" not in part.mapping:
        return
    values = part.looks.seen
    if values.present < values.rows and any(text in own.looks.seen.values for text in values.values):
        columns = ", ".join(identifier(one.seen.name) for one in (part.looks, own.looks))
        part.mapping = {"sql": f"coalesce({columns})"}
        part.doubts.append(f"{values.rows - values.present:,} rows name none and are taken for the beginning of one")


# -- money -------------------------------------------------------------------------------------------------------------


def _amounts(made: Draft, kind: Kind, left: list[Looks]) -> None:
    amounts = [
        one for name, one in made.entries.items() if kind.columns[name].type in _MONEY and one.looks and "from" in one.mapping
    ]
    _cents(amounts)
    _of_a_line(made)
    known = made.entries.get("currency")
    more = [looks for looks in left if "currency" in plain(looks.seen.name) and looks.seen.present]
    if known and known.looks and any(set(looks.seen.values) != set(known.looks.seen.values) for looks in more):
        doubt = f"another currency is in {', '.join(repr(looks.seen.name) for looks in more[:3])}: which amounts are in which?"
        for one in [known, *amounts]:
            one.doubts.append(doubt)


def _of_a_line(made: Draft) -> None:
    """A price beside a quantity is that of one piece where its name says so."""
    price, pieces = made.entries.get("unit_price"), made.entries.get("quantity")
    if price is None or price.looks is None or pieces is None or pieces.looks is None or (pieces.looks.numbers.high or 0) <= 1:
        return
    if not re.search(r"\b(unit|each|per|stuck|einzel|unitaire|unitario|unitaria|jednostkowa)", plain(price.looks.seen.name)):
        price.doubts.append(f"of one piece, or of the line? There are up to {pieces.looks.numbers.high:g} pieces in a line")


def _cents(amounts: list[Entry]) -> None:
    """Cents show where an amount is large; the small ones beside it are cents then too."""
    if any("are they cents" in doubt for one in amounts for doubt in one.doubts):
        for one in amounts:
            assert one.looks is not None
            if one.looks.numbers.whole and one.looks.numbers.high and not any("cents" in doubt for doubt in one.doubts):
                one.doubts.append("whole numbers, as others that may be cents")


# -- what words of a kind mean -----------------------------------------------------------------------------------------


def _meanings(made: Draft, kind: Kind, read: Sample, left: list[Looks]) -> None:
    entries = made.entries
    if kind.name == "tickets":
        _closed(entries.get("status"))
        closed = entries.get("closed_at")
        if closed and closed.looks and closed.looks.seen.present and "solved_at" not in entries:
            closed.doubts.append("no column says when it was solved: is this it? Then map solved_at")
        merged = [one.seen.name for one in left if {"master", "merged", "parent"} & set(plain(one.seen.name).split())]
        gone = entries.get("is_deleted")
        if gone and merged:
            gone.doubts.append(f"a deleted ticket is in no KPI: were some merged into others ({', '.join(merged[:2])})?")
    if "disposition" in entries:
        _missed(entries["disposition"], left)
    if kind.name == "reviews" and (source := entries.get("source")) and source.looks and source.looks.seen.present:
        source.doubts.append("the platform whose ids these are, or how the review was asked for?")
    if kind.name == "surveys" and (score := entries.get("score")):
        more = [one.seen.name for one in left if is_question(one)]
        score.doubts += [f"{', '.join(map(repr, more[:3]))} asks for an answer too: each is a record, by `kinds`"] if more else []
    if amount := entries.get("monthly_amount"):
        more = [one.seen.name for one in left if listed("intervals").keys() & set(plain(one.seen.name).split())]
        amount.doubts += [f"of a month, or of what {more[0]!r} says? A year's is twelve times as much"] if more else []
    if product := entries.get("product_id"):
        more = [one.seen.name for one in left if one.seen.present and _NUMBERED.search(plain(one.seen.name))]
        product.doubts += [f"or {', '.join(map(repr, more[:3]))}: the same in each export is what counts"] if more else []
    if kind.name == "web_sessions":
        source = entries.get("source")
        if source and source.looks and source.looks.seen.present < source.looks.seen.rows:
            source.doubts.append("empty in some rows: did these come directly? Other columns may say it")
        _known_elsewhere(entries.get("visitor_id"), entries.get("customer_id"), read)
    if kind.name == "ticket_events":
        _no_beginning(entries.get("event_type"), kind)


def _missed(disposition: Entry, left: list[Looks]) -> None:
    """A call that came in outside opening hours was missed, and nobody gave up waiting."""
    words = {"reason", "grund", "motif", "motivo", "powod"}
    reasons = [one.seen.name for one in left if one.seen.present and words & set(plain(one.seen.name).split())]
    if reasons and any(word.value == "abandoned" for word in disposition.words):
        disposition.doubts.append(f"{reasons[0]!r} says why: calls outside opening hours are excluded, not abandoned")


def _known_elsewhere(visitor: Entry | None, customer: Entry | None, read: Sample) -> None:
    """A visitor who signs in is known from then on."""
    if visitor is None or customer is None or visitor.looks is None or customer.looks is None:
        return
    who: dict[str | None, set[bool]] = {}
    for seen, known in zip(read.cells[visitor.looks.seen.name], read.cells[customer.looks.seen.name], strict=True):
        who.setdefault(seen, set()).add(known is not None)
    if any(len(states) > 1 for states in who.values()):
        customer.doubts.append("some visitors are known in some of their rows only: are the other rows theirs too?")


def _closed(status: Entry | None) -> None:
    """Closed is what a desk ends a solved ticket with, days later; where no word says solved, it may be that."""
    if status is None or status.looks is None or "from" not in status.mapping:
        return
    meanings = vocabulary("tickets", "status")
    known = {text: meaning.value for text in status.looks.seen.values if (meaning := meaning_of(text, meanings))}
    if "solved" in known.values():
        return
    for text, value in known.items():
        if value == "closed":
            status.words = [word for word in status.words if word.written != text]
            doubt = "solved? No other word says so"
            status.words.append(Word(text, "closed", status.looks.seen.values[text], doubt))


def _no_beginning(event: Entry | None, kind: Kind) -> None:
    if event is None or event.looks is None or "from" not in event.mapping:
        return
    meanings = vocabulary(kind.name, "event_type")
    if not any((meaning := meaning_of(text, meanings)) and meaning.value == "created" for text in event.looks.seen.values):
        event.doubts.append("no word says that a ticket was created: is it the first of the others?")
