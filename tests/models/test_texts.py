"""What texts say: language, what of a text is its own, sentiment by lexicon and as labelled texts teach it, step and tables."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from heldout import HELD_OUT, SECOND_WRITER
from homes import REAL_EXPORTS
from multilingual import LABELLED, labelled_texts
from text_tables import COLUMNS

from orchestration.settings.model import Settings
from orchestration.texts import base, learned
from orchestration.texts.cleaning import cleaned
from orchestration.texts.judging import Rules, figures, gain, guessed, side_of
from orchestration.texts.languages import language_of, named_language
from orchestration.texts.lexicon import LANGUAGES, lexicon
from orchestration.texts.redaction import redacted
from orchestration.texts.serving import models_of
from orchestration.texts.sources import TABLES
from orchestration.texts.step import score_texts
from orchestration.texts.tables import TABLES as WRITTEN

OLIST = REAL_EXPORTS / "olist" / "olist_order_reviews_dataset.csv"
SMALL = Rules(min_labelled=200, min_side=10)


def polarity(text: str, language: str) -> float:
    return base.score(text, language).polarity


# -- language


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("pt-BR", "pt"),
        ("EN", "en"),
        ("de_AT", "de"),
        ("German", "de"),
        ("Français", "fr"),
        ("", None),
        (None, None),
        ("Klingon", None),
    ],
)
def test_an_export_names_a_language(stated: str | None, code: str | None) -> None:
    assert named_language(stated) == code


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my parcel? I have been waiting for two weeks.", "en"),
        ("Wo bleibt mein Paket? Ich warte seit zwei Wochen.", "de"),
        ("Où est mon colis ? J'attends depuis deux semaines.", "fr"),
        ("Dov'è il mio pacco? Aspetto da due settimane.", "it"),
        ("¿Dónde está mi paquete? Llevo dos semanas esperando.", "es"),
        ("Gdzie jest moja paczka? Czekam od dwóch tygodni.", "pl"),
        ("Onde está meu pacote? Estou esperando há duas semanas.", "pt"),
        ("Waar blijft mijn pakket? Ik wacht al twee weken.", "nl"),
        ("ok", "unknown"),
        ("1234 5678", "unknown"),
        ("👍", "unknown"),
    ],
)
def test_words_show_a_language_or_none(text: str, language: str) -> None:
    assert language_of(text, None)[0] == language


def test_an_export_knows_better_unless_the_words_are_sure() -> None:
    assert language_of("Great stuff", "de-DE") == ("de", "export")
    assert language_of("Produto bonito e barato, gostei", "pt") == ("pt", "export")
    assert language_of("Came a week late and nobody answered.", "de") == ("en", "words")


# -- what of a text is its own


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Hello,\nmy parcel is late.\n\nKind regards\nAnna Nowak\nExample Ltd", "my parcel is late."),
        ("Sehr geehrte Damen und Herren,\nes fehlt ein Teil.\nMit freundlichen Grüßen\nA. Beispiel", "es fehlt ein Teil."),
        ("Bonjour, le colis est cassé", "le colis est cassé"),
        ("Dzień dobry!\nNie działa.\nPozdrawiam\nJan", "Nie działa."),
        ("Still broken.\n\nOn Mon, 1 Jun 2026 at 10:00, Support wrote:\n> We are happy to help", "Still broken."),
        ("Immer noch nichts.\n\nAm 01.06.2026 um 10:00 schrieb Support:\nGerne!", "Immer noch nichts."),
        ("Toujours rien.\nLe lun. 1 juin 2026 à 10:00, Service a écrit :\nMerci", "Toujours rien."),
        ("> quoted\nmine\n> quoted again", "mine"),
        ("<p>It is <b>broken</b></p><p>Really&nbsp;bad</p>", "It is broken \n Really\xa0bad"),
        ("See https://example.com/great/love now", "See   now"),
        # Nothing else was written: then that is the text.
        ("Kind regards", "Kind regards"),
        ("> Great", "> Great"),
        ("Hello", "Hello"),
    ],
)
def test_greetings_signatures_and_quoted_replies_are_cut_off(text: str, own: str) -> None:
    assert cleaned(text).split() == own.split()


@pytest.mark.ci
@pytest.mark.parametrize("part", ["\n", "<a ", "regards\n", "#-", "A1-", "1 ", "Aa ", "l'", "On x", "\ud83d", "\x00"])
def test_the_cost_of_odd_texts_follows_their_length(part: str) -> None:
    """Of one four times as long it would be sixteen times as much, were each letter compared with all others."""

    def cost(length: int) -> float:
        text = part * (length // len(part))
        start = time.process_time()
        base.score(cleaned(text), "fr")
        redacted(text)
        return time.process_time() - start

    cost(100)  # word lists are read
    assert cost(80_000) < 9 * cost(20_000) + 0.2


def test_what_others_wrote_is_not_the_customers_sentiment() -> None:
    reply = "It is still broken.\n\nOn Mon, 1 Jun 2026, Support wrote:\n> We are so happy! Great, wonderful, the best!"
    assert polarity(cleaned(reply), "en") < 0 < polarity(reply, "en")


# -- by lexicon


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_lexicon_knows_both_sides_denial_and_degree(language: str) -> None:
    words = lexicon(language)
    values = [*words.words.values(), *words.stems.values()]
    assert min(values) <= -3
    assert max(values) >= 3
    assert all(abs(value) <= 4 for value in values)
    assert words.negators
    assert words.boosters
    assert words.dampers
    assert words.buts
    assert words.expected | words.expected_stems


#: A value that the rules give by hand: x / sqrt(x² + 15).
def soft(total: float) -> float:
    return total / math.sqrt(total * total + 15)


@pytest.mark.parametrize(
    ("language", "best", "worst", "could_be_better"),
    [
        ("en", "It could not be better.", "It could not be worse.", "It could be better."),
        ("de", "Könnte nicht besser sein", "Könnte nicht schlechter sein", "Könnte besser sein"),
        ("fr", "Ça ne pourrait pas être mieux", "Ça ne pourrait pas être pire", "Ça pourrait être mieux"),
        ("es", "No podría ser mejor", "No podría ser peor", "Podría ser mejor"),
        ("it", "Non poteva andare meglio", "Non poteva andare peggio", "Poteva andare meglio"),
        ("pt", "Não poderia ser melhor", "Não poderia ser pior", "Poderia ser melhor"),
        ("pl", "Nie mogło być lepiej", "Nie mogło być gorzej", "Mogło być lepiej"),
    ],
)
def test_what_could_not_be_better_is_good(language: str, best: str, worst: str, could_be_better: str) -> None:
    assert (polarity(best, language), polarity(worst, language)) == (pytest.approx(soft(3)), pytest.approx(soft(-3)))
    assert polarity(could_be_better, language) == pytest.approx(soft(-1))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "free of defects"), ("de", "frei von Mängeln"), ("fr", "exempt de défauts"), ("es", "libre de defectos"),
        ("it", "privo di difetti"), ("pt", "livre de defeitos"), ("pl", "wolny od wad"),
    ],
)  # fmt: skip
def test_what_is_free_of_faults_is_good(language: str, text: str) -> None:
    assert polarity(text, language) == pytest.approx(soft(2))


@pytest.mark.parametrize(
    ("text", "language", "by_hand"),
    [
        ("Schnelle Lieferung", "de", soft(2)),
        ("sehr schnelle Lieferung", "de", soft(2 * 1.3)),
        ("etwas langsam", "de", soft(-1 * 0.7)),
        ("keine schnelle Lieferung", "de", soft(2 * -0.74)),
        ("nicht defekt", "de", soft(-2 * -0.4)),
        ("nicht schlecht", "de", soft(2)),
        ("Lieferung", "de", 0.0),
        ("Die Lieferung kam nicht", "de", soft(-2)),
        # Bad and good weigh alike, but what comes behind the "but" counts more.
        ("schnell, aber defekt", "de", soft(2 * 0.5 - 2 * 1.5)),
        ("defekt 👎!", "de", soft(-2 - 2 - 0.1)),
        # Two sentences of three have a side: their mean.
        ("Schnell. Ein Paket. Defekt.", "de", 0.0),
    ],
)
def test_rules_by_hand(text: str, language: str, by_hand: float) -> None:
    assert polarity(text, language) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("good", "bad", "language"),
    [
        ("Not bad at all", "Not good at all", "en"),
        ("It arrived and works", "It never arrived", "en"),
        ("pas mal du tout", "ça ne marche pas", "fr"),
        ("nessun problema", "non è mai arrivato", "it"),
        ("nada mal", "no llegó nunca", "es"),
        ("nie jest zły", "paczka nie dotarła", "pl"),
        ("sem problemas", "não recebi o produto", "pt"),
        ("GREAT service", "AWFUL service", "en"),
        ("👍", "👎", "unknown"),
        ("😍", "😡", "ja"),
    ],
)
def test_denials_and_signs(good: str, bad: str, language: str) -> None:
    assert polarity(good, language) >= 0 > polarity(bad, language)


def test_louder_is_more() -> None:
    assert polarity("It is AWFUL", "en") < polarity("It is awful", "en") < 0
    assert polarity("awful!!!", "en") < polarity("awful", "en")


def test_a_text_of_many_sentences_keeps_its_worst() -> None:
    scored = base.score("Delivery was quick. The support was awful. I like the colour.", "en")
    assert scored.sentences == 3
    assert scored.worst < 0 < scored.polarity - scored.worst


# -- on labelled texts that nothing was fitted to


@pytest.mark.parametrize(
    ("language", "at_least"), [("en", 0.75), ("de", 0.75), ("fr", 0.75), ("it", 0.75), ("es", 0.75), ("pl", 0.78)]
)
def test_invented_texts_by_lexicon(language: str, at_least: float) -> None:
    texts, labels = zip(*LABELLED[language], strict=True)
    found = side_of(np.array([polarity(cleaned(text), language) for text in texts]))
    measured = figures(np.array(labels), (found == -1).astype(float), found)
    assert measured.macro_f1 >= at_least
    assert measured.accuracy > guessed(np.array(labels)) + 0.2


@pytest.mark.parametrize(
    ("writer", "language", "at_least"),
    [
        *[(HELD_OUT, *bound) for bound in (("en", 0.8), ("de", 0.7), ("fr", 0.65), ("it", 0.7), ("es", 0.7), ("pl", 0.7))],
        *[(SECOND_WRITER, *bound) for bound in (("en", 0.7), ("de", 0.7), ("fr", 0.75), ("it", 0.7), ("es", 0.65), ("pl", 0.77))],
    ],
)  # fmt: skip
def test_texts_of_other_writers_by_lexicon(writer: dict[str, Any], language: str, at_least: float) -> None:
    """Many complain and praise without a word of feeling ("You told me Tuesday. It is Friday."): see docs/texts.md."""
    labelled = [(text, side) for side, texts in writer[language].items() for text in texts]
    labels = np.array([side for _, side in labelled])
    found = side_of(np.array([polarity(cleaned(text), language) for text, _ in labelled]))
    measured = figures(labels, (found == -1).astype(float), found)
    assert measured.macro_f1 >= at_least
    assert measured.accuracy >= guessed(labels)


def olist() -> list[tuple[datetime, str, int]]:
    """Portuguese reviews in the order of their days, with the side that their stars are on."""
    if not OLIST.exists():
        pytest.skip(f"real exports are not at {REAL_EXPORTS}; they are not part of the project")
    with OLIST.open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: (row["review_creation_date"], row["review_id"], row["order_id"]))
    found = []
    for row in rows:
        if text := "\n".join(filter(None, (row["review_comment_title"].strip(), row["review_comment_message"].strip()))):
            stars = int(row["review_score"])
            found.append(
                (datetime.fromisoformat(row["review_creation_date"]), text, -1 if stars <= 2 else 0 if stars == 3 else 1)
            )
    return found


def test_portuguese_reviews_by_lexicon_and_learned() -> None:
    rows = olist()
    texts, labels = [cleaned(text) for _, text, _ in rows], np.array([label for _, _, label in rows])
    scored = [base.score(text, "pt") for text in texts]
    split = int(len(rows) * 0.8)
    polarities = np.array([one.polarity for one in scored])
    curve = learned.curve(polarities[:split], labels[:split] == -1)
    plain = figures(labels[split:], learned.on_curve(curve, polarities[split:]), side_of(polarities[split:]))
    weights = learned.fit(texts[:split], scored[:split], labels[:split], "pt")
    assert weights is not None
    found = weights.probabilities(texts[split:], scored[split:], "pt")
    better = figures(labels[split:], found[:, 0], side_of(found[:, 1] - found[:, 0], 0.3))
    assert plain.auc > 0.92
    assert plain.macro_f1 > 0.6
    assert plain.accuracy > guessed(labels[split:]) + 0.3
    assert better.auc > plain.auc + 0.01
    assert better.brier < plain.brier
    assert better.macro_f1 > 0.63
    bins = json.loads(better.calibration)
    assert sum(one["texts"] for one in bins) == len(rows) - split
    gaps = [abs(one["foreseen"] - one["negative"]) * one["texts"] for one in bins]
    assert sum(gaps) / (len(rows) - split) < 0.05, "what is foreseen at 70 % comes true in about 70 %"


# -- learning


def test_steps_of_learning_depend_on_the_number_only() -> None:
    rules = Rules(min_labelled=1000, growth=1.2, max_labelled=2000)
    assert rules.learned_from(999) == (0, 0)
    assert rules.learned_from(1000) == rules.learned_from(1199) == (0, 1000)
    assert rules.learned_from(1200) == (0, 1200)
    assert rules.learned_from(2500) == (488, 2488), "the newest of them"


def test_a_text_is_not_scored_by_a_model_that_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = labelled_texts("en", 300, seed=1)
    # A text with a word of its own and a label that nothing else would give it: who was fitted to it believes that word.
    odd = "zzqx zzqy zzqz, great, quick and friendly"
    seen = [*texts, *[odd] * 10]
    weights = learned.fit(seen, [base.score(text, "en") for text in seen], np.array([*labels, *[-1] * 10]), "en")
    assert weights is not None
    scored = [base.score(odd, "en")]
    found = weights.probabilities([odd], scored, "en")[0, 0]
    fold = learned._fold
    monkeypatch.setattr(learned, "_fold", lambda plain: (fold(plain) + 1) % learned.FOLDS)
    assert weights.probabilities([odd], scored, "en")[0, 0] > max(0.85, found + 0.2)


def test_a_gain_of_auc_by_hand() -> None:
    labels = np.array([-1, -1, 1, 0])
    sure, unsure = np.array([0.9, 0.8, 0.1, 0.2]), np.array([0.9, 0.3, 0.1, 0.5])
    # Four pairs: the one finds all, the other all but (second negative, last).
    gained, error = gain(labels, sure, unsure)
    assert gained == pytest.approx(1.0 - 0.75)
    # Per negative text 0 and 1/2, per other 0 and 1/2: variance 1/8 each, of two.
    assert error == pytest.approx(math.sqrt(0.125 / 2 + 0.125 / 2))


# -- the step


NOON = datetime(2026, 6, 1, 12)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """Empty staging tables."""
    con = duckdb.connect()
    con.execute("create schema staging")
    assert COLUMNS.keys() == set(TABLES)
    for table, columns in COLUMNS.items():
        con.execute(f"create table staging.{table} ({columns})")
    con.execute("create schema conformed")
    con.execute("create table conformed.int_call_legs (leg_id varchar, call_id varchar)")
    con.execute("create table conformed.int_record_customers (record_kind varchar, record_id varchar, customer_key varchar)")
    return con


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def add(con: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        names, values = ", ".join(f'"{name}"' for name in row), ", ".join("?" for _ in row)
        con.execute(f"insert into staging.{table} ({names}) values ({values})", list(row.values()))


def add_reviews(
    con: duckdb.DuckDBPyConnection,
    language: str,
    count: int,
    seed: int,
    first: int = 0,
    stars: Callable[[int], int] | None = None,
) -> None:
    texts, labels = labelled_texts(language, count, seed)
    rating = stars or {-1: 1, 0: 3, 1: 5}.__getitem__
    names = 'review_id, created_at, language, "text", rating, rating_scale'
    rows = [
        [f"R{first + n}", NOON + timedelta(minutes=first + n), language, text, rating(label), 5]
        for n, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    con.executemany(f"insert into staging.stg_reviews ({names}) values (?, ?, ?, ?, ?, ?)", rows)


def table_of(settings: Settings, name: str) -> list[dict[str, Any]]:
    (path,) = (settings.raw / name).glob("*.parquet")
    return pq.read_table(path).to_pylist()


def quiet(_: str) -> None:
    """Progress that nobody reads."""


def run(
    settings: Settings, con: duckdb.DuckDBPyConnection, progress: Callable[[str], None] = quiet
) -> dict[tuple[str, str], dict[str, Any]]:
    score_texts(settings, con, progress, SMALL)
    return {(row["record_kind"], row["record_id"]): row for row in table_of(settings, "text_sentiment")}


def test_a_home_without_texts_pays_nothing(
    con: duckdb.DuckDBPyConnection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(con, "stg_tickets", {"ticket_id": "a", "created_at": NOON, "subject": " "})

    def fail(*_: object) -> None:
        raise AssertionError("it needs no model")

    monkeypatch.setattr("orchestration.texts.serving.models_of", fail)
    assert score_texts(settings, con, quiet) == dict.fromkeys(WRITTEN, 0)
    assert models_of is not fail


def test_texts_of_every_kind(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    add(
        con,
        "stg_tickets",
        {"ticket_id": "a", "created_at": NOON, "subject": "Parcel", "text": "It never arrived, I am angry", "language": "en"},
    )
    add(con, "stg_tickets", {"ticket_id": "b", "created_at": NOON, "csat_comment": "Sehr schnelle Hilfe, danke", "csat_score": 5})
    add(con, "stg_calls", {"call_id": "a", "started_at": NOON, "language": "pl", "transcript": "Dziękuję, świetna obsługa"})
    add(con, "stg_reviews", {"review_id": "a", "created_at": NOON, "title": "ok", "rating": 3})
    add(
        con,
        "stg_surveys",
        {
            "response_id": "a",
            "responded_at": NOON,
            "kind": "nps",
            "score": 1,
            "comment": "Le colis est arrivé cassé, quelle honte",
        },
    )
    add(
        con,
        "stg_surveys",
        {"response_id": "b", "responded_at": NOON, "kind": "enps", "score": 1, "comment": "I hate this job so much"},
    )
    add(con, "stg_transcripts", {"transcript_id": "a", "created_at": NOON, "language": "sv", "text": "Det fungerar inte alls 😡"})
    add(con, "stg_transcripts", {"transcript_id": "b", "created_at": NOON, "language": "sv", "text": "Det fungerar inte alls"})
    found = run(settings, con)
    sides = {key: row["is_negative"] for key, row in found.items()}
    assert sides == {
        ("ticket", "a"): True, ("ticket comment", "b"): False, ("call", "a"): False, ("review", "a"): None, ("survey", "a"): True,
        # A language without a lexicon: only the sign says something.
        ("transcript", "a"): True, ("transcript", "b"): None,
    }  # fmt: skip
    assert found["review", "a"]["language"] == "unknown"
    assert found["review", "a"]["polarity"] is None
    assert {row["p_negative"] for row in found.values()} == {None}, "too few labelled texts to tell a probability"
    stored = json.dumps(table_of(settings, "text_sentiment") + table_of(settings, "text_models"), default=str)
    assert "angry" not in stored
    assert "colis" not in stored


def test_a_home_learns_scores_once_and_restates(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    add_reviews(con, "fr", 190, seed=1)
    first = run(settings, con)
    assert {row["model"] for row in first.values()} == {"lexicon"}
    (lexicon_row,) = table_of(settings, "text_models")
    assert "200 are needed" in lexicon_row["problem"]

    # Words that no lexicon knows decide; with enough labels they are learned.
    add_reviews(con, "fr", 150, seed=2, first=190)
    messages: list[str] = []
    second = run(settings, con, messages.append)
    models = {row["model"]: row for row in table_of(settings, "text_models")}
    assert {row["model"] for row in second.values()} == {"ngrams"}, models["ngrams"]["problem"]
    assert models["ngrams"]["is_used"]
    assert not models["lexicon"]["is_used"]
    assert models["ngrams"]["auc"] > models["lexicon"]["auc"] + 0.01
    assert models["ngrams"]["fitted_to"] + models["ngrams"]["held_back"] <= 340
    assert all(0 <= row["p_negative"] <= 1 and -1 <= row["polarity"] <= 1 for row in second.values())
    assert any("learning" in line for line in messages)
    assert {row["version"] for row in second.values()} == {models["ngrams"]["version"]}

    # A few more: the model stays, and only they are scored.
    add_reviews(con, "fr", 4, seed=3, first=340)
    messages.clear()
    third = run(settings, con, messages.append)
    assert {key: third[key] for key in second} == second
    assert messages == ["texts: 4 new"]
    assert run(settings, con, messages.append) == third

    # All of it may be lost, or done again: the same comes of it.
    for path in (settings.home / "texts").iterdir():
        path.unlink()
    assert run(settings, con) == third
    assert run(settings.model_copy(update={"full_refresh": True}), con) == third


def test_a_record_that_goes_takes_its_score_and_its_share_of_the_model(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    add_reviews(con, "fr", 345, seed=1)
    before = run(settings, con)
    con.execute("delete from staging.stg_reviews where review_id = 'R3'")
    after = run(settings, con)
    assert before.keys() - after.keys() == {("review", "R3")}
    assert {row["version"] for row in before.values()}.isdisjoint(row["version"] for row in after.values())
    assert len(list((settings.home / "texts").glob("fr.*.npz"))) == 1, "the earlier model is removed"


def test_a_text_that_was_taken_out_leaves_its_score(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    add_reviews(con, "fr", 6, seed=1)
    before = run(settings, con)
    con.execute("update staging.stg_reviews set title = '[forgotten]', \"text\" = '[forgotten]' where review_id = 'R3'")
    con.execute("update staging.stg_reviews set \"text\" = '[removed]' where review_id <> 'R3'")
    for _ in range(2):
        after = run(settings.model_copy(update={"full_refresh": True}), con)
        assert after == {key: {**row, "text_hash": ""} for key, row in before.items()}
    add(con, "stg_reviews", {"review_id": "N", "created_at": NOON, "text": "[removed]", "rating": 1})
    assert after.keys() == run(settings, con).keys(), "of what was never scored nothing is known"


def test_what_is_not_better_is_not_used(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    rng = np.random.default_rng(4)
    # Stars that have nothing to do with the words.
    add_reviews(con, "fr", 300, seed=4, stars=lambda _: int(rng.choice([1, 3, 5])))
    found = run(settings, con)
    models = {row["model"]: row for row in table_of(settings, "text_models")}
    assert models["lexicon"]["is_used"]
    assert not models["ngrams"]["is_used"]
    assert "not surely better" in models["ngrams"]["problem"]
    assert {row["model"] for row in found.values()} == {"lexicon"}
    assert all(row["p_negative"] is not None for row in found.values()), "labels tell how much the lexicon's word is worth"


@pytest.mark.parametrize(
    ("table", "row", "label"),
    [
        ("stg_reviews", {"rating": 2, "rating_scale": 5}, -1), ("stg_reviews", {"rating": 3}, 0),
        ("stg_reviews", {"rating": 4}, 1), ("stg_reviews", {"rating": 8, "rating_scale": 10}, 1),
        ("stg_reviews", {"rating": 7}, None),
        ("stg_tickets", {"csat_score": 1, "csat_scale": 2}, -1), ("stg_tickets", {"csat_score": 2, "csat_scale": 3}, 0),
        ("stg_tickets", {"csat_score": 4}, 1), ("stg_tickets", {"csat_score": 6}, None), ("stg_tickets", {}, None),
        ("stg_surveys", {"kind": "nps", "score": 6}, -1), ("stg_surveys", {"kind": "nps", "score": 8}, 0),
        ("stg_surveys", {"kind": "nps", "score": 9}, 1), ("stg_surveys", {"kind": "csat", "score": 2}, -1),
        ("stg_surveys", {"kind": "csat", "score": 0, "scale_max": 10}, -1),
        ("stg_surveys", {"kind": "csat", "score": 0, "scale_max": 1}, -1), ("stg_surveys", {"kind": "ces", "score": 1}, None),
    ],
)  # fmt: skip
def test_labels_by_hand(table: str, row: dict[str, Any], label: int | None, con: duckdb.DuckDBPyConnection) -> None:
    from orchestration.texts.sources import EACH

    words = {"stg_reviews": "text", "stg_tickets": "csat_comment", "stg_surveys": "comment"}[table]
    add(con, table, {**row, words: "words"})
    assert con.execute(f"select label from ({EACH}) where \"text\" = 'words'").fetchall() == [(label,)]
