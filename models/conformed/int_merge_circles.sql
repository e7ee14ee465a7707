-- Tickets that stay although they were merged: in a circle of merges (also a ticket into itself) the first by id, so that one
-- contact is left. Circles of up to 64 tickets are found by doubling: after n steps each row knows the first of 2^n successors.
-- Into which ticket the list says, else the last event of the log that names one.
with logged as (

    select
        ticket_id,
        to_value as merged_into,
        row_number() over (
            partition by ticket_id
            order by event_at desc, _batch desc, _row desc
        ) as place
    from {{ ref('stg_ticket_events') }}
    where
        event_type = 'merged'
        and to_value is not null

),

merged as (

    select
        tickets.ticket_id,
        coalesce(tickets.merged_into, logged.merged_into) as merged_into
    from {{ ref('stg_tickets') }} as tickets
    left join logged
        on
            tickets.ticket_id = logged.ticket_id
            and logged.place = 1
    where coalesce(tickets.merged_into, logged.merged_into) is not null

),

step_0 as (

    select
        ticket_id,
        merged_into as then_id,
        merged_into as first_id
    from merged

),

{% for step in range(1, 7) -%}
step_{{ step }} as (

    select
        steps.ticket_id,
        further.then_id,
        least(steps.first_id, further.first_id) as first_id
    from step_{{ step - 1 }} as steps
    inner join step_{{ step - 1 }} as further on steps.then_id = further.ticket_id

){{ "," if not loop.last }}

{% endfor -%}
select ticket_id
from step_6
where ticket_id = first_id
