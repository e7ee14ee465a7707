{%- set fcr_known_at = dbt.dateadd('day', var('fcr_window_days'), 'started_at') -%}
{{ maintained(
    unit=['call_id'],
    touched_by={
        'stg_calls': 'call_id',
        'int_record_customers': records_of('calls'),
        'int_contacts': records_of('calls'),
        'dim_customers': rows_with_changed('call_id', 'customer_key'),
    },
    on_clock=['select call_id from {this} where ' ~ passed(fcr_known_at)]
) }}
with calls as (

    select
        calls.*,
        coalesce(records.customer_key, 'unknown') as customer_key,
        coalesce(calls.queued_at, calls.started_at) as queued_or_started_at,
        -- An export without dispositions still shows who met an agent.
        coalesce(
            calls.disposition,
            case when calls.answered_at is not null or calls.talk_seconds > 0 then 'answered' else 'abandoned' end
        ) as disposition_or_derived
    from {{ ref('stg_calls') }} as calls
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'calls'
            and calls.call_id = records.record_id
    where {{ is_touched('calls.call_id') }}

),

classified as (

    select
        *,
        coalesce(direction, 'inbound') = 'inbound'
        and disposition_or_derived in ('answered', 'abandoned', 'voicemail', 'callback') as is_offered,
        coalesce(direction, 'inbound') = 'inbound' and disposition_or_derived = 'answered' as is_answered,
        coalesce(direction, 'inbound') = 'inbound' and disposition_or_derived = 'abandoned' as is_abandoned,
        coalesce(
            wait_seconds,
            {{ seconds_between('queued_or_started_at', 'answered_at') }},
            case
                when disposition_or_derived = 'abandoned'
                    then {{ seconds_between('queued_or_started_at', 'ended_at') }}
            end
        ) as waited_seconds
    from calls

)

select
    classified.call_id,
    classified.customer_key,
    classified.started_at,
    classified.queued_or_started_at as queued_at,
    case
        when classified.is_answered
            then coalesce(
                classified.answered_at,
                {{ dbt.dateadd('second', 'coalesce(classified.waited_seconds, 0)', 'classified.queued_or_started_at') }}
            )
    end as answered_at,
    'phone' as channel,
    coalesce(classified.agent_id, 'unknown') as agent_id,
    coalesce(classified.team, 'unknown') as team,
    coalesce(classified.queue, 'unknown') as queue,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    coalesce(classified.topic, 'unknown') as topic,
    classified.order_id,
    coalesce(classified.direction, 'inbound') as direction,
    classified.disposition_or_derived as disposition,
    classified.is_offered,
    classified.is_answered,
    classified.is_abandoned,
    -- A wait that nobody recorded is no short one.
    classified.is_abandoned
    and coalesce(classified.waited_seconds <= {{ var('short_abandon_seconds') }}, false) as is_short_abandon,
    -- Null for an answered call whose wait nobody recorded.
    classified.is_answered
    and classified.waited_seconds <= {{ var('service_level_seconds') }} as is_within_service_level,
    classified.waited_seconds as wait_seconds,
    classified.talk_seconds,
    case
        when classified.is_answered and classified.talk_seconds is not null
            then
                classified.talk_seconds
                + coalesce(classified.hold_seconds, 0)
                + coalesce(classified.wrap_up_seconds, 0)
    end as handle_seconds,
    classified.resolved as is_resolved,
    coalesce(classified.escalated, false) as is_escalated,
    coalesce(classified.transferred, false) as is_transferred,
    {{ is_fcr_observed(
        'contacts', 'classified.started_at', 'coalesce(classified.resolved, false)',
        'classified.is_answered and not coalesce(classified.transferred, false)'
    ) }} as is_fcr_observed,
    classified.csat_score,
    classified.csat_scale
from classified
left join {{ ref('dim_customers') }} as customers on classified.customer_key = customers.customer_key
left join {{ ref('int_contacts') }} as contacts
    on
        contacts.record_kind = 'calls'
        and classified.call_id = contacts.record_id
