{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={'int_ticket_life': 'ticket_id', 'int_ticket_status_changes': 'ticket_id'}
) }}
-- The spans of time in which a ticket was on the desk: one from its creation, one from each reopening. None ends before it
-- begins, whatever the export says. Where the log does not have the whole, or contradicts itself, a ticket counts as on the
-- desk from its creation to its last solving; solved at a time that nobody knows, it is in no day's backlog.
with logged as (

    select
        changes.ticket_id,
        greatest(changes.event_at, life.created_at) as event_at,
        changes.is_off_desk,
        lead(greatest(changes.event_at, life.created_at)) over (
            partition by changes.ticket_id
            order by changes.change_number
        ) as next_event_at
    from {{ ref('int_ticket_status_changes') }} as changes
    inner join {{ ref('int_ticket_life') }} as life on changes.ticket_id = life.ticket_id
    where
        {{ is_invalidated('changes.ticket_id') }}
        and life.is_solve_logged
        and life.is_history_told
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

created as (

    select
        life.ticket_id,
        life.created_at as opened_at,
        case
            when first_reopened.ticket_id is not null
                then least(coalesce(life.first_solved_at, first_reopened.reopened_at), first_reopened.reopened_at)
            -- A reopening that no log dates: it counts as open throughout.
            when life.is_solve_logged and life.is_history_told then life.first_solved_at
            when life.is_solved then life.solved_at
        end as solved_at
    from {{ ref('int_ticket_life') }} as life
    left join first_reopened on life.ticket_id = first_reopened.ticket_id
    where
        {{ is_invalidated('life.ticket_id') }}
        and (not life.is_solved or life.solved_at is not null)

),

spans as (

    select
        ticket_id,
        opened_at,
        solved_at,
        false as is_reopening
    from created
    union all
    select
        reopened.ticket_id,
        reopened.opened_at,
        reopened.solved_at,
        true as is_reopening
    from reopened
    inner join created on reopened.ticket_id = created.ticket_id

)

select
    ticket_id,
    row_number() over (
        partition by ticket_id
        order by is_reopening, opened_at, solved_at nulls last
    ) as span_number,
    opened_at,
    case when solved_at is not null then greatest(solved_at, opened_at) end as solved_at,
    is_reopening
from spans
