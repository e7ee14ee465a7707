{%- set fcr_known_at = dbt.dateadd('day', var('fcr_window_days'), 'started_at') -%}
{{ maintained(
    unique_key=['call_id'],
    invalidated_by={
        'int_calls': 'call_id',
        'int_call_topics': 'call_id',
        'int_record_customers': records_of('calls'),
        'int_contacts': records_of('calls'),
        'int_survey_confirmations': records_of('calls'),
        'dim_customers': rows_with_changed('call_id', 'customer_key'),
        'int_queue_teams':
            'select calls.call_id from ' ~ ref('int_calls') ~ ' as calls inner join {changes} as changes '
            ~ 'on calls.queue = changes.queue and calls._contract is not distinct from changes.contract',
    },
    invalidated_by_as_of=['select call_id from {this} where ' ~ passed(fcr_known_at)]
) }}
with calls as (

    select
        calls.*,
        coalesce(calls.topic, topics.topic) as topic_or_tickets,
        coalesce(records.customer_key, 'unknown') as customer_key,
        coalesce(calls.queued_at, calls.started_at) as queued_or_started_at,
        -- An export without dispositions still shows who met an agent, if it shows anything of it.
        coalesce(
            calls.disposition,
            case
                when
                    calls.answered_at is not null
                    or calls.talk_seconds > 0
                    or calls.resolved
                    or calls.solved_on_first_contact
                    then 'answered'
                when contracts.does_tell_answers and calls.does_file_tell_answers then 'abandoned'
            end,
            'unknown'
        ) as disposition_or_derived,
        -- Who claims to have solved it at once says that it was.
        coalesce(calls.resolved, case when calls.solved_on_first_contact then true end) as is_resolved,
        -- Chats, tasks and mails of a contact centre are contacts, and no calls.
        coalesce(calls.channel, 'phone') in ('phone', 'voice', 'telephone', 'call') as is_phone,
        contracts.does_tell_claims and calls.does_file_tell_claims as does_tell_claims
    from {{ ref('int_calls') }} as calls
    left join {{ ref('int_call_topics') }} as topics on calls.call_id = topics.call_id
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'calls'
            and calls.call_id = records.record_id
    inner join {{ ref('int_call_contracts') }} as contracts on calls._contract is not distinct from contracts.contract
    where {{ is_invalidated('calls.call_id') }}

),

classified as (

    select
        *,
        coalesce(direction, 'inbound') = 'inbound'
        and disposition_or_derived in ('answered', 'abandoned', 'voicemail', 'callback', 'unknown') as is_contact,
        coalesce(direction, 'inbound') = 'inbound'
        and is_phone
        and disposition_or_derived in ('answered', 'abandoned', 'voicemail', 'callback', 'unknown') as is_offered,
        coalesce(direction, 'inbound') = 'inbound' and disposition_or_derived = 'answered' as has_met_agent,
        coalesce(direction, 'inbound') = 'inbound' and is_phone and disposition_or_derived = 'answered' as is_answered,
        disposition_or_derived = 'unknown' as is_unknown,
        coalesce(direction, 'inbound') = 'inbound' and is_phone and disposition_or_derived = 'abandoned' as is_abandoned,
        -- Answered before it was queued: of its wait nothing is known.
        coalesce(
            wait_seconds,
            {{ seconds_between(
                'queued_or_started_at', in_order('coalesce(wait_ends_at, answered_at)', 'queued_or_started_at')
            ) }},
            case
                when disposition_or_derived = 'abandoned'
                    then {{ seconds_between('queued_or_started_at', in_order('ended_at', 'queued_or_started_at')) }}
            end
        ) as waited_seconds
    from calls

),

complaint_topics as (

    select distinct {{ topic_key('topic') }} as topic
    from {{ ref('complaint_topics') }}

),

claimed as (

    select
        *,
        case
            when is_resolved
                then coalesce(solved_on_first_contact, case when does_tell_claims then false end)
        end as is_fcr_claimed
    from classified

)

select
    claimed.call_id,
    claimed.customer_key,
    claimed.started_at,
    claimed.queued_or_started_at as queued_at,
    case
        when claimed.is_answered
            then coalesce(
                {{ in_order('claimed.answered_at', 'claimed.queued_or_started_at') }},
                {{ dbt.dateadd('second', 'coalesce(claimed.waited_seconds, 0)', 'claimed.queued_or_started_at') }}
            )
    end as answered_at,
    case when claimed.is_phone then 'phone' else claimed.channel end as channel,
    coalesce(claimed.agent_id, 'unknown') as agent_id,
    -- Of a call that nobody answered no agent tells the team: its queue does.
    coalesce(claimed.team, case when not claimed.has_met_agent then queues.team end, 'unknown') as team,
    coalesce(claimed.queue, 'unknown') as queue,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    coalesce(claimed.topic_or_tickets, 'unknown') as topic,
    claimed.order_id,
    coalesce(claimed.direction, 'inbound') as direction,
    claimed.disposition_or_derived as disposition,
    claimed.is_contact,
    claimed.is_offered,
    claimed.is_answered,
    case when not claimed.is_unknown then claimed.is_abandoned end as is_abandoned,
    -- A wait that nobody recorded is no short one.
    claimed.is_abandoned
    and coalesce(claimed.waited_seconds <= {{ var('short_abandon_seconds') }}, false) as is_short_abandon,
    -- Null for an answered call whose wait nobody recorded, and for one of which nobody knows whether it was answered.
    case
        when not claimed.is_unknown
            then claimed.is_answered and claimed.waited_seconds <= {{ var('service_level_seconds') }}
    end as is_within_service_level,
    claimed.waited_seconds as wait_seconds,
    claimed.ivr_seconds,
    claimed.talk_seconds,
    cast(claimed.hold_seconds as bigint) as hold_seconds,
    case
        when claimed.is_answered and claimed.talk_seconds is not null
            then
                claimed.talk_seconds
                + coalesce(claimed.hold_seconds, 0)
                + coalesce(claimed.wrap_up_seconds, 0)
    end as handle_seconds,
    claimed.consult_seconds,
    -- Null where its file has no word of it.
    case
        when claimed.is_answered and claimed.has_consult then true
        when claimed.is_answered and claimed.does_file_tell_consults then false
    end as is_consulted,
    claimed.is_resolved,
    complaint_topics.topic is not null as is_complaint,
    claimed.escalated as is_escalated,
    coalesce(claimed.transferred, false) as is_transferred,
    {{ is_fcr_observed(
        'contacts', 'claimed.started_at', 'coalesce(claimed.is_resolved, false)',
        'claimed.has_met_agent and not coalesce(claimed.transferred, false)'
    ) }} as is_fcr_observed,
    claimed.is_fcr_claimed,
    case when claimed.is_fcr_claimed then confirmations.is_solved end as is_fcr_verified,
    contacts.next_contact_at,
    claimed.csat_score,
    claimed.csat_scale,
    claimed.extra
from claimed
left join {{ ref('dim_customers') }} as customers on claimed.customer_key = customers.customer_key
left join {{ ref('int_queue_teams') }} as queues
    on
        claimed.queue = queues.queue
        and claimed._contract is not distinct from queues.contract
left join {{ ref('int_contacts') }} as contacts
    on
        contacts.record_kind = 'calls'
        and claimed.call_id = contacts.record_id
left join {{ ref('int_survey_confirmations') }} as confirmations
    on
        confirmations.record_kind = 'calls'
        and claimed.call_id = confirmations.record_id
left join complaint_topics on {{ topic_key('claimed.topic_or_tickets') }} = complaint_topics.topic
