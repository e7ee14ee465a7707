{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={'stg_tickets': 'ticket_id', 'stg_ticket_events': 'ticket_id'}
) }}
-- When each ticket was created: its own `created` event decides, since the rest of the log is by the same clock. Where the
-- list's clock lies a constant offset from that of the log, the list's instants are brought to the log's clock.
with logged as (

    select
        ticket_id,
        min(event_at) as created_at,
        min(actor_type) as created_by_type
    from {{ ref('stg_ticket_events') }}
    where
        event_type = 'created'
        and {{ is_invalidated('ticket_id') }}
    group by ticket_id

),

differing as (

    select
        tickets.ticket_id,
        tickets._contract as contract,
        tickets.created_at as stated_created_at,
        logged.created_at as logged_created_at,
        coalesce(logged.created_by_type, tickets.created_by_type) as created_by_type,
        {{ is_off_desk('tickets.status') }} as is_off_desk,
        coalesce(tickets.solved_at, tickets.closed_at) as stated_solved_at,
        offsets.ahead_seconds,
        {{ seconds_between('logged.created_at', 'tickets.created_at') }} as own_ahead_seconds
    from {{ ref('stg_tickets') }} as tickets
    left join logged on tickets.ticket_id = logged.ticket_id
    left join {{ ref('int_log_offsets') }} as offsets on tickets._contract is not distinct from offsets.ticket_contract
    where {{ is_invalidated('tickets.ticket_id') }}

),

shifted as (

    select
        *,
        case
            when ahead_seconds is null then 0
            when abs(own_ahead_seconds - ahead_seconds) <= 3600 + {{ var('clock_skew_seconds') }} then own_ahead_seconds
            else ahead_seconds
        end as list_ahead_seconds
    from differing

)

select
    ticket_id,
    contract,
    created_by_type,
    cast(list_ahead_seconds as bigint) as list_ahead_seconds,
    is_off_desk,
    {{ dbt.dateadd('second', '-cast(list_ahead_seconds as integer)', 'stated_solved_at') }} as stated_solved_at,
    logged_created_at is not null as is_creation_logged,
    case
        -- Seconds of clock skew move no ticket.
        when abs(own_ahead_seconds) <= {{ var('clock_skew_seconds') }} then stated_created_at
        else
            coalesce(
                logged_created_at, {{ dbt.dateadd('second', '-cast(list_ahead_seconds as integer)', 'stated_created_at') }}
            )
    end as created_at
from shifted
