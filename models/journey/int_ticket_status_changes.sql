{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_ticket_events': 'ticket_id'}) }}
-- Each change of a ticket's state, with the state before it. Solved and closed are one: the case is off the desk.
with stated as (

    select
        ticket_id,
        'status' as series,
        event_at,
        event_id,
        _batch,
        _row,
        case when event_type = 'created' then 0 else 1 end as is_later,
        to_value,
        from_value,
        max(case when event_type = 'created' then 1 else 0 end) over (partition by ticket_id) as is_log_whole
    from {{ ref('stg_ticket_events') }}
    where
        event_type in ('created', 'status_changed')
        and to_value is not null
        and {{ is_invalidated('ticket_id') }}

),

{{ placed_in_chain() }},

ordered as (

    select
        ticket_id,
        event_at,
        to_value as status,
        -- Only a log that begins in the middle of a ticket's life needs an event's own word for what was before.
        coalesce(
            lag(to_value) over ticket_history,
            case when is_log_whole = 0 then from_value end
        ) as previous_status,
        row_number() over ticket_history as change_number
    from placed
    window ticket_history as (partition by ticket_id order by event_at, is_later, place)

)

select
    ticket_id,
    change_number,
    event_at,
    status,
    previous_status,
    {{ is_off_desk('status') }} as is_off_desk,
    coalesce({{ is_off_desk('previous_status') }}, false) as was_off_desk
from ordered
