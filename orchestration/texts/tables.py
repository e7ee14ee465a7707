"""The tables that the step of texts writes for the models, and their columns."""

from __future__ import annotations

import pyarrow as pa

from orchestration.pull.home.tables import put_table
from orchestration.settings.model import Settings

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
SCORES, MODELS = "text_sentiment", "text_models"
TOPICS, TOPICS_FOUND, EXAMPLES = "text_topics", "topics_found", "topic_examples"
#: name -> (what it holds, its columns)
TABLES: dict[str, tuple[str, pa.Schema]] = {
    SCORES: (
        "The sentiment of each text, with the model that scored it; no text.",
        pa.schema([
            ("record_kind", _TEXT), ("record_id", _TEXT), ("text_hash", _TEXT), ("language", _TEXT), ("language_from", _TEXT),
            ("sentences", _COUNT), ("lexicon_polarity", _NUMBER), ("worst_sentence", _NUMBER), ("polarity", _NUMBER),
            ("p_negative", _NUMBER), ("is_negative", pa.bool_()), ("model", _TEXT), ("version", _TEXT),
        ]),
    ),
    MODELS: (
        "The models of sentiment by language, with how well each foresaw labelled texts that were held back.",
        pa.schema([
            ("model", _TEXT), ("version", _TEXT), ("language", _TEXT), ("is_used", pa.bool_()), ("texts", _COUNT),
            ("labelled_texts", _COUNT), ("fitted_to", _COUNT), ("held_back", _COUNT), ("held_back_from", pa.timestamp("us")),
            ("auc", _NUMBER), ("brier", _NUMBER), ("macro_f1", _NUMBER), ("accuracy", _NUMBER), ("guess_accuracy", _NUMBER),
            ("calibration", _TEXT), ("problem", _TEXT),
        ]),
    ),
    TOPICS: (
        "What texts are about: a row for each text and topic; no text.",
        pa.schema([
            ("record_kind", _TEXT), ("record_id", _TEXT), ("text_hash", _TEXT), ("topic_id", _TEXT), ("share_of_words", _NUMBER),
        ]),
    ),
    TOPICS_FOUND: (
        "The topics, with the words that they go by.",
        pa.schema([
            ("topic_id", _TEXT), ("topic", _TEXT), ("words", _TEXT), ("keys", _TEXT), ("is_named", pa.bool_()),
            ("languages", _TEXT), ("found_on", pa.date32()), ("last_found_on", pa.date32()),
        ]),
    ),
    EXAMPLES: (
        "Sentences of customers by topic, without what leads to somebody; none unless the setting publish_examples is on.",
        pa.schema([("topic_id", _TEXT), ("place", _COUNT), ("language", _TEXT), ("example", _TEXT)]),
    ),
}  # fmt: skip


def ensure_text_tables(settings: Settings) -> None:
    """Empty tables, so that models can read them before any text is scored."""
    for name, (_, schema) in TABLES.items():
        if not any((settings.raw / name).glob("*.parquet")):
            put_table(schema.empty_table(), name, settings.raw, settings.scratch)
