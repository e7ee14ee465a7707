"""The seed tables that a user may replace: what they may hold, and the effective ones of a home.

What a column may hold is declared once, in ``models/seeds.yml``: its type, its tests, and ``config.meta.check`` for what dbt has
no test of (a time zone, a KPI). It is checked here before anything is built, and by dbt's tests when the seed is loaded.
"""

from __future__ import annotations

import csv
import math
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.errors import ConfigurationError
from orchestration.core.nearest import nearest
from orchestration.core.zones import time_zones
from orchestration.pull.kinds import all_kinds
from orchestration.settings import PROJECT
from orchestration.settings.declared import kpi_dimensions, kpi_ids
from orchestration.settings.model import Settings

SHIPPED = PROJECT / "dbt_project" / "seeds"
DECLARATION = PROJECT / "models" / "seeds.yml"
#: A message names this many problems of a file.
MAX_PROBLEMS = 5

Row = dict[str, str]
#: A cell's text -> what it should be, in words; None where it is.
Check = Callable[[str], str | None]


@dataclass(frozen=True)
class Cells:
    """A seed file: its header and its rows, with their numbers as a spreadsheet counts them."""

    path: Path
    header: list[str]
    rows: list[tuple[int, Row]]


def prepare_seeds(settings: Settings) -> None:
    """Lay out the effective seeds: the shipped ones, the user's in their place.

    To be done before each dbt command: dbt writes what it ran over seeds that are outside of its project.

    Raises:
        ConfigurationError: a user's seed has no shipped counterpart, or columns that it has not.
    """
    target = settings.home / "seeds"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in SHIPPED.iterdir():
        # Without the permissions of the installation: those of a home are its own.
        shutil.copyfile(path, target / path.name)
    for path in _own_seeds(settings.config_dir):
        _write_effective_seed(read_seed(path), target / path.name)


def check_seeds(config_dir: Path | None, carried: Sequence[str] = ()) -> None:
    """Hold every seed of a configuration folder against its declaration.

    Args:
        config_dir: the configuration folder.
        carried: dimensions that contracts add to the shipped ones.

    Raises:
        ConfigurationError: a value is not valid; the message names the file, row, column, value and remedy.
    """
    own = {path.stem: read_seed(path) for path in _own_seeds(config_dir)}
    problems = [f"{seed.path}: {problem}" for name, seed in own.items() for problem in _problems(name, seed, own, carried)]
    if problems:
        more = f"\nand {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
        raise ConfigurationError("\n".join(problems[:MAX_PROBLEMS]) + more)


def _own_seeds(config_dir: Path | None) -> list[Path]:
    folder = config_dir / "seeds" if config_dir else None
    paths = sorted(folder.glob("*.csv")) if folder else []
    for path in paths:
        if not (SHIPPED / path.name).exists():
            names = ", ".join(sorted(p.name for p in SHIPPED.glob("*.csv")))
            raise ConfigurationError(f"{path}: no seed table of that name; there are: {names}")
    return paths


def read_seed(path: Path) -> Cells:
    """The rows of a user's seed; columns that it leaves out are empty.

    Raises:
        ConfigurationError: the file is not UTF-8, or has columns or values that do not fit the shipped seed's header.
    """
    shipped = _header(SHIPPED / path.name)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = csv.reader(stream)
            header = [name.strip() for name in next(lines, [])]
            found = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} is not a CSV file in UTF-8 ({error}); save it as CSV UTF-8") from error
    if unknown := [name for name in header if name not in shipped]:
        raise ConfigurationError(f"{path}: no such columns: {', '.join(unknown)}; there are: {', '.join(shipped)}")
    for number, cells in found:
        if len(cells) > len(header):
            raise ConfigurationError(
                f"{path}: row {number} has {len(cells)} values for {len(header)} columns; quote values that hold a comma"
            )
    rows = [(number, {**dict.fromkeys(shipped, ""), **dict(zip(header, cells, strict=False))}) for number, cells in found]
    return Cells(path, shipped, [(number, {name: cell.strip() for name, cell in row.items()}) for number, row in rows])


def effective_seed(config_dir: Path | None, name: str) -> Cells:
    """The rows of a seed as models see them: the user's, or the shipped ones."""
    own = {path.stem: path for path in _own_seeds(config_dir)}
    return read_seed(own.get(name, SHIPPED / f"{name}.csv"))


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return [name.strip() for name in next(csv.reader(stream), [])]


def _write_effective_seed(seed: Cells, target: Path) -> None:
    with target.open("w", newline="", encoding="utf-8") as write:
        writer = csv.DictWriter(write, seed.header)
        writer.writeheader()
        writer.writerows(row for _, row in seed.rows)


# -- the declaration ---------------------------------------------------------------------------------------------------


@cache
def _declared() -> dict[str, dict[str, Any]]:
    data = yaml.safe_load(DECLARATION.read_text(encoding="utf-8"))
    return {seed["name"]: seed for seed in data["seeds"]}


