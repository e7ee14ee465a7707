"""Which columns hold what customers say, and what is beside the words that says whether they are content."""

from __future__ import annotations

#: What a rating out of a highest answer says: 1 content, -1 not, 0 neither. Of two answers there is no middle.
_BY_SCALE = """case
    when {score} is null or {score} < 0 or {score} > {scale} then null
    when {scale} <= 2 then case when {score} >= {scale} then 1 else -1 end
    when {score} >= 0.75 * {scale} then 1
    when {score} <= 0.4 * {scale} then -1
    else 0
end"""
#: The same of a scale that begins elsewhere: by the share of the way from the worst to the best.
_BY_SHARE = """case
    when {low} >= {high} or {score} not between {low} and {high} then null
    when ({score} - {low}) >= 0.75 * ({high} - {low}) then 1
    when ({score} - {low}) <= 0.25 * ({high} - {low}) then -1
    else 0
end"""
_STARS = _BY_SHARE.format(score="rating", low="1", high="coalesce(rating_scale, 5)")
_CSAT = _BY_SCALE.format(score="csat_score", scale="coalesce(csat_scale, 5)")
_SURVEY_LOW = "coalesce(scale_min, case when scale_max in (1, 10) then 0 else 1 end)"
_SURVEY = f"""case
    when kind = 'nps' and coalesce(scale_max, 10) = 10 and score between 0 and 10
        then case when score >= 9 then 1 when score >= 7 then 0 else -1 end
    when kind = 'csat' then {_BY_SHARE.format(score="score", low=_SURVEY_LOW, high="coalesce(scale_max, 5)")}
end"""

#: The staging tables that are read.
TABLES = ("stg_tickets", "stg_calls", "stg_reviews", "stg_surveys", "stg_transcripts")
#: Each text: record_kind, record_id, said_at, stated_language, text, label. A ticket's rating says nothing of the words that it
#: was opened with, and an employee is no customer.
EACH = f"""
select 'ticket' as record_kind, ticket_id as record_id, created_at as said_at, language as stated_language,
    concat_ws(chr(10), subject, "text") as "text", cast(null as integer) as label
from staging.stg_tickets
union all
select 'ticket comment', ticket_id, coalesce(solved_at, updated_at, created_at), language, csat_comment, {_CSAT}
from staging.stg_tickets
union all
select 'call', call_id, started_at, language, transcript, null
from staging.stg_calls
union all
select 'review', review_id, created_at, language, concat_ws(chr(10), title, "text"), {_STARS}
from staging.stg_reviews
union all
select 'survey', response_id, responded_at, language, comment, {_SURVEY}
from staging.stg_surveys where kind <> 'enps'
union all
select 'transcript', transcript_id, created_at, language, "text", null
from staging.stg_transcripts
"""
