{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'fct_csat_answers': "select source_id from {changes} where category = 'ticket'",
        'fct_survey_responses': 'select ticket_id from {changes} where ticket_id is not null',
    }
) }}
-- The last satisfaction that a ticket was scored with, on the ticket or in a survey about it.
with answers as (

    select
        source_id as ticket_id,
        rated_at,
        is_satisfied
    from {{ ref('fct_csat_answers') }}
    where
        category = 'ticket'
        and is_satisfied is not null
        and {{ is_invalidated('source_id') }}
    union all
    select
        ticket_id,
        responded_at as rated_at,
        is_satisfied
    from {{ ref('fct_survey_responses') }}
    where
        kind = 'csat'
        and ticket_id is not null
        and is_satisfied is not null
        and {{ is_invalidated('ticket_id') }}

)

select
    ticket_id,
    max(rated_at) as rated_at,
    -- Of two at one instant the worse.
    min(case when is_latest and is_satisfied then 1 when is_latest then 0 end) = 1 as is_satisfied
from (
    select
        *,
        rated_at = max(rated_at) over (partition by ticket_id) as is_latest
    from answers
) as ordered
group by ticket_id
