{{ maintained(
    unique_key=['touchpoint', 'source_id'],
    invalidated_by={
        'fct_tickets': "select 'support_ticket', ticket_id from {changes}",
        'fct_calls': "select 'support_call', call_id from {changes}",
        'fct_orders': [
            "select 'place_order', order_id from {changes}",
            "select 'order_again', order_id from {changes}",
        ],
        'fct_web_sessions': [
            "select 'browse_site', session_id from {changes}",
            "select 'view_pricing', session_id from {changes}",
        ],
        'fct_signups': "select 'create_account', signup_id from {changes}",
        'fct_shipments': "select 'receive_parcel', shipment_id from {changes}",
        'fct_product_usage': "select 'use_product', usage_key from {changes}",
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
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        created_at as occurred_at,
        channel,
        cast(first_response_seconds as bigint) as duration_seconds,
        last_csat as score,
        cast(null as double) as amount
    from {{ ref('fct_tickets') }}
    where {{ is_invalidated("'support_ticket'", 'ticket_id') }}
    union all
    select
        'support_call' as touchpoint,
        call_id as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        started_at as occurred_at,
        channel,
        handle_seconds as duration_seconds,
        csat_score as score,
        cast(null as double) as amount
    from {{ ref('fct_calls') }}
    where {{ is_invalidated("'support_call'", 'call_id') }}
    union all
    select
        case when is_repeat then 'order_again' else 'place_order' end as touchpoint,
        order_id as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        ordered_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        cast(null as double) as score,
        order_value as amount
    from {{ ref('fct_orders') }}
    where {{ is_invalidated("case when is_repeat then 'order_again' else 'place_order' end", 'order_id') }}
    union all
    select
        'leave_review' as touchpoint,
        review_id as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        created_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        stars as score,
        cast(null as double) as amount
    from {{ ref('fct_reviews') }}
    where {{ is_invalidated("'leave_review'", 'review_id') }}
    union all
    select
        'answer_survey' as touchpoint,
        response_id as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        responded_at as occurred_at,
        channel,
        cast(null as bigint) as duration_seconds,
        score,
        cast(null as double) as amount
    from {{ ref('fct_survey_responses') }}
    where {{ is_invalidated("'answer_survey'", 'response_id') }}
    union all
    select
        case when is_pricing_viewed then 'view_pricing' else 'browse_site' end as touchpoint,
        session_id as source_id,
        customer_key,
        visitor_key,
        started_at as occurred_at,
        channel,
        duration_seconds,
        cast(null as double) as score,
        cast(null as double) as amount
    from {{ ref('fct_web_sessions') }}
    where {{ is_invalidated("case when is_pricing_viewed then 'view_pricing' else 'browse_site' end", 'session_id') }}
    union all
    select
        'create_account' as touchpoint,
        signup_id as source_id,
        customer_key,
        visitor_key,
        started_at as occurred_at,
        'unknown' as channel,
        cast(null as bigint) as duration_seconds,
        cast(null as double) as score,
        cast(null as double) as amount
    from {{ ref('fct_signups') }}
    where {{ is_invalidated("'create_account'", 'signup_id') }}
    union all
    select
        'receive_parcel' as touchpoint,
        shipment_id as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        shipped_at as occurred_at,
        channel,
        transit_seconds as duration_seconds,
        cast(null as double) as score,
        cast(null as double) as amount
    from {{ ref('fct_shipments') }}
    where {{ is_invalidated("'receive_parcel'", 'shipment_id') }}
    union all
    select
        'use_product' as touchpoint,
        usage_key as source_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as visitor_key,
        used_at as occurred_at,
        'unknown' as channel,
        duration_seconds,
        cast(null as double) as score,
        cast(null as double) as amount
    from {{ ref('fct_product_usage') }}
    where {{ is_invalidated("'use_product'", 'usage_key') }}

)

select
    {{ dbt.hash(dbt.concat(["touchpoints.touchpoint", "'|'", "touchpoints.source_id"])) }} as touchpoint_id,
    touchpoints.customer_key,
    -- Who travels: a customer, or a visitor whom nobody knows yet.
    case
        when touchpoints.customer_key = 'unknown' then coalesce(touchpoints.visitor_key, 'unknown')
        else touchpoints.customer_key
    end as traveller_key,
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
