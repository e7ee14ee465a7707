"""The tables that texts are read from."""

from __future__ import annotations

COLUMNS = {
    "stg_tickets": "ticket_id varchar, created_at timestamp, solved_at timestamp, updated_at timestamp, language varchar, "
    'subject varchar, "text" varchar, csat_comment varchar, csat_score double, csat_scale bigint',
    "stg_calls": "call_id varchar, started_at timestamp, language varchar, transcript varchar",
    "stg_reviews": 'review_id varchar, created_at timestamp, language varchar, title varchar, "text" varchar, rating double, '
    "rating_scale bigint, order_id varchar",
    "stg_surveys": "response_id varchar, responded_at timestamp, language varchar, comment varchar, kind varchar, score double, "
    "scale_min bigint, scale_max bigint",
    "stg_transcripts": 'transcript_id varchar, created_at timestamp, language varchar, "text" varchar, call_id varchar, '
    "ticket_id varchar",
}
