{{ maintained(
    unit=['ticket_id'],
    touched_by={'stg_tickets': 'ticket_id', 'int_ticket_life': 'ticket_id', 'int_ticket_status_changes': 'ticket_id'}
) }}
-- The spans of time in which a ticket was on the desk: one from its creation, one from each reopening.
with logged as (

    select
        changes.ticket_id,
        changes.event_at,
        changes.is_off_desk,
        lead(changes.event_at) over (
            partition by changes.ticket_id
            order by changes.change_number
        ) as next_event_at
    from {{ ref('int_ticket_status_changes') }} as changes
    inner join {{ ref('int_ticket_life') }} as life on changes.ticket_id = life.ticket_id
    where
        {{ is_touched('changes.ticket_id') }}
        and life.is_solve_logged
        and changes.is_off_desk <> changes.was_off_desk

),

reopened as (

    select
        logged.ticket_id,
        logged.event_at as opened_at,
        coalesce(logged.next_event_at, life.solved_at) as solved_at
    from logged
    inner join {{ ref('int_ticket_life') }} as life on logged.ticket_id = life.ticket_id
    where not logged.is_off_desk

),

first_reopened as (

    select
        ticket_id,
        min(opened_at) as reopened_at
    from reopened
    group by ticket_id

),

-- A log that begins with a reopening says that the ticket had been solved before, if not when.
created as (

    select
        tickets.ticket_id,
        tickets.created_at as opened_at,
        case
            when first_reopened.reopened_at < life.first_solved_at then first_reopened.reopened_at
            -- A reopening that no log dates: it counts as open throughout.
            when not life.is_solve_logged and not life.is_solved then null
            else life.first_solved_at
        end as solved_at
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id
    left join first_reopened on tickets.ticket_id = first_reopened.ticket_id
    -- Solved, nobody knows when: it is in no day's backlog.
    where
        {{ is_touched('tickets.ticket_id') }}
        and (not life.is_solved or life.solved_at is not null)

)

select
    ticket_id,
    opened_at,
    solved_at,
    false as is_reopening
from created
union all
select
    ticket_id,
    opened_at,
    solved_at,
    true as is_reopening
from reopened
