-- What each log records of the tickets of each contract, and of which days. A log that mostly records the creation reaches the
-- tickets whose creation it records; another one those created from the day of its first event to that of its last one. One that
-- ends while the list goes on says nothing of what happened to a ticket since.
with list_ends as (

    -- A closing, and what changed after a solving, is often not logged: it does not show that the log should have gone on.
    select
        _contract as ticket_contract,
        max(
            greatest(
                created_at,
                coalesce({{ known('first_response_at') }}, created_at),
                coalesce({{ known('solved_at') }}, created_at),
                coalesce(case when not {{ is_off_desk('status') }} then {{ known('updated_at') }} end, created_at)
            )
        ) as list_ends_at
    from {{ ref('stg_tickets') }}
    group by _contract

),

events as (

    select
        tickets._contract as ticket_contract,
        events._contract as event_contract,
        events.ticket_id,
        events.event_type,
        events.event_at,
        coalesce(offsets.ahead_seconds, 0) as ahead_seconds,
        -- An event of before its ticket says nothing of when the log began.
        case
            when
                not {{ is_out_of_order(
                    'events.event_at',
                    dbt.dateadd('second', '-cast(coalesce(offsets.ahead_seconds, 0) as integer)', 'tickets.created_at')
                ) }}
                then {{ local_date('events.event_at') }}
        end as event_on,
        events.event_type = 'public_reply' and coalesce(events.actor_type, 'agent') = 'agent' as is_reply,
        events.event_type = 'status_changed' and events.to_value is not null as is_change,
        events.actor_type = 'bot' as is_bots
    from {{ ref('stg_ticket_events') }} as events
    inner join {{ ref('stg_tickets') }} as tickets on events.ticket_id = tickets.ticket_id
    left join {{ ref('int_log_offsets') }} as offsets on tickets._contract is not distinct from offsets.ticket_contract

),

counted as (

    select
        ticket_contract,
        event_contract,
        max(ahead_seconds) as ahead_seconds,
        min(event_on) as begins_on,
        max(event_on) as ends_on,
        max(event_at) as ends_at,
        2 * count(distinct case when event_type = 'created' then ticket_id end) >= count(distinct ticket_id)
            as does_tell_creations,
        max(case when is_reply then 1 else 0 end) = 1 as does_tell_replies,
        max(case when is_change then 1 else 0 end) = 1 as does_tell_changes,
        max(case when event_type = 'escalated' then 1 else 0 end) = 1 as does_tell_escalations,
        max(case when event_type = 'assigned' then 1 else 0 end) = 1 as does_tell_assignments,
        max(case when is_bots then 1 else 0 end) = 1 as does_tell_bots
    from events
    group by
        ticket_contract,
        event_contract

),

compared as (

    select
        counted.*,
        {{ dbt.dateadd('second', '-cast(counted.ahead_seconds as integer)', 'list_ends.list_ends_at') }} as list_ends_at
    from counted
    left join list_ends on counted.ticket_contract is not distinct from list_ends.ticket_contract

)

select
    ticket_contract,
    event_contract,
    begins_on,
    -- Of a log that records creations nobody asks: a new event then changes nothing here, nor downstream.
    case when not does_tell_creations then ends_on end as ends_on,
    -- Of a log that goes as far as its list nobody asks either.
    case when list_ends_at > {{ dbt.dateadd('day', var('log_lag_days'), 'ends_at') }} then ends_at end as ended_at,
    case when list_ends_at > {{ dbt.dateadd('day', var('log_lag_days'), 'ends_at') }} then list_ends_at end as list_ends_at,
    does_tell_creations,
    does_tell_replies,
    does_tell_changes,
    does_tell_escalations,
    does_tell_assignments,
    does_tell_bots
from compared
