{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_ticket_events': 'ticket_id', 'stg_tickets': 'ticket_id'}) }}
-- Which team a ticket had when, where its log records teams: the first has no beginning, the last no end. A log whose last word
-- is another team than the list's calls teams by other names, or ends before the last move: nothing is taken from it.
with stated as (

    select
        ticket_id,
        event_at,
        event_type = 'team_changed' as is_move,
        case when event_type = 'team_changed' then from_value end as stated_previous_team,
        case when event_type = 'team_changed' then coalesce(to_value, 'unknown') else team end as team,
        _batch,
        _row
    from {{ ref('stg_ticket_events') }}
    where
        (team is not null or event_type = 'team_changed')
        and {{ is_invalidated('ticket_id') }}

),

compared as (

    select
        *,
        lag(team) over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as previous_team
    from stated

),

changes as (

    select
        ticket_id,
        event_at,
        is_move,
        stated_previous_team,
        team,
        row_number() over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as change_number,
        row_number() over (
            partition by ticket_id
            order by event_at desc, _batch desc, _row desc
        ) as number_from_the_end,
        lead(event_at) over (
            partition by ticket_id
            order by event_at, _batch, _row
        ) as next_event_at
    from compared
    where team is distinct from previous_team

),

spans as (

    -- A team that an event merely mentions is not a move: it was there before.
    select
        ticket_id,
        case when is_move then coalesce(stated_previous_team, 'unknown') else team end as team,
        cast(null as timestamp) as starts_at,
        case when is_move then event_at else next_event_at end as ends_at
    from changes
    where change_number = 1
    union all
    select
        ticket_id,
        team,
        event_at as starts_at,
        next_event_at as ends_at
    from changes
    where
        change_number > 1
        or is_move

),

named_alike as (

    select changes.ticket_id
    from changes
    inner join {{ ref('stg_tickets') }} as tickets on changes.ticket_id = tickets.ticket_id
    where
        changes.number_from_the_end = 1
        and changes.team = coalesce(tickets.team, 'unknown')

)

select
    spans.ticket_id,
    spans.team,
    spans.starts_at,
    spans.ends_at
from spans
inner join named_alike on spans.ticket_id = named_alike.ticket_id
where coalesce(spans.ends_at > spans.starts_at, true)
