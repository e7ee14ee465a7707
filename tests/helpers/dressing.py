"""Files of made-up records in a random dress: names, order, language, forms of dates and numbers, delimiter, encoding."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from orchestration.draft.lexicon import written_names, written_words
from orchestration.draft.numbers import unit_of
from orchestration.pull.kinds import Column, Kind, all_kinds
from orchestration.pull.rows.spelling import MONTHS

#: Months as dates have them.
_OWN_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
LANGUAGES = ("any", "en", "de", "fr", "es", "it", "pl", "pt")
_TEXTS = {
    "country": ["DE", "FR", "PL", "US"], "language": ["de", "fr", "pl", "en"], "currency": ["EUR", "USD", "PLN"],
    "queue": ["Sales", "Support", "Returns"], "carrier": ["DHL", "UPS", "InPost"], "device": ["mobile", "desktop"],
    "medium": ["cpc", "organic", "referral"], "marketplace": ["amazon", "ebay", "allegro"],
}  # fmt: skip
_PROSE = [
    "Where is my parcel?", "Das Gerät läuft nicht mehr, bitte prüfen",
    "Le colis n'est pas arrivé",
    "No me llegó el pedido, gracias", "Non funziona più, è rotto", "Nie działa, proszę o zwrot pieniędzy",
    "Não recebi a encomenda, obrigado", "Great, thank you; all is well",
]  # fmt: skip
#: Forms of an instant of whole minutes; MONTH and MON are names in the file's language.
DATES = [
    "iso", "iso_z", "iso_offset", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y %H:%M:%S", "%m/%d/%Y %H:%M",
    "%d %b %Y %H:%M", "%B %d, %Y %I:%M %p", "%Y%m%d%H%M%S", "%a, %d %b %Y %H:%M:%S +0200", "epoch", "epoch_ms",
    "%d.%m.%y %H:%M", "excel_days", "%d MONTH %Y %H:%M", "%d-MON-%y %I:%M %p",
]  # fmt: skip
YES_AND_NO = [
    ("true", "false"), ("ja", "nein"), ("oui", "non"), ("sí", "no"), ("tak", "nie"), ("sim", "não"), ("Y", "N"),
]  # fmt: skip


@dataclass
class Dress:
    """A file, the canonical rows that it was made of, and how it was dressed."""

    kind: Kind
    #: Canonical column -> the column's name in the file.
    names: dict[str, str]
    #: The same rows under canonical names: text that a contract of no words reads.
    plain_rows: list[dict[str, str]]
    path: Path
    settings: dict[str, Any] = field(default_factory=dict)


def records(kind: Kind, columns: list[str], count: int, chance: random.Random) -> list[dict[str, Any]]:
    """Rows of a kind with values as Python has them; None where there is none."""
    start = datetime(2025, chance.randint(1, 12), 1, tzinfo=UTC)
    rows = []
    for number in range(count):
        at = start + timedelta(minutes=chance.randint(0, 60 * 24 * chance.choice([9, 80, 300])))
        row = {}
        for name in columns:
            spec = kind.columns[name]
            empty = not spec.required and chance.random() < 0.15
            row[name] = None if empty else _value(kind, spec, number, at, chance)
        rows.append(row)
    return rows


def _value(kind: Kind, spec: Column, number: int, at: datetime, chance: random.Random) -> Any:
    match spec.type:
        case "instant" | "promise":
            place = list(kind.in_time_order).index(spec.name) if spec.name in kind.in_time_order else 9
            return at + timedelta(minutes=place * 7)
        case "date":
            return at.date()
        case "email":
            return f"person{chance.randint(1, 40)}@example.com"
        case "phone":
            return f"+49 30 {chance.randint(1000000, 9999999)}"
        case "prose":
            return chance.choice(_PROSE)
        case "integer":
            return {"csat_scale": 5, "rating_scale": 5, "scale_min": 1, "scale_max": 5}.get(spec.name, chance.randint(0, 12))
        case "number":
            return chance.randint(1, 5) if spec.name in ("rating", "csat_score", "score") else chance.randint(1, 9)
        case "money" | "money_size":
            return chance.choice([chance.randint(100, 999999) / 100, chance.randint(1, 40) * 1.0, 1234.5])
        case "seconds":
            return chance.randint(0, 4000)
        case "boolean":
            return chance.random() < 0.5
        case "one_of" | "word" if spec.values:
            return "csat" if spec.name == "kind" and kind.name == "surveys" else chance.choice(spec.values)
        case _:
            if [spec.name] == list(kind.key):
                return f"{kind.name[:2].upper()}-{1000 + number}"
            if spec.is_id:
                return f"{spec.name[:2]}{chance.randint(100, 180)}"
            return chance.choice(_TEXTS.get(spec.name, ["Alpha", "Beta plus", "Gamma"]))


def as_canonical(value: Any) -> str:
    """A value as a file without a contract has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def dress(kind_name: str, seed: int, folder: Path) -> Dress:
    """A file of a kind, all of whose looks come from the seed."""
    chance = random.Random(seed)
    kind = all_kinds()[kind_name]
    optional = [name for name, spec in kind.columns.items() if not spec.required and name != "is_deleted"]
    picked = set(chance.sample(optional, min(len(optional), chance.randint(1, 9))))
    columns = [name for name, spec in kind.columns.items() if spec.required or name in picked]
    language = chance.choice(LANGUAGES)
    names = {name: _name(kind, name, language, chance) for name in columns}
    rows = records(kind, columns, chance.randint(15, 45), chance)
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1250"])
    form: dict[str, Any] = {
        "date": chance.choice(DATES),
        "decimal": chance.choice([".", ".", ","]),
        "grouped": chance.random() < 0.4,
        "delimiter": chance.choice([",", ";", "\t", "|"]),
        "encoding": encoding,
        "language": language,
        "missing": chance.choice(["", "", "-", "n/a", "brak", "null"]),
        "duration": chance.choice(["(s)", "(min)", "H:MM:SS", "", "M:SS", "words"]),
        "preamble": chance.random() < 0.2,
        "sign": chance.choice(["{}", "{}", "{} €", "${}", "PLN {}"]),
        "file": chance.choice(["csv", "csv", "csv", "csv", "xlsx", "ndjson"]),
        "strange": chance.choice([None, None, "Zzyx"]),
        "words": {name: _words(kind, name, chance) for name in columns if kind.columns[name].values},
        "yes": chance.choice(YES_AND_NO),
    }
    if form["file"] != "csv":
        form["preamble"] = False
    if form["duration"] == "(min)":
        for row in rows:
            for name, value in row.items():
                row[name] = value // 60 * 60 if kind.columns[name].type == "seconds" and value is not None else value
    if form["duration"] in ("(s)", "(min)"):
        names |= {name: f"{names[name]} {form['duration']}" for name in columns if kind.columns[name].type == "seconds"}
    cells = [{names[name]: _cell(kind.columns[name], row[name], form) for name in columns} for row in rows]
    if chance.random() < 0.5:
        cells = [{**row, "Xyzzy": str(chance.randint(1, 9))} for row in cells]
    order = list(cells[0])
    chance.shuffle(order)
    cells = [{name: row[name] for name in order} for row in cells]
    stem = chance.choice(["export", "data_2026-06", kind.name, "".join(filter(str.isalnum, names[columns[0]]))])
    path = folder / f"{stem}.{form['file']}"
    _write(path, cells, order, form)
    plain_rows = [{name: as_canonical(row[name]) for name in columns} for row in rows]
    return Dress(kind, names, plain_rows, path, form)


