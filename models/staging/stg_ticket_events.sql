-- Without an id of its own, an event is what it says: the same event twice is one.
{{ newest_version(
    'ticket_events',
    'event_at',
    key=["coalesce(event_id, '')", "case when event_id is null then " ~ dbt.hash(
        dbt.concat([
            "ticket_id",
            "cast(event_at as " ~ dbt.type_string() ~ ")",
            "event_type",
            "coalesce(actor_id, '')",
            "coalesce(from_value, '')",
            "coalesce(to_value, '')",
        ])
    ) ~ " end"]
) }}
