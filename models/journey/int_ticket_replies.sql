{{ maintained(
    unique_key=['ticket_id'],
    invalidated_by={'stg_ticket_events': 'ticket_id', 'int_ticket_clocks': 'ticket_id'}
) }}
-- Where an agent opened the ticket, what they wrote before the customer did answers nothing.
select
    events.ticket_id,
    min(
        case
            when clocks.response_starts_at > clocks.created_at and events.event_at < clocks.response_starts_at then null
            else events.event_at
        end
    ) as first_response_at,
    count(*) as agent_replies
from {{ ref('stg_ticket_events') }} as events
left join {{ ref('int_ticket_clocks') }} as clocks on events.ticket_id = clocks.ticket_id
where
    events.event_type = 'public_reply'
    and coalesce(events.actor_type, 'agent') = 'agent'
    and {{ is_invalidated('events.ticket_id') }}
group by events.ticket_id
