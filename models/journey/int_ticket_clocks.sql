{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'int_ticket_creations': 'ticket_id',
        'stg_ticket_events': 'ticket_id',
        'int_call_tickets': 'ticket_id',
    }
) }}
-- What the log can say of each ticket, and when the clock of its first response starts.
with tickets as (

    select
        ticket_id,
        contract,
        created_at,
        created_by_type,
        list_ahead_seconds,
        is_off_desk,
        stated_solved_at,
        {{ local_date('created_at') }} as created_on
    from {{ ref('int_ticket_creations') }}
    where {{ is_invalidated('ticket_id') }}

),

own_logs as (

    select
        events.ticket_id,
        events._contract as event_contract,
        max(case when events.event_type = 'created' then 1 else 0 end) = 1 as is_creation_known,
        max(
            case when events.event_type = 'status_changed' and {{ is_off_desk('events.to_value') }} then events.event_at end
        ) as logged_solved_at,
        min(
            case when events.event_type = 'customer_message' and events.event_at >= tickets.created_at then events.event_at end
        ) as first_message_at
    from {{ ref('stg_ticket_events') }} as events
    inner join tickets on events.ticket_id = tickets.ticket_id
    group by
        events.ticket_id,
        events._contract

),

messages as (

    select
        ticket_id,
        min(first_message_at) as first_message_at
    from own_logs
    group by ticket_id

),

reaching as (

    select
        tickets.ticket_id,
        reach.does_tell_replies,
        reach.does_tell_changes,
        reach.does_tell_escalations,
        reach.does_tell_assignments,
        reach.does_tell_bots,
        coalesce(own_logs.is_creation_known, false)
        or (not reach.does_tell_creations and tickets.created_on between reach.begins_on and reach.ends_on) as is_begin_known,
        coalesce(own_logs.is_creation_known, false)
        or coalesce(tickets.created_on >= {{ add_days('reach.begins_on', -var('log_lag_days')) }}, false) as is_first_known,
        -- What happened to it after the log had ended nobody knows, unless it was over by then.
        reach.ended_at is null
        or (
            tickets.is_off_desk
            and coalesce(coalesce(tickets.stated_solved_at, own_logs.logged_solved_at) <= reach.ended_at, false)
        ) as is_end_known
    from tickets
    inner join {{ ref('int_log_coverage') }} as reach on tickets.contract is not distinct from reach.ticket_contract
    left join own_logs
        on
            tickets.ticket_id = own_logs.ticket_id
            and reach.event_contract is not distinct from own_logs.event_contract

),

reached as (

    select
        ticket_id,
        {% for subject, flag in [
            ('replies', 'are_replies_logged'), ('changes', 'are_changes_logged'), ('escalations', 'are_escalations_logged'),
            ('assignments', 'are_assignments_logged'), ('bots', 'are_bots_logged')
        ] -%}
        max(case when does_tell_{{ subject }} and is_begin_known and is_end_known then 1 else 0 end) = 1 as {{ flag }},
        {% endfor -%}
        max(case when does_tell_replies and is_first_known then 1 else 0 end) = 1 as is_first_reply_logged,
        max(case when does_tell_replies and is_first_known and is_end_known then 1 else 0 end) = 1 as is_every_reply_logged
    from reaching
    group by ticket_id

)

select
    tickets.ticket_id,
    tickets.contract,
    tickets.created_at,
    tickets.list_ahead_seconds,
    coalesce(reached.are_replies_logged, false) as are_replies_logged,
    coalesce(reached.are_changes_logged, false) as are_changes_logged,
    coalesce(reached.are_escalations_logged, false) as are_escalations_logged,
    coalesce(reached.are_assignments_logged, false) as are_assignments_logged,
    coalesce(reached.are_bots_logged, false) as are_bots_logged,
    coalesce(reached.is_first_reply_logged, false) as is_first_reply_logged,
    coalesce(reached.is_every_reply_logged, false) as is_every_reply_logged,
    -- The caller has been spoken to. Who was written to first waits from their own first message on.
    case
        when calls.ticket_id is not null then null
        when tickets.created_by_type = 'agent' then messages.first_message_at
        else tickets.created_at
    end as response_starts_at,
    calls.call_id as opened_by_call_id,
    coalesce(calls.is_call_contact, false) as is_part_of_call
from tickets
left join reached on tickets.ticket_id = reached.ticket_id
left join messages on tickets.ticket_id = messages.ticket_id
left join {{ ref('int_call_tickets') }} as calls on tickets.ticket_id = calls.ticket_id
