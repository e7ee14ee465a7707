{{ maintained(unique_key=['ticket_id'], invalidated_by={'stg_ticket_events': 'ticket_id'}) }}
-- What a ticket's events say beside its states: escalated, merged, handed from one to another, rated, answered by a bot.
with stated as (

    select
        ticket_id,
        event_at,
        event_type,
        event_type as series,
        0 as is_later,
        from_value,
        to_value,
        event_id,
        _batch,
        _row,
        case
            when event_type <> 'rated' then null
            when lower(to_value) = 'good' then 2
            when lower(to_value) = 'bad' then 1
            else try_cast(to_value as double)
        end as csat,
        lower(to_value) in ('good', 'bad') as is_word
    from {{ ref('stg_ticket_events') }}
    where
        (
            event_type in ('escalated', 'merged', 'assigned', 'rated')
            or (event_type in ('public_reply', 'auto_reply') and actor_type = 'bot')
        )
        and {{ is_invalidated('ticket_id') }}

),

{{ placed_in_chain() }},

numbered as (

    select
        *,
        coalesce(
            lag(to_value) over (
                partition by ticket_id, event_type
                order by event_at, place, _batch, _row
            ),
            from_value
        ) as previous_value,
        row_number() over (
            partition by ticket_id, event_type
            order by event_at, place, _batch, _row
        ) as place_in_type,
        row_number() over (
            partition by ticket_id, case when csat is not null then 1 else 0 end
            order by event_at, place, _batch, _row
        ) as place_in_ratings,
        row_number() over (
            partition by ticket_id, case when csat is not null then 1 else 0 end
            order by event_at desc, place desc, _batch desc, _row desc
        ) as place_from_the_end
    from placed

)

select
    ticket_id,
    max(case when event_type = 'escalated' then 1 else 0 end) as is_escalated,
    max(case when event_type = 'merged' then 1 else 0 end) as is_merged,
    max(case when event_type in ('public_reply', 'auto_reply') then 1 else 0 end) as is_answered_by_bot,
    -- One for each change, and one for whom it was taken from at first.
    sum(case when event_type = 'assigned' and to_value is distinct from previous_value then 1 else 0 end)
    + max(case when event_type = 'assigned' and place_in_type = 1 and from_value is not null then 1 else 0 end)
        as assignee_stations,
    max(case when place_in_ratings = 1 then csat end) as first_csat,
    max(case when place_from_the_end = 1 then csat end) as last_csat,
    -- Words have a scale of their own.
    max(case when place_from_the_end = 1 and csat is not null and is_word then 2 end) as csat_scale,
    max(case when csat is not null then event_at end) as rated_at
from numbered
group by ticket_id
