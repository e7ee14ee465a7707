{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_ticket_events': 'ticket_id', 'stg_tickets': 'ticket_id'}) }}
select
    {{ dbt.hash(dbt.concat([
        "events.ticket_id",
        "'|'",
        "coalesce(events.event_id, '')",
        "'|'",
        "cast(events.event_at as " ~ dbt.type_string() ~ ")",
        "'|'",
        "events.event_type",
        "'|'",
        "coalesce(events.actor_id, '')",
        "'|'",
        "coalesce(events.from_value, '')",
        "'|'",
        "coalesce(events.to_value, '')",
    ])) }} as ticket_event_key,
    events.ticket_id,
    events.event_at,
    events.event_type,
    coalesce(events.actor_type, 'unknown') as actor_type,
    case when events.actor_type = 'agent' then coalesce(events.actor_id, 'unknown') end as agent_id,
    coalesce(events.team, 'unknown') as team,
    case when events.event_type in ('created', 'status_changed') then events.from_value end as from_status,
    case when events.event_type in ('created', 'status_changed') then events.to_value end as to_status,
    tickets.ticket_id is not null as is_ticket_known
from {{ ref('stg_ticket_events') }} as events
left join {{ ref('stg_tickets') }} as tickets on events.ticket_id = tickets.ticket_id
where {{ is_invalidated('events.ticket_id') }}
