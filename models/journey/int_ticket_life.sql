-- When each ticket was answered, solved and reopened: from its events where it has them, else from its own columns.
with replies as (

    select
        ticket_id,
        min(event_at) as first_response_at,
        count(*) as agent_replies
    from {{ ref('stg_ticket_events') }}
    where
        event_type = 'public_reply'
        and coalesce(actor_type, 'agent') = 'agent'
    group by ticket_id

),

escalations as (

    select
        ticket_id,
        min(event_at) as escalated_at
    from {{ ref('stg_ticket_events') }}
    where event_type = 'escalated'
    group by ticket_id

),

ratings as (

    select
        ticket_id,
        max(event_at) as rated_at
    from {{ ref('stg_ticket_events') }}
    where event_type = 'rated'
    group by ticket_id

),

-- A ticket with any event has no replies when none is among them.
logged as (

    select distinct ticket_id
    from {{ ref('stg_ticket_events') }}

),

statuses as (

    select
        ticket_id,
        min(case when is_off_desk and not was_off_desk then event_at end) as first_solved_at,
        max(case when is_off_desk and not was_off_desk then event_at end) as last_solved_at,
        sum(case when was_off_desk and not is_off_desk then 1 else 0 end) as reopens,
        max_by(is_off_desk, change_number) as is_solved
    from {{ ref('int_ticket_status_changes') }}
    group by ticket_id

),

tickets as (

    select
        ticket_id,
        {{ known('first_response_at') }} as first_response_at,
        {{ known('first_solved_at') }} as first_solved_at,
        coalesce(
            {{ known('solved_at') }},
            {{ known('closed_at') }},
            case when status in ('solved', 'closed') then {{ known('updated_at') }} end
        ) as solved_at,
        status,
        reopens,
        agent_replies,
        escalated
    from {{ ref('stg_tickets') }}

),

joined as (

    select
        tickets.ticket_id,
        coalesce(replies.first_response_at, tickets.first_response_at) as first_response_at,
        case
            when logged.ticket_id is not null and (replies.ticket_id is not null or tickets.agent_replies is null)
                then coalesce(replies.agent_replies, 0)
            else tickets.agent_replies
        end as agent_replies,
        -- Events that never solve it leave the word to the ticket's own columns (a close by rule is often not logged).
        coalesce(statuses.first_solved_at is not null, false) as is_solve_logged,
        statuses.first_solved_at as logged_first_solved_at,
        statuses.last_solved_at as logged_solved_at,
        statuses.is_solved as logged_is_solved,
        tickets.status in ('solved', 'closed') and tickets.solved_at is not null as stated_is_solved,
        tickets.first_solved_at as stated_first_solved_at,
        tickets.solved_at as stated_solved_at,
        case when statuses.first_solved_at is not null then statuses.reopens else coalesce(tickets.reopens, 0) end as reopens,
        coalesce(tickets.escalated, false) or escalations.ticket_id is not null as is_escalated,
        ratings.rated_at
    from tickets
    left join logged on tickets.ticket_id = logged.ticket_id
    left join replies on tickets.ticket_id = replies.ticket_id
    left join statuses on tickets.ticket_id = statuses.ticket_id
    left join escalations on tickets.ticket_id = escalations.ticket_id
    left join ratings on tickets.ticket_id = ratings.ticket_id

),

solved as (

    select
        ticket_id,
        first_response_at,
        agent_replies,
        reopens,
        is_escalated,
        rated_at,
        is_solve_logged,
        case when is_solve_logged then logged_is_solved else stated_is_solved end as is_solved,
        case
            when is_solve_logged then logged_first_solved_at
            when stated_is_solved then coalesce(stated_first_solved_at, stated_solved_at)
        end as first_solved_at,
        case
            when is_solve_logged and logged_is_solved then logged_solved_at
            when not is_solve_logged and stated_is_solved then stated_solved_at
        end as solved_at
    from joined

)

select
    ticket_id,
    first_response_at,
    first_solved_at,
    solved_at,
    is_solved,
    is_solve_logged,
    reopens,
    agent_replies,
    is_escalated,
    rated_at
from solved