def _name(kind: Kind, column: str, language: str, chance: random.Random) -> str:
    """What the column is called in the language, or by vendors; its own name sometimes."""
    names = written_names(kind, column)
    choice = names[language] or names["any"] or [column]
    if chance.random() < 0.15:
        choice = names["any"] or choice
    name = chance.choice(choice)
    if kind.columns[column].type == "seconds" and unit_of(name):
        # The unit that a name carries is another one than the file's.
        name = column
    return chance.choice([name, name, name.upper(), name.replace(" ", "_")])


def _words(kind: Kind, name: str, chance: random.Random) -> dict[str, str]:
    """canonical word -> the word that this file has for it: one that means nothing else."""
    return {value: chance.choice(words or [value]) for value, words in written_words(kind.name, name).items()}


def _cell(spec: Column, value: Any, form: dict[str, Any]) -> str:
    if value is None:
        return str(form["missing"])
    if spec.values:
        # A word that nobody knows: only where the row is complete without it.
        is_strange = form["strange"] and not spec.required and value == spec.values[0]
        return str(form["strange"] if is_strange else form["words"][spec.name][value])
    match spec.type:
        case "instant" | "promise":
            return _instant(value, form["date"], form["language"])
        case "date":
            day = form["date"].split(" %H")[0].split(" %I")[0]
            is_day = day.count("%") == 3 and "%a" not in day and "MON" not in day
            return str(value.strftime(day)) if is_day else str(value.isoformat())
        case "money" | "money_size":
            text = f"{value:,.2f}" if form["grouped"] else f"{value:.2f}"
            text = text.translate(str.maketrans({",": ".", ".": ","})) if form["decimal"] == "," else text
            return str(form["sign"].format(text))
        case "seconds":
            return _duration(value, form["duration"])
        case "boolean":
            return str(form["yes"][0 if value else 1])
        case _:
            return str(value)


