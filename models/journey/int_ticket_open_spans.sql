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
        life.is_solve_logged
        and changes.is_off_desk <> changes.was_off_desk

),

reopened as (

    select
        ticket_id,
        event_at as opened_at,
        next_event_at as solved_at
    from logged
    where not is_off_desk

),

created as (

    select
        tickets.ticket_id,
        tickets.created_at as opened_at,
        life.first_solved_at as solved_at
    from {{ ref('stg_tickets') }} as tickets
    inner join {{ ref('int_ticket_life') }} as life on tickets.ticket_id = life.ticket_id

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
