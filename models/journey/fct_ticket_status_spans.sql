{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={
        'int_ticket_life': 'ticket_id',
        'int_ticket_status_changes': 'ticket_id',
        'int_ticket_business_seconds': 'ticket_id',
    }
) }}
-- The life of a ticket as spans of one state each, for tickets whose changes are logged. What the log says of before the
-- creation is left out, and so is what it does not reach.
with changes as (

    select
        changes.ticket_id,
        changes.change_number,
        changes.status,
        changes.previous_status,
        life.created_at,
        life.is_history_told,
        {{ in_order('changes.event_at', 'life.created_at') }} as starts_at,
        life.solved_at
    from {{ ref('int_ticket_status_changes') }} as changes
    inner join {{ ref('int_ticket_life') }} as life on changes.ticket_id = life.ticket_id
    where {{ is_invalidated('changes.ticket_id') }}

),

followed as (

    select
        *,
        lead(starts_at) over (
            partition by ticket_id
            order by change_number
        ) as next_starts_at
    from changes

),

spans as (

    -- What the ticket was in before its first logged change.
    select
        ticket_id,
        coalesce(previous_status, 'new') as status,
        created_at as starts_at,
        starts_at as ends_at,
        solved_at
    from followed
    where
        change_number = 1
        and is_history_told
    union all
    select
        ticket_id,
        status,
        starts_at,
        next_starts_at as ends_at,
        solved_at
    from followed

),

-- A close that nobody logged ends what the log has open.
ended as (

    select
        ticket_id,
        status,
        starts_at,
        case
            when not {{ is_off_desk('status') }} and solved_at is not null and (ends_at is null or ends_at > solved_at)
                then solved_at
            else ends_at
        end as ends_at
    from spans

),

lasting as (

    select *
    from ended
    where
        starts_at is not null
        and (ends_at is null or ends_at > starts_at)

)

select
    lasting.ticket_id,
    cast(row_number() over (
        partition by lasting.ticket_id
        order by lasting.starts_at
    ) as bigint) as span_number,
    lasting.status,
    lasting.starts_at,
    lasting.ends_at,
    {{ seconds_between('lasting.starts_at', 'lasting.ends_at') }} as duration_seconds,
    coalesce(
        {{ open_seconds_until('lasting.ends_at', 'end_segments') }}
        - ({{ open_seconds_until('lasting.starts_at', 'start_segments') }}),
        {{ seconds_between('lasting.starts_at', 'lasting.ends_at') }}
    ) as duration_business_seconds
from lasting
left join {{ ref('int_ticket_business_seconds') }} as business on lasting.ticket_id = business.ticket_id
left join {{ ref('int_calendar_segments') }} as start_segments
    on {{ is_in_segment('business.calendar', 'lasting.starts_at', 'start_segments') }}
left join {{ ref('int_calendar_segments') }} as end_segments
    on {{ is_in_segment('business.calendar', 'lasting.ends_at', 'end_segments') }}
