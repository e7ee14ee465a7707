"""A target of risks: past cases, what a trial of models on them found, and what the chosen one says of today."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestration.core import durable
from orchestration.risk.features import REASONS, Feature, matrix, reasons
from orchestration.risk.judging import Array, Rules

if TYPE_CHECKING:
    from orchestration.risk.cases import Cases

Row = dict[str, Any]
#: Past cases before a day and from that day on, as they would have been known on it.
Split = Callable[[int], "tuple[Cases, Cases]"]
_LIBRARIES = ("numpy", "scikit-learn", "scipy")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Target:
    """What a risk is of, the features that predict it, and its past cases."""

    name: str
    features: Sequence[Feature]
    cases: Cases
    split: Split
    #: The day (a number of days) from which on cases are held back; none where the history is too short.
    held_back_from: int | None
    #: Why it is too short.
    too_short: str = "the history is too short"


@dataclass(frozen=True)
class Scored:
    """What is known of a target: rows of its models, and of today's cases risks and reasons, or why there are none."""

    models: list[Row]
    risks: list[float | None]
    reasons: list[list[str | None]]
    why_not: str | None
    version: str | None


@dataclass
class Home:
    """Where what a trial found is kept between runs, and who hears of it. All files of the folder may be removed."""

    folder: Path
    progress: Callable[[str], None]
    rules: Rules = field(default_factory=Rules)
    full_refresh: bool = False

    def read(self, name: str, made_of: str) -> Any:
        """What was kept under a name, if it was made of just this."""
        try:
            record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
            return record["found"] if record["made_of"] == made_of and not self.full_refresh else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, name: str, made_of: str, found: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        durable.write_text(self.folder / f"{name}.json", json.dumps({"made_of": made_of, "found": found}, indent=1))


def scored(target: Target, today: dict[str, Array], home: Home) -> Scored:
    """Try the models, where the past cases are others than before, and let the better one say the risks of today's cases."""
    count = len(next(iter(today.values()), ()))
    version = _version(target, home.rules)
    trial = home.read(target.name, version)
    if trial is None:
        trial = _tried(target, home)
        home.keep(target.name, version, trial)
    rows = [{**row, "target": target.name, "version": version, "cases": len(target.cases)} for row in trial["rows"]]
    for row in rows:
        row["held_back_from"] = _day(row.get("held_back_from"))
    if trial["used"] is None or not count:
        return Scored(rows, [None] * count, [[None] * REASONS for _ in range(count)], trial["why_not"], version)
    from orchestration.risk.fitting import fit

    usable = [place for place, one in enumerate(target.features) if one.name not in trial["leaks"]]
    chosen = [target.features[place] for place in usable]
    slope, shift = trial["curve"]
    model = replace(fit(trial["used"], target.cases.capped(home.rules.max_cases).of_features(usable)), curve=(slope, shift))
    found = matrix(chosen, today)
    risks: list[float | None] = [round(float(risk), 6) for risk in model.risks(found)]
    return Scored(rows, risks, reasons(chosen, today, model.effects(found)), None, version)


def _tried(target: Target, home: Home) -> Row:
    """Figures of the models on the cases held back, the one that is used, and features that know too much."""
    if target.held_back_from is None:
        return _none(target.too_short)
    from orchestration.risk.fitting import BOOSTED, LOGISTIC, calibrated, few, leaks, tried

    old, new = target.split(target.held_back_from)
    if problem := few(old, new, home.rules):
        return _none(problem)
    home.progress(f"risks: {target.name}: {len(old):,} past cases, {len(new):,} held back")
    known_afterwards = leaks(old)
    usable = [place for place, name in enumerate(old.names) if name not in known_afterwards]
    trial = tried(old.of_features(usable), new.of_features(usable), home.rules)
    common = {
        "fitted_to": trial.fitted_to,
        "held_back": trial.held_back,
        "held_back_from": trial.held_back_from,
        "happened_share": round(trial.happened_share, 6),
    }
    left_out = f"left out, since they tell the end by themselves: {', '.join(known_afterwards)}" if known_afterwards else None
    rows = []
    for kind in (LOGISTIC, BOOSTED):
        figures = {name: _rounded(value) for name, value in asdict(trial.figures[kind]).items()} if kind in trial.figures else {}
        problem = "; ".join(text for text in (trial.problems.get(kind), left_out) if text) or None
        rows.append({**common, **figures, "model": kind, "is_used": kind == trial.used, "problem": problem})
    why_not = None if trial.used else next(iter(problem for kind, problem in trial.problems.items() if kind == trial.chosen))
    every = target.cases.capped(home.rules.max_cases).of_features(usable)
    curve = calibrated(trial.used, every).curve if trial.used else None
    return {"rows": rows, "used": trial.used, "why_not": why_not, "leaks": known_afterwards, "curve": curve}


def _none(problem: str) -> Row:
    return {
        "rows": [{"model": "logistic regression", "is_used": False, "problem": problem}],
        "used": None,
        "why_not": problem,
        "leaks": [],
        "curve": None,
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _day(number: int | None) -> date | None:
    return None if number is None else _EPOCH + timedelta(days=number)


def _version(target: Target, rules: Rules) -> str:
    """Changes with the past cases, the rules, the code and the libraries."""
    digest = code_digest()
    digest.update(json.dumps([target.name, target.held_back_from, target.too_short, asdict(rules)]).encode())
    for name, part in vars(target.cases).items():
        if name == "who":
            continue  # another count of the same persons
        digest.update(np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else json.dumps(part).encode())
    return digest.hexdigest()[:12]


def code_digest() -> hashlib._Hash:
    """What the models are fitted by: the code of this folder and the versions of its libraries."""
    digest = hashlib.sha256(json.dumps([version(name) for name in _LIBRARIES]).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest
