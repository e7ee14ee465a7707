"""Which model serves each language, what it foresaw of labels held back, and what it says of each text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.texts import base, learned
from orchestration.texts.cleaning import cleaned
from orchestration.texts.judging import UNDECIDED, Rules, figures, gain, guessed, side_of
from orchestration.texts.kept import Kept, texts_of
from orchestration.texts.languages import language_of
from orchestration.texts.lexicon import LANGUAGES

if TYPE_CHECKING:
    from orchestration.texts.base import Scored
    from orchestration.texts.learned import Learned

LEXICON, LEARNED = "lexicon", "ngrams"
_DIGITS = 6


@dataclass(frozen=True)
class Served:
    """The model that scores a language's texts, and the rows that describe it and of the one that was tried beside it."""

    language: str
    model: str
    version: str
    rows: list[dict[str, Any]]
    #: From the lexicon's polarity to the probability of negative; unknown where there are no labels to learn it from.
    curve: tuple[float, float] | None
    learned: Learned | None


def by_lexicon(text: str, stated: str | None) -> dict[str, Any]:
    """Language and lexicon's score of a text; without polarity where its language has no lexicon and no sign says anything."""
    own = cleaned(text)
    language, source = language_of(own, stated)
    scored = base.score(own, language)
    is_known = language in LANGUAGES or scored.hits > 0
    return {
        "language": language,
        "language_from": source,
        "sentences": scored.sentences,
        "lexicon_polarity": round(scored.polarity, _DIGITS) if is_known else None,
        "worst_sentence": round(scored.worst, _DIGITS) if is_known else None,
    }


def models_of(
    con: duckdb.DuckDBPyConnection, kept: Kept, rules: Rules, made_by: str, progress: Callable[[str], None]
) -> list[Served]:
    """A model for each language of the texts in the table ``current``; learned ones that serve no longer are removed."""
    counts = con.execute("select language, count(*) from current group by language order by language").fetchall()
    models = [_served(con, kept, rules, made_by, language, texts, progress) for language, texts in counts]
    needed = {row["version"] for model in models for row in model.rows}
    for path in kept.folder.glob("*.*.*"):
        if path.name.split(".")[1] not in needed:
            path.unlink()
    return models


def _served(
    con: duckdb.DuckDBPyConnection,
    kept: Kept,
    rules: Rules,
    made_by: str,
    language: str,
    texts: int,
    progress: Callable[[str], None],
) -> Served:
    labelled = con.execute(
        """
        select text_hash, label, said_at from current
        where language = ? and label is not null and said_at is not null and lexicon_polarity is not null
        order by said_at, record_kind, record_id
        """,
        [language],
    ).fetchall()
    counts = {"language": language, "texts": texts, "labelled_texts": len(labelled)}
    first, last = rules.learned_from(len(labelled)) if language in LANGUAGES else (0, 0)
    if not last:
        few = f"{len(labelled)} labelled texts; {rules.min_labelled} are needed to learn from"
        problem = few if language in LANGUAGES else "there is no lexicon of this language: only signs that all share are read"
        row = {**counts, "model": LEXICON, "version": base.VERSION, "is_used": True, "problem": problem}
        return Served(language, LEXICON, base.VERSION, [row], None, None)
    window = labelled[first:last]
    version = _version(made_by, language, rules, [(key, label) for key, label, _ in window])
    figures_file, weights_file = kept.folder / f"{language}.{version}.json", kept.model(language, version)
    try:
        trial = json.loads(figures_file.read_text(encoding="utf-8"))
        weights = learned.Learned.load(weights_file) if trial["is_learned_used"] else None
    except (OSError, ValueError, KeyError):
        progress(f"texts: learning from {len(window)} labelled texts ({language})")
        trial, weights = _trial(con, window, language, rules)
        if weights is not None:
            weights.save(weights_file)
        kept.folder.mkdir(parents=True, exist_ok=True)
        figures_file.write_text(json.dumps(trial), encoding="utf-8")
    common = {**counts, "fitted_to": trial["fitted_to"], "held_back": trial["held_back"], "guess_accuracy": trial["guess"]}
    common |= {"held_back_from": window[trial["fitted_to"]][2], "version": version}
    rows = [
        {**common, **trial["lexicon"], "model": LEXICON, "is_used": weights is None},
        {**common, **trial["learned"], "model": LEARNED, "is_used": weights is not None},
    ]
    curve = tuple(trial["curve"]) if trial["curve"] else None
    return Served(language, LEXICON if weights is None else LEARNED, version, rows, curve, weights)


