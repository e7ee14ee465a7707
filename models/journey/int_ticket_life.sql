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

-- Not every export tells replies. One that never does leaves its tickets' responses unknown, not missing.
contracts as (

    select
        batch,
        kind,
        contract
    from {{ source('raw', 'load_ledger') }}

),

logged as (

    select
        events.ticket_id,
        contracts.contract,
        max(case when events.event_type = 'public_reply' then 1 else 0 end) as has_reply
    from {{ ref('stg_ticket_events') }} as events
    left join contracts
        on
            events._batch = contracts.batch
            and contracts.kind = 'ticket_events'
    group by
        events.ticket_id,
        contracts.contract

),

logs_with_replies as (

    select coalesce(contract, '') as contract
    from logged
    group by coalesce(contract, '')
    having max(has_reply) = 1

),

reply_logged as (

    select distinct logged.ticket_id
    from logged
    inner join logs_with_replies on coalesce(logged.contract, '') = logs_with_replies.contract

),

stating as (

    select
        tickets.ticket_id,
        max(
            case when tickets.first_response_at is not null or tickets.agent_replies is not null then 1 else 0 end
        ) over (partition by coalesce(contracts.contract, '')) as does_state_replies
    from {{ ref('stg_tickets') }} as tickets
    left join contracts
        on
            tickets._batch = contracts.batch
            and contracts.kind = 'tickets'

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
        -- Where replies are logged, none in the log means none.
        case
            when replies.ticket_id is not null then replies.agent_replies
            when tickets.agent_replies is not null then tickets.agent_replies
            when reply_logged.ticket_id is not null then 0
        end as agent_replies,
        reply_logged.ticket_id is not null or stating.does_state_replies = 1 as is_response_tracked,
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
    left join reply_logged on tickets.ticket_id = reply_logged.ticket_id
    left join stating on tickets.ticket_id = stating.ticket_id
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
        is_response_tracked,
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
    is_response_tracked,
    is_escalated,
    rated_at
from solved
