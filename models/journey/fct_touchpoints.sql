{{ maintained(
    unit=['touchpoint', 'source_id'],
    touched_by={
        'fct_tickets': "select 'support_ticket', ticket_id from {changes}",
        'fct_calls': "select 'support_call', call_id from {changes}",
        'fct_orders': "select 'place_order', order_id from {changes}",
        'fct_reviews': "select 'leave_review', review_id from {changes}",
        'fct_survey_responses': "select 'answer_survey', response_id from {changes}",
    }
) }}
-- The spine of the journey: every interaction of every kind, once.
with touchpoints as (

    select
        'support_ticket' as touchpoint,
        ticket_id as source_id,
        customer_key,
        created_at as occurred_at,
        channel,
        cast(first_response_seconds as bigint) as duration_seconds,
        last_csat as score,
        cast(null as double) as amount
    from {{ ref('fct_tickets') }}
    where {{ is_touched("'support_ticket'", 'ticket_id') }}
    union all
    select
        'support_call' as touchpoint,
        call_id as source_id,
        customer_key,
        started_at as occurred_at,
        channel,
        handle_seconds as duration_seconds,
        csat_score as score,
        cast(null as double) as amount
    from {{ ref('fct_calls') }}
    where {{ is_touched("'support_call'", 'call_id') }}
    union all
    select
        'place_order' as touchpoint,
        order_id as source_id,
        customer_key,
        ordered_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        cast(null as double) as score,
        order_value as amount
    from {{ ref('fct_orders') }}
    where {{ is_touched("'place_order'", 'order_id') }}
    union all
    select
        'leave_review' as touchpoint,
        review_id as source_id,
        customer_key,
        created_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        stars as score,
        cast(null as double) as amount
    from {{ ref('fct_reviews') }}
    where {{ is_touched("'leave_review'", 'review_id') }}
    union all
    select
        'answer_survey' as touchpoint,
        response_id as source_id,
        customer_key,
        responded_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        score,
        cast(null as double) as amount
    from {{ ref('fct_survey_responses') }}
    where {{ is_touched("'answer_survey'", 'response_id') }}

)

select
    {{ dbt.hash(dbt.concat(["touchpoints.touchpoint", "'|'", "touchpoints.source_id"])) }} as touchpoint_id,
    touchpoints.customer_key,
    touchpoints.occurred_at,
    coalesce(journey.stage, 'unknown') as stage,
    touchpoints.touchpoint,
    touchpoints.channel,
    coalesce(journey.signal_kind, 'unknown') as kind,
    coalesce(journey.export, 'unknown') as source_system,
    touchpoints.source_id,
    touchpoints.duration_seconds,
    cast(touchpoints.score as double) as score,
    touchpoints.amount
from touchpoints
left join {{ ref('journey_map') }} as journey on touchpoints.touchpoint = journey.touchpoint
