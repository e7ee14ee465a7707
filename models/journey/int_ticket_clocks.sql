{{ maintained(
    unit=['ticket_id'],
    touched_by={
        'int_ticket_creations': 'ticket_id',
        'stg_ticket_events': 'ticket_id',
        'int_call_tickets': 'ticket_id',
    }
) }}
-- What the log can tell of each ticket, and when the clock of its first response starts.
with tickets as (

    select
        ticket_id,
        contract,
        created_at,
        created_by_type,
        list_ahead_seconds,
        {{ local_date('created_at') }} as created_on
    from {{ ref('int_ticket_creations') }}
    where {{ is_touched('ticket_id') }}

),

own_logs as (

    select
        events.ticket_id,
        events._contract as event_contract,
        max(case when events.event_type = 'created' then 1 else 0 end) = 1 as is_creation_told,
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

reached as (

    select
        tickets.ticket_id,
        max(case when reach.does_tell_replies then 1 else 0 end) = 1 as are_replies_logged,
        max(case when reach.does_tell_changes then 1 else 0 end) = 1 as are_changes_logged,
        max(case when reach.does_tell_escalations then 1 else 0 end) = 1 as are_escalations_logged
    from tickets
    inner join {{ ref('int_log_reach') }} as reach on tickets.contract is not distinct from reach.ticket_contract
    left join own_logs
        on
            tickets.ticket_id = own_logs.ticket_id
            and reach.event_contract is not distinct from own_logs.event_contract
    where
        own_logs.is_creation_told
        or (not reach.does_tell_creations and tickets.created_on between reach.begins_on and reach.ends_on)
    group by tickets.ticket_id

)

select
    tickets.ticket_id,
    tickets.contract,
    tickets.created_at,
    tickets.list_ahead_seconds,
    coalesce(reached.are_replies_logged, false) as are_replies_logged,
    coalesce(reached.are_changes_logged, false) as are_changes_logged,
    coalesce(reached.are_escalations_logged, false) as are_escalations_logged,
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
