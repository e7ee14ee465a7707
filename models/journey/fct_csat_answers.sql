{{ maintained(
    unique_key=['category', 'source_id'],
    invalidated_by={
        'fct_survey_responses': [
            "select 'survey', response_id from {changes}",
            "select 'ticket', ticket_id from {changes}",
            "select 'call', call_id from {changes}",
        ],
        'fct_tickets': "select 'ticket', ticket_id from {changes}",
        'fct_calls': "select 'call', call_id from {changes}",
    }
) }}
-- Satisfaction, wherever it was asked: in a survey, on a ticket, after a call. A ticket or call whose survey answer is
-- there too counts once, as the survey's.
with surveyed as (

    select
        ticket_id,
        call_id
    from {{ ref('fct_survey_responses') }}
    where
        kind = 'csat'
        and score is not null

),

answers as (

    select
        'survey' as category,
        response_id as source_id,
        customer_key,
        responded_at as rated_at,
        channel,
        team,
        agent_id,
        topic,
        country,
        segment,
        extra,
        score,
        scale_max,
        is_satisfied
    from {{ ref('fct_survey_responses') }}
    where
        kind = 'csat'
        and score is not null
        and {{ is_invalidated("'survey'", 'response_id') }}
    union all
    select
        'ticket' as category,
        ticket_id as source_id,
        customer_key,
        rated_at,
        channel,
        team,
        agent_id,
        topic,
        country,
        segment,
        extra,
        last_csat as score,
        coalesce(csat_scale, 5) as scale_max,
        cast(null as boolean) as is_satisfied
    from {{ ref('fct_tickets') }}
    where
        last_csat is not null
        and is_contact
        and {{ is_invalidated("'ticket'", 'ticket_id') }}
        and ticket_id not in (
            select surveyed.ticket_id
            from surveyed
            where surveyed.ticket_id is not null
        )
    union all
    select
        'call' as category,
        call_id as source_id,
        customer_key,
        started_at as rated_at,
        channel,
        team,
        agent_id,
        topic,
        country,
        segment,
        extra,
        csat_score as score,
        coalesce(csat_scale, 5) as scale_max,
        cast(null as boolean) as is_satisfied
    from {{ ref('fct_calls') }}
    where
        csat_score is not null
        and {{ is_invalidated("'call'", 'call_id') }}
        and call_id not in (
            select surveyed.call_id
            from surveyed
            where surveyed.call_id is not null
        )

)

select
    category,
    source_id,
    customer_key,
    rated_at,
    channel,
    team,
    agent_id,
    topic,
    country,
    segment,
    cast(score as double) as score,
    cast(scale_max as bigint) as scale_max,
    -- Tickets and calls do not say where their scale begins: it is taken to be at 1.
    case
        when category = 'survey' then is_satisfied
        when scale_max > {{ most_boxes() }} then null
        when scale_max >= 4 then score >= scale_max - 1
        else score >= scale_max
    end as is_satisfied,
    extra
from answers
-- A score off its scale is no answer; of surveys none is left.
where
    category = 'survey'
    or score between 0 and scale_max
