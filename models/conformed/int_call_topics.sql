-- What calls without a topic of their own were about, as the tickets that they opened say; where those disagree, nobody knows.
select
    opened.call_id,
    min(tickets.topic) as topic
from {{ ref('int_call_tickets') }} as opened
inner join {{ ref('int_calls') }} as calls on opened.call_id = calls.call_id
inner join {{ ref('stg_tickets') }} as tickets on opened.ticket_id = tickets.ticket_id
where calls.topic is null
group by opened.call_id
having min({{ topic_key('tickets.topic') }}) = max({{ topic_key('tickets.topic') }})
