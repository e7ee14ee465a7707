{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_ticket_events': 'ticket_id'}) }}
-- Which priority a ticket had when, where its log tells of changes: the first has no beginning, the last no end.
with changes as (

    select
        ticket_id,
        event_at,
        coalesce(from_value, 'unknown') as previous_priority,
        coalesce(to_value, 'unknown') as priority,
        row_number() over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as change_number,
        lead(event_at) over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as next_event_at
    from {{ ref('stg_ticket_events') }}
    where
        event_type = 'priority_changed'
        and {{ is_invalidated('ticket_id') }}

),

spans as (

    select
        ticket_id,
        previous_priority as priority,
        cast(null as timestamp) as starts_at,
        event_at as ends_at
    from changes
    where change_number = 1
    union all
    select
        ticket_id,
        priority,
        event_at as starts_at,
        next_event_at as ends_at
    from changes

)

select
    ticket_id,
    priority,
    starts_at,
    ends_at
from spans
where coalesce(ends_at > starts_at, true)
