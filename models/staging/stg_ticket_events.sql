{{ newest_version('ticket_events', 'event_at', deletes=false) }}
