-- Tickets that a call opened: the last call that began before the ticket and names it. A call of after it is a further contact.
with ranked as (

    select
        tickets.ticket_id,
        calls.call_id,
        {{ has_come_to_agents('calls') }} as is_call_contact,
        row_number() over (
            partition by tickets.ticket_id
            order by calls.started_at desc, calls.call_id asc
        ) as place
    from {{ ref('int_calls') }} as calls
    inner join {{ ref('stg_tickets') }} as tickets on calls.ticket_id = tickets.ticket_id
    inner join {{ ref('int_ticket_creations') }} as creations on tickets.ticket_id = creations.ticket_id
    where not {{ is_out_of_order('creations.created_at', 'calls.started_at') }}

)

select
    ticket_id,
    call_id,
    is_call_contact
from ranked
where place = 1
