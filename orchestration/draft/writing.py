"""A draft as the text of a contract: YAML, with its reasons as comments and `# check` where a person should look."""

from __future__ import annotations

import json
import re
from textwrap import wrap
from typing import Any

import yaml

from orchestration.draft.gone import OTHERS
from orchestration.draft.parts import Draft, Entry, Key, Word

_PLAIN = re.compile(r"[^\W\d_][\w .()/+-]*[\w)]|[^\W\d_]")
#: Longer comments are on lines of their own.
_WIDTH = 125
CHECK = "# check: "


def scalar(value: Any) -> str:
    """A value as YAML in flow style; quoted wherever it could be read as another one."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and _reads_as_itself(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(mark if mark.isprintable() else f"\\U{ord(mark):08x}" for mark in quoted)


def _reads_as_itself(text: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False


def flow(value: Any) -> str:
    """A value as YAML's flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(flow(item) for item in value)}]"
    return scalar(value)


def _comment(text: str) -> str:
    """One line, without what a terminal or YAML would take amiss."""
    return "".join(mark if mark.isprintable() else " " for mark in text)


def _line(code: str, why: str, doubts: list[str], indent: str) -> list[str]:
    """A line with its reason, which is above it where both are too long."""
    said = ([f"# {_comment(why)}"] if why else []) + [f"{CHECK}{_comment(doubt)}" for doubt in doubts]
    if len(said) == 1 and len(indent + code) + len(said[0]) + 2 <= _WIDTH:
        return [f"{indent}{code}  {said[0]}"]
    return [*(f"{indent}{one}" for one in said), indent + code]


def text(made: Draft, next_step: str, loaded: int, rejected: int) -> str:
    """The contract's file.

    Args:
        made: the draft.
        next_step: the command that checks it.
        loaded: rows of the file that it loads as it is.
        rejected: rows that go to quarantine.
    """
    doubts = count_of_checks(made)
    lines = [
        f"# Drafted by 'cxhouse contract draft' from {_comment(made.file)}: {made.rows:,} rows, {len(made.header)} columns.",
        f"# As it is, it loads {loaded:,} rows and rejects {rejected:,}. Each line says why it is so, with points up to 100.",
        f"# {doubts} lines are marked 'check': look at them, then run" if doubts else "# Nothing was unsure; run",
        f"#   {_comment(next_step)}",
        *(f"# {_comment(note)}" for note in made.notes),
        *(f"{CHECK}{_comment(doubt)}" for doubt in all_doubts(made)),
        "",
        f"name: {made.name}",
    ]
    lines += _keys({key: setting for key, setting in made.keys.items() if not (made.also and key == "kind")})
    if made.also:
        kind_key = made.keys["kind"]
        lines += _line(
            "kinds:", f"{kind_key.why}; the other kind's columns are there too", [kind_key.doubt] if kind_key.doubt else [], ""
        )
    for part in made.kinds:
        body = [*_keys(part.own), "columns:"]
        for name, entry in part.entries.items():
            body += _entry(name, entry)
        lines += [f"  {part.kind}:", *(f"    {line}" for line in body)] if made.also else body
    lines += _extra(made)
    lines += _unused(made)
    return "\n".join(lines) + "\n"


def _keys(keys: dict[str, Key]) -> list[str]:
    lines = []
    for key, setting in keys.items():
        code = f"{'# ' if setting.is_open else ''}{key}: {flow(setting.value)}"
        lines += _line(code, setting.why, [setting.doubt] if setting.doubt else [], "")
    return lines


def _entry(name: str, entry: Entry) -> list[str]:
    if entry.mapping == {"sql": "null"}:
        return _line(f'{name}: {{sql: "null"}}', entry.why, entry.doubts, "  ")
    short = list(entry.mapping) == ["from"] and not entry.words
    if short:
        return _line(f"{name}: {scalar(entry.mapping['from'])}", entry.why, entry.doubts, "  ")
    if not entry.words:
        return _line(f"{name}: {flow(entry.mapping)}", entry.why, entry.doubts, "  ")
    lines = _line(f"{name}:", entry.why, entry.doubts, "  ")
    lines += [f"    {key}: {flow(value)}" for key, value in entry.mapping.items()]
    known = [word for word in entry.words if word.value is not None or word.is_missing]
    # A key without any value below it would be a fault.
    lines.append("    map:" if known else "    # map:  (with the lines below it that are filled in)")
    for word in entry.words:
        lines += _word(word)
    return lines


def _word(word: Word) -> list[str]:
    rows = f"{word.rows:,} rows" if word.rows > 1 else "1 row" if word.rows else "in none of these rows"
    if word.written == OTHERS:
        rows = "all others"
    key = scalar(word.written)
    if word.value is None and not word.is_missing:
        return [f"      # {_comment(key)}:  {CHECK}{rows}: {word.doubt or 'what does it mean?'}"]
    code = f"{key}: {scalar(word.value)}"
    return [f"      {code}  {CHECK}{rows}: {word.doubt}" if word.doubt else f"      {code}  # {rows}"]


def _extra(made: Draft) -> list[str]:
    if not made.extra:
        return []
    lines = ["# KPIs can be cut by columns that are carried along: take the marks away from those that are wanted", "# extra:"]
    for name, (column, values) in made.extra.items():
        lines.append(f"#   {name}: {_comment(scalar(column))}  # {values} different values")
    return lines


def _unused(made: Draft) -> list[str]:
    lines = []
    if made.unused:
        lines.append(f"{CHECK}columns of the file that nothing uses; map those that mean something")
        lines += [f"#   {_comment(scalar(name))}: {_comment(looks)}" for name, looks in made.unused.items()]
    for part in made.kinds:
        if part.not_found:
            said = f"{part.kind} can hold too: {', '.join(part.not_found)}"
            lines += wrap(said, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return lines


def count_of_checks(made: Draft) -> int:
    """Places that a person should look at."""
    entries = [one for part in made.kinds for one in part.entries.values()]
    words = sum(bool(word.doubt) or (word.value is None and not word.is_missing) for one in entries for word in one.words)
    lines = sum(bool(one.doubts) for one in entries)
    doubts = len(all_doubts(made))
    return words + lines + sum(bool(key.doubt) for key in made.keys.values()) + doubts + bool(made.unused)


def all_doubts(made: Draft) -> list[str]:
    """Doubts about the whole, of each kind."""
    return list(dict.fromkeys(doubt for part in made.kinds for doubt in part.doubts))