def _month(value: datetime, language: str, short: bool) -> str:
    """The month in a language: the first word that is long, or cut short."""
    words = list(MONTHS.values())[value.month - 1].split()
    own = _OWN_MONTHS.get(language)
    if short or own is None:
        return words[0] if short else list(MONTHS)[value.month - 1]
    return own.split()[value.month - 1]


def _instant(value: datetime, form: str, language: str) -> str:
    match form:
        case "excel_days":
            return str((value - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1))
        case _ if "MON" in form:
            month = _month(value, language, "MONTH" not in form)
            return value.strftime(form.replace("MONTH", "MON")).replace("MON", month)
        case "iso":
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case "iso_z":
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "iso_offset":
            return value.astimezone(timezone(timedelta(hours=-7))).strftime("%Y-%m-%d %H:%M:%S %z")
        case "epoch":
            return str(int(value.timestamp()))
        case "epoch_ms":
            return str(int(value.timestamp() * 1000))
        case _ if "+0200" in form:
            return value.astimezone(timezone(timedelta(hours=2))).strftime(form)
        case _:
            return value.strftime(form)


def _duration(seconds: int, form: str) -> str:
    match form:
        case "H:MM:SS":
            return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        case "(min)":
            return str(seconds // 60)
        case "M:SS":
            return f"{seconds // 60}:{seconds % 60:02d}"
        case "words":
            return f"{seconds // 60} min {seconds % 60} s"
        case _:
            return str(seconds)


def _write(path: Path, cells: list[dict[str, str]], order: list[str], form: dict[str, Any]) -> None:
    if form["file"] == "xlsx":
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [dict(zip(order, order, strict=True)), *cells]:
            sheet.append([row[name] or None for name in order])
        book.save(path)
        return
    if form["file"] == "ndjson":
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in cells), encoding="utf-8")
        return
    text = io.StringIO(newline="")
    if form["preamble"]:
        text.write("Report of the month\r\nAll times as in the account\r\n\r\n")
    writer = csv.DictWriter(text, order, delimiter=form["delimiter"])
    writer.writeheader()
    writer.writerows(cells)
    try:
        content = text.getvalue().encode(form["encoding"])
    except UnicodeEncodeError:
        form["encoding"] = "utf-8"
        content = text.getvalue().encode("utf-8")
    path.write_bytes(content)
