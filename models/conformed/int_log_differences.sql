-- How far the tickets' own `created` events lie from the list's `created_at`, for each contract of tickets and of events:
-- seconds by which the list is ahead, to the quarter hour where the clocks agree on it.
with creations as (

    select
        ticket_id,
        _contract as event_contract,
        min(event_at) as created_at
    from {{ ref('stg_ticket_events') }}
    where event_type = 'created'
    group by
        ticket_id,
        _contract

),

differences as (

    select
        tickets._contract as ticket_contract,
        creations.event_contract,
        {{ seconds_between('creations.created_at', 'tickets.created_at') }} as ahead_seconds
    from creations
    inner join {{ ref('stg_tickets') }} as tickets on creations.ticket_id = tickets.ticket_id

),

rounded as (

    select
        ticket_contract,
        event_contract,
        ahead_seconds,
        900 * cast(round(ahead_seconds / 900.0) as bigint) as quarter_hours_seconds
    from differences

),

fitting as (

    select
        ticket_contract,
        event_contract,
        case
            when abs(ahead_seconds - quarter_hours_seconds) <= {{ var('clock_skew_seconds') }} then quarter_hours_seconds
        end as ahead_seconds
    from rounded

)

select
    ticket_contract,
    event_contract,
    ahead_seconds,
    cast(count(*) as bigint) as tickets,
    cast(sum(count(*)) over (partition by ticket_contract, event_contract) as bigint) as tickets_of_pair
from fitting
group by
    ticket_contract,
    event_contract,
    ahead_seconds
