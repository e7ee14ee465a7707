"""From a matched column to its mapping: format, unit, words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.draft.columns import Seen
from orchestration.draft.fitting import UNDERSTOOD, Looks, meaning_of
from orchestration.draft.lexicon import Meaning, callers, listed, plain, vocabulary
from orchestration.draft.matching import Candidate
from orchestration.draft.numbers import unit_of
from orchestration.draft.parts import Entry, Word
from orchestration.draft.ratings import NUMBER, answer, are_of_five
from orchestration.draft.times import Times
from orchestration.pull.kinds import NUMBERS, TIMES, Column, Kind
from orchestration.pull.rows.values import MISSING_WORDS

#: So many words of one column are listed.
_WORDS = 40
#: So many agents with a record each are none.
_EACH = 10
_COUNTS = {
    "epoch_seconds": "seconds since 1970",
    "epoch_milliseconds": "milliseconds since 1970",
    "epoch_microseconds": "microseconds since 1970",
    "epoch_nanoseconds": "nanoseconds since 1970",
    "excel_days": "days since 1899-12-30",
}
_NO_ANSWER = re.compile(r"abandon|miss|verpasst|manqu|perdid|pers[ao]|nieodebr|porzuc|unanswer|lost")


@dataclass(frozen=True)
class DayOrder:
    """Which of two numbers of a date is the day, where a column does not prove it itself."""

    day_first: bool
    why: str
    doubt: str | None


def entry(kind: Kind, chosen: Candidate, order: DayOrder) -> Entry:
    """The mapping of a column to the one that was matched with it."""
    column, looks = kind.columns[chosen.column], chosen.looks
    made = Entry(column.name, {"from": looks.seen.name}, f"{chosen.points:.0f}: {chosen.why}", looks=looks)
    if chosen.doubt:
        made.doubts.append(chosen.doubt)
    if not looks.seen.present:
        return made
    if column.type in TIMES:
        _as_times(made, looks, order)
    elif column.type == "seconds":
        _as_duration(made, looks)
    elif column.type in NUMBERS:
        _as_number(made, looks, column)
    elif column.type == "boolean":
        made.words = _yes_no(looks.seen)
        made.doubts += [] if all(word.value is not None for word in made.words) else ["some of its words are neither yes nor no"]
    elif column.values:
        _as_words(made, looks, kind, column)
    elif column.is_id:
        _as_id(made, looks, kind, column)
    else:
        _as_text(made, looks.seen, column)
    _missing(made, looks.seen, column)
    return made


# -- times -------------------------------------------------------------------------------------------------------------


def day_order(times: Times, order: DayOrder) -> DayOrder:
    """What the column itself proves, else what the file does."""
    if times.day_first and times.month_first:
        doubt = (
            f"{times.day_first!r} has the day first and {times.month_first!r} the month: both are tried, the first format first"
        )
        return DayOrder(True, "", doubt)
    if times.day_first:
        return DayOrder(True, f"day first: {times.day_first!r}", None)
    if times.month_first:
        return DayOrder(False, f"month first: {times.month_first!r}", None)
    return order


def _as_times(made: Entry, looks: Looks, order: DayOrder) -> None:
    times = looks.times
    if times.unit:
        made.mapping["unit"] = times.unit
        made.why += f"; {_COUNTS[times.unit]}"
        if times.unit == "excel_days" and not times.clocked:
            made.doubts.append("whole numbers as those by which a spreadsheet counts days")
    elif times.forms:
        decided = day_order(times, order)
        formats = times.formats(decided.day_first)
        if times.day_first and times.month_first:
            formats = list(dict.fromkeys([*formats, *times.formats(False)]))
        made.mapping["format"] = formats[0] if len(formats) == 1 else formats
        if times.is_open:
            made.why += f"; {decided.why}" if decided.why else ""
            made.doubts += [decided.doubt] if decided.doubt else []
        if times.is_year_open:
            made.doubts.append("years of two digits: is the last number the year?")
    if times.unknown_months:
        made.doubts.append(f"words where months should be: {', '.join(sorted(times.unknown_months)[:12])}")
    if times.share < 0.999:
        made.doubts.append(f"{1 - times.share:.1%} of its texts are no time that is understood")
    if times.nothing:
        made.mapping["missing"] = times.nothing
        made.why += f"; {', '.join(times.nothing)} stands for none"


# -- numbers -----------------------------------------------------------------------------------------------------------


def _as_duration(made: Entry, looks: Looks) -> None:
    durations, unit = looks.durations, unit_of(looks.seen.name)
    others = looks.seen.present - durations.spelled - durations.short_clocks
    if durations.short_clocks:
        made.mapping["unit"] = "mm:ss"
        if durations.long_clock:
            made.why += f"; minutes and seconds: as hours {durations.long_clock!r} would be longer than a day"
        else:
            made.doubts.append(f"{durations.short_clocks:,} like 4:05: minutes and seconds (mm:ss) or hours and minutes (hh:mm)?")
    elif others and unit:
        made.mapping["unit"] = unit.value
        made.why += f"; the name says {unit.value}"
    elif others and durations.high is not None:
        made.doubts.append(f"taken for seconds (the largest is {durations.high:,.0f}): its name says no unit")
    if durations.short_clocks and others:
        made.doubts.append("some are plain numbers: of which unit?")


def _as_number(made: Entry, looks: Looks, column: Column) -> None:
    numbers = looks.numbers
    if column.name in ("rating", "csat_score", "score") and numbers.share < 0.999:
        _as_answers(made, looks.seen)
        return
    if numbers.percent:
        made.doubts.append("per cent: is 100 the highest value that is meant?")
    if numbers.share < 0.999:
        made.doubts.append(f"{1 - numbers.share:.1%} of its texts are no numbers")
    if column.type in ("money", "money_size") and "%" in looks.seen.name:
        made.doubts.append("its name says per cent: is it a share, and no amount?")
    is_amount = (
        column.type in ("money", "money_size") and numbers.whole and not (numbers.point or numbers.comma or numbers.either)
    )
    if is_amount and (numbers.high or 0) >= 1000:
        made.doubts.append("whole numbers: are they cents? Then add unit: cents")
    if column.bounds and numbers.high is not None and numbers.low is not None:
        low, high = column.bounds
        if numbers.low < low or numbers.high > high:
            made.doubts.append(
                f"its numbers run from {numbers.low:g} to {numbers.high:g}; {column.name} holds {low:g} to {high:g}"
            )
    if column.type == "integer" and not numbers.whole:
        made.doubts.append("not all are whole numbers")


def _as_answers(made: Entry, seen: Seen) -> None:
    """Numbers as they are; stars, '4 of 5' and the like as their number, good and bad as 2 and 1 (of 2)."""
    tops: set[int] = set()
    if are_of_five(seen.values):
        made.words = [
            Word(text, int(found.value) if (found := listed("of_five").get(plain(text))) else None, rows, is_missing=not found)
            for text, rows in seen.values.items()
        ]
        made.top = 5
        made.doubts.append("words of a scale from very bad to very good: has it these five answers?")
        return
    for text, rows in list(seen.values.items())[:_WORDS]:
        said, word = answer(text), plain(text)
        if NUMBER.fullmatch(text):
            continue
        if said is not None:
            tops.update([said.top] if said.top else [])
            made.words.append(Word(text, said.number, rows))
        elif word in listed("not_rated"):
            made.words.append(Word(text, None, rows, is_missing=True))
        else:
            made.words.append(Word(text, 2 if word in listed("good") else 1 if word in listed("bad") else None, rows))
    if any(word.value is None and not word.is_missing for word in made.words):
        made.doubts.append("some of its words are no rating that is known")
    if any(said.is_labelled for word in made.words if (said := answer(word.written))):
        made.doubts.append("numbers with words beside them: is the highest the best? Else turn them round")
    if len(tops) == 1:
        made.top = tops.pop()
        made.words += _other_answers(made.words, made.top)
    elif tops:
        made.doubts.append(f"its cells name several highest answers: {', '.join(map(str, sorted(tops)))}")


def _other_answers(words: list[Word], top: int) -> list[Word]:
    """The answers of a scale that no row happens to hold, written as the others are."""
    forms = {re.sub(r"\d+", "{}", word.written, count=1) for word in words if (said := answer(word.written)) and said.top}
    form = forms.pop()
    if forms or top > 10 or "{}" not in form:
        return []
    known = {word.written for word in words}
    return [Word(text, value, 0) for value in range(top + 1) if (value or top > 7) and (text := form.format(value)) not in known]


# -- words -------------------------------------------------------------------------------------------------------------


def _yes_no(seen: Seen) -> list[Word]:
    words = []
    for text, rows in list(seen.values.items())[:_WORDS]:
        if text.lower() in UNDERSTOOD:
            continue
        meaning: Meaning | None = listed("booleans").get(plain(text))
        if meaning is None:
            words.append(Word(text, None, rows))
        else:
            words.append(Word(text, meaning.value == "true", rows, None if meaning.is_sure else "a cross for yes?"))
    return words


def _as_words(made: Entry, looks: Looks, kind: Kind, column: Column) -> None:
    meanings = vocabulary(kind.name, column.name)
    seen = looks.seen
    if column.name == "disposition" and seen.share(lambda text: plain(text) in listed("booleans")) > 0.9:
        made.words = _answered(seen)
        made.doubts.append("no word of this column stands for voicemails, callbacks and failures")
        return
    strange = 0
    known = seen.share(lambda text: meaning_of(text, meanings) is not None)
    # A column of words that are mostly known is a vocabulary; one of others may name persons.
    is_listed = seen.may_be_shown or known > 0.3
    for text, rows in sorted(seen.values.items(), key=lambda item: (-item[1], item[0]))[:_WORDS]:
        joined = re.sub(r"[\s_-]+", "_", text).lower()
        if joined in column.values:
            continue
        meaning = meaning_of(text, meanings)
        if meaning is None:
            strange += 1
            if is_listed:
                made.words.append(Word(text, None, rows, _unknown(column)))
        else:
            doubt = None if meaning.is_sure else "can mean something else too"
            made.words.append(Word(text, meaning.value, rows, doubt))
    if strange and not is_listed:
        made.doubts.append(f"{strange} of its texts are no known words, and may name persons: they are not listed")
    if len(seen.values) > _WORDS:
        made.doubts.append(f"only the {_WORDS} most frequent of {len(seen.values)} words are listed")


def _unknown(column: Column) -> str:
    if column.type == "word":
        return f"stays as it is; {', '.join(column.values)}?"
    return f"{', '.join(column.values)}? Rejected until it is mapped"


def _answered(seen: Seen) -> list[Word]:
    is_lost = bool(_NO_ANSWER.search(plain(seen.name)))
    words = []
    for text, rows in seen.values.items():
        meaning: Meaning | None = listed("booleans").get(plain(text))
        if meaning is not None:
            words.append(Word(text, "abandoned" if (meaning.value == "true") == is_lost else "answered", rows))
    return words


# -- texts, ids and what is missing -------------------------------------------------------------------------------------------


def _as_text(made: Entry, seen: Seen, column: Column) -> None:
    """What a text may be instead."""
    if column.type in ("email", "phone") and len(seen.values) == 1 and seen.present >= 5:
        made.doubts.append("the same in every row: is it your own?")
    share = {"email": seen.emails, "phone": seen.phones}.get(column.type, 1.0)
    if share < 0.95:
        made.doubts.append(
            f"{1 - share:.0%} of its texts are no {'e-mail addresses' if column.type == 'email' else 'phone numbers'}"
        )
    if column.type == "text" and seen.phones > 0.9:
        made.doubts.append("telephone numbers")
    if column.type == "text" and seen.share(lambda text: text[0] in "[{" and text[-1] in "]}") > 0.5:
        made.doubts.append("lists or objects of JSON, taken as they are")


def _as_id(made: Entry, looks: Looks, kind: Kind, column: Column) -> None:
    seen = looks.seen
    if [column.name] == list(kind.key) and not seen.is_unique:
        often = max(seen.values.values())
        made.doubts.append(
            f"one occurs in up to {often} rows: the newest of them counts. Versions of it, lines, or the wrong column?"
        )
    if column.name == "agent_id" and seen.is_unique and seen.present >= _EACH:
        made.doubts.append("another one in each row: is it the customer?")
    # 'Ana' may be a person's name as well as 'Ana Ruiz'.
    wordy = seen.share(lambda text: not re.search(r"\d", text))
    if column.name == "customer_id" and (seen.person_names > 0.6 or seen.emails > 0.6 or wordy > 0.6):
        made.doubts.append("these look like names or addresses of persons, no numbers: two of one name would be one customer")
    elif column.name == "customer_id" and plain(seen.name) in callers() and seen.phones:
        made.doubts.append(f"{seen.phones:.0%} of its texts are like phone numbers")


def _missing(made: Entry, seen: Seen, column: Column) -> None:
    """Words for nothing that the type does not understand by itself."""
    is_text = column.type in ("text", "prose", "email", "phone")
    further = [text for text in seen.missing if is_text or text.casefold() not in MISSING_WORDS]
    if further and "sql" not in made.mapping:
        made.mapping["missing"] = [*made.mapping.get("missing", []), *further]
        made.why += f"; {', '.join(f'{text} in {seen.missing[text]:,} rows' for text in further)} for nothing"