def _tests(item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The data tests of a seed or column: name and arguments."""
    for test in item.get("data_tests", []):
        if isinstance(test, str):
            yield test, {}
        else:
            ((name, rest),) = test.items()
            yield name, rest.get("arguments", {})


def _problems(name: str, seed: Cells, own: dict[str, Cells], carried: Sequence[str]) -> Iterator[str]:
    declared = _declared()[name]
    columns = {column["name"]: column for column in declared.get("columns", [])}
    types = declared.get("config", {}).get("column_types", {})
    seed_tests = list(_tests(declared))
    required = {column for test, arguments in seed_tests if test == "never_null" for column in arguments["columns"]}
    clocks = {column for test, arguments in seed_tests if test == "clock_times" for column in arguments["columns"]}
    for column in seed.header:
        tests = dict(_tests(columns.get(column, {})))
        checks = [_TYPES[types[column]]] if types.get(column) in _TYPES else []
        checks += [_is_clock_time] if column in clocks else []
        checks += [_one_of(list(map(str, tests["accepted_values"]["values"])))] if "accepted_values" in tests else []
        checks += [_check(check, carried) for check in columns.get(column, {}).get("config", {}).get("meta", {}).get("check", [])]
        if "relationships" in tests:
            checks.append(_one_of(_values(tests["relationships"], own)))
        yield from _column_problems(seed, column, checks, required=column in required or "not_null" in tests)
        if "unique" in tests:
            yield from _repeated(seed, [column])
    for test, arguments in seed_tests:
        if test == "unique_together":
            yield from _repeated(seed, arguments["columns"])
        if test == "ascending":
            yield from _unordered(seed, **arguments)


def _values(relationship: dict[str, str], own: dict[str, Cells]) -> list[str]:
    """What a column of another seed holds."""
    match = re.search(r"'(\w+)'", relationship["to"])
    other = match[1] if match else relationship["to"]
    seed = own.get(other) or read_seed(SHIPPED / f"{other}.csv")
    return [row[relationship["field"]] for _, row in seed.rows]


def _column_problems(seed: Cells, column: str, checks: list[Check], required: bool) -> Iterator[str]:
    for number, row in seed.rows:
        text = row[column]
        if not text:
            if required:
                yield f"row {number}, column {column}: is empty; fill it in, or remove the row"
            continue
        wanted = next((wanted for check in checks if (wanted := check(text))), None)
        if wanted:
            yield f"row {number}, column {column}: {text[:60]!r} is not {wanted}"


def _repeated(seed: Cells, columns: list[str]) -> Iterator[str]:
    first: dict[tuple[str, ...], int] = {}
    for number, row in seed.rows:
        key = tuple(row[column] for column in columns)
        if key in first:
            yield f"row {number} repeats row {first[key]} in {', '.join(columns)}; remove one of them"
        first.setdefault(key, number)


def _unordered(seed: Cells, earlier: str, later: str) -> Iterator[str]:
    for number, row in seed.rows:
        if _is_date(row[earlier]) is None and _is_date(row[later]) is None and row[later] <= row[earlier]:
            yield f"row {number}, column {later}: {row[later]!r} is not after {earlier} ({row[earlier]}); correct one"


# -- what a cell may hold ----------------------------------------------------------------------------------------------


def _is_date(text: str) -> str | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text):
            return None
    except ValueError:
        pass
    return "a date; write it as 2026-12-31"


def _is_integer(text: str) -> str | None:
    return None if re.fullmatch(r"-?\d{1,15}", text) else "a whole number"


def _is_number(text: str) -> str | None:
    try:
        return None if math.isfinite(float(text)) else "a number"
    except ValueError:
        return "a number; write decimals with a point, such as 0.95"


def _is_clock_time(text: str) -> str | None:
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", text)
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else 1441
    return None if minutes <= 1440 else "a time of day; write it as 09:00, up to 24:00"


def _is_timezone(text: str) -> str | None:
    return None if text in time_zones() else "an IANA time zone; such as Europe/Berlin"


def _is_positive(text: str) -> str | None:
    return None if _is_number(text) or float(text) > 0 else "greater than zero"


def _is_states(text: str) -> str | None:
    waiting = [state for state in all_kinds()["tickets"].columns["status"].values if state not in _OVER]
    if set(text.split(" ")) <= set(waiting):
        return None
    return f"states of a ticket, with one blank between them, out of: {', '.join(waiting)}"


def _one_of(values: list[str]) -> Check:
    allowed = set(values)
    shown = ", ".join(sorted(allowed)[:40])
    return lambda text: None if text in allowed else f"one of: {shown}"


def _is_kpi() -> Check:
    return _named("a KPI", kpi_ids(), "docs/kpis.md")


def _named(what: str, names: list[str], where: str) -> Check:
    def check(text: str) -> str | None:
        return None if text in names else f"{what}{nearest(text, names) or f'; they are listed in {where}'}"

    return check


#: dbt's column types -> what a cell must be.
_TYPES: dict[str, Check] = {
    "integer": _is_integer,
    "bigint": _is_integer,
    "double": _is_number,
    "decimal(18, 6)": _is_number,
    "date": _is_date,
}
#: States in which no ticket waits.
_OVER = ("solved", "closed")
#: What `config.meta.check` of a column may name.
_CHECKS: dict[str, Callable[[], Check]] = {
    "timezone": lambda: _is_timezone,
    "positive": lambda: _is_positive,
    "states": lambda: _is_states,
    "kpi": _is_kpi,
}


def _check(name: str, carried: Sequence[str]) -> Check:
    return _one_of(["all", *kpi_dimensions(), *carried]) if name == "dimension" else _CHECKS[name]()
