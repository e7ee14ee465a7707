{{ maintained(unit=['ticket_id'], touched_by={'stg_ticket_events': 'ticket_id'}) }}
select
    ticket_id,
    min(event_at) as first_response_at,
    count(*) as agent_replies
from {{ ref('stg_ticket_events') }}
where
    event_type = 'public_reply'
    and coalesce(actor_type, 'agent') = 'agent'
    and {{ is_touched('ticket_id') }}
group by ticket_id