def _version(made_by: str, language: str, rules: Rules, window: list[tuple[str, int]]) -> str:
    content = json.dumps([made_by, language, asdict(rules), window])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _trial(
    con: duckdb.DuckDBPyConnection, window: list[tuple[str, int, Any]], language: str, rules: Rules
) -> tuple[dict[str, Any], Learned | None]:
    """Fit to the older texts, judge by the newer ones; returns the figures, and the learned model if it is to be used."""
    split = len(window) - int(len(window) * rules.held_back)
    labels = np.array([label for _, label, _ in window])
    record: dict[str, Any] = {
        "fitted_to": split,
        "held_back": len(window) - split,
        "guess": round(guessed(labels[split:]), _DIGITS),
    }
    record |= {"lexicon": {}, "learned": {}, "curve": None, "is_learned_used": False}
    negative = labels == -1
    sides = [int(side.sum()) for part in (negative[:split], negative[split:]) for side in (part, ~part)]
    if min(sides) < rules.min_side:
        few = f"{rules.min_side} negative and other texts are needed before and after the split; there are {min(sides)} of one"
        return record | {"lexicon": {"problem": few}, "learned": {"problem": few}}, None
    texts, scored = _prepared(con, [key for key, _, _ in window], language)
    polarity = np.array([one.polarity for one in scored])
    curve = learned.curve(polarity[:split], negative[:split])
    p_plain = learned.on_curve(curve, polarity[split:])
    plain = figures(labels[split:], p_plain, side_of(polarity[split:]))
    record |= {"lexicon": _rounded(asdict(plain)), "curve": curve}
    weights = learned.fit(texts[:split], scored[:split], labels[:split], language)
    if weights is None:
        return record | {"learned": {"problem": "a fifth of the texts lacks negative, positive or other ones"}}, None
    found = weights.probabilities(texts[split:], scored[split:], language)
    better = figures(labels[split:], found[:, 0], side_of(found[:, 1] - found[:, 0], UNDECIDED))
    record["learned"] = _rounded(asdict(better))
    gained, error = gain(labels[split:], found[:, 0], p_plain)
    if gained < max(rules.margin, rules.margin_errors * error) or better.brier > plain.brier:
        record["learned"]["problem"] = f"not surely better than the lexicon: {gained:+.3f} of AUC, standard error {error:.3f}"
        return record, None
    return record | {"is_learned_used": True}, weights


def _prepared(con: duckdb.DuckDBPyConnection, hashes: list[str], language: str) -> tuple[list[str], list[Scored]]:
    asked = pa.table({"text_hash": sorted(set(hashes))})  # noqa: F841 (DuckDB reads it by its name)
    con.execute("create or replace temp table wanted as select * from asked")
    own = {key: cleaned(text) for batch in texts_of(con, "select text_hash from wanted") for key, text, _ in batch}
    scored = {key: base.score(text, language) for key, text in own.items()}
    return [own[key] for key in hashes], [scored[key] for key in hashes]


def _rounded(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in numbers.items()}


def scored_by_model(con: duckdb.DuckDBPyConnection, models: list[Served]) -> pa.Table:
    """A row for each text of the table ``current``, in the order of its record."""
    models_by_language = pa.table(  # noqa: F841 (DuckDB reads it by its name)
        {
            "language": [model.language for model in models],
            "model": [model.model for model in models],
            "version": [model.version for model in models],
            "slope": pa.array([model.curve[0] if model.curve else None for model in models], pa.float64()),
            "intercept": pa.array([model.curve[1] if model.curve else None for model in models], pa.float64()),
        }
    )
    con.execute("create or replace temp table served as select * from models_by_language")
    con.execute(
        f"""
        create or replace temp table foreseen as
        select text_hash, polarity, p_negative, is_negative
        from scored_before
        semi join served on
            scored_before.language = served.language and scored_before.model = served.model
            and scored_before.version = served.version and served.model = '{LEARNED}'
        """
    )
    for model in models:
        if model.learned is not None:
            _foresee(con, model, model.learned)
    return con.sql(
        f"""
        with by_lexicon as (
            select current.*, served.model, served.version,
                case
                    when slope * lexicon_polarity + intercept is not null
                        then round(1 / (1 + exp(-greatest(least(slope * lexicon_polarity + intercept, 50), -50))), {_DIGITS})
                end as p_of_lexicon
            from current join served on current.language = served.language
        )
        select record_kind, record_id, by_lexicon.text_hash, language, language_from, sentences, lexicon_polarity, worst_sentence,
            case when model = '{LEARNED}' then foreseen.polarity else lexicon_polarity end as polarity,
            case when model = '{LEARNED}' then foreseen.p_negative else p_of_lexicon end as p_negative,
            case
                when model = '{LEARNED}' then foreseen.is_negative
                else coalesce(p_of_lexicon >= 0.5, lexicon_polarity <= {-base.NEUTRAL})
            end as is_negative,
            model, version
        from by_lexicon left join foreseen on by_lexicon.text_hash = foreseen.text_hash
        order by record_kind, record_id
        """
    ).to_arrow_table()


def _foresee(con: duckdb.DuckDBPyConnection, model: Served, weights: Learned) -> None:
    """What a learned model says of the texts of its language that it has not scored yet, into the table ``foreseen``."""
    query = "select text_hash from current anti join foreseen using (text_hash) where language = ?"
    con.execute(f"create or replace temp table unseen as {query}", [model.language])
    tables = []
    for batch in texts_of(con, "select text_hash from unseen"):
        texts = [cleaned(text) for _, text, _ in batch]
        found = weights.probabilities(texts, [base.score(text, model.language) for text in texts], model.language).round(_DIGITS)
        tables.append(
            pa.table(
                {
                    "text_hash": [key for key, _, _ in batch],
                    "polarity": (found[:, 1] - found[:, 0]).round(_DIGITS),
                    "p_negative": found[:, 0],
                    "is_negative": found[:, 0] >= 0.5,
                }
            )
        )
    if tables:
        said = pa.concat_tables(tables)  # noqa: F841 (DuckDB reads it by its name)
        con.execute("insert into foreseen by name select * from said")
