{{ maintained(
    unique_key=['agent_id', 'date_day'],
    invalidated_by={
        'int_agent_state_spans': days_of_changed_spans(),
        'fct_agent_half_hours': 'agent_id, date_day',
    }
) }}
-- How much of agents' time went to contacts of which channel and queue, by half hours in which the log names contacts.
--
-- While an agent has several contacts, each takes an equal part of the time: over all, that is how long the agent was busy.
with half_hours as (

    select
        agent_id,
        starts_at,
        date_day,
        half_hour,
        team
    from {{ ref('fct_agent_half_hours') }}
    where
        contact_seconds is not null
        and {{ is_invalidated('agent_id', 'date_day') }}

),

spans as (

    select
        agent_id,
        coalesce(channel, 'unknown') as channel,
        coalesce(queue, 'unknown') as queue,
        counted_from,
        ends_at
    from {{ ref('int_agent_state_spans') }}
    where
        state = 'busy'
        and counted_from < ends_at
        and agent_id in (select half_hours.agent_id from half_hours)

),

days as (

    select
        spans.*,
        spine.date_day
    from spans
    cross join lateral (
        {{ days_from_to(local_date('spans.counted_from'), local_date('spans.ends_at')) }}
    ) as spine

),

pieces as (

    select
        half_hours.agent_id,
        half_hours.starts_at,
        days.channel,
        days.queue,
        greatest({{ seconds_between('half_hours.starts_at', 'days.counted_from') }}, 0) as from_second,
        least({{ seconds_between('half_hours.starts_at', 'days.ends_at') }}, 1800) as to_second
    from half_hours
    inner join days
        on
            half_hours.agent_id = days.agent_id
            and half_hours.date_day = days.date_day
            and half_hours.starts_at < days.ends_at
            and {{ dbt.dateadd('minute', 30, 'half_hours.starts_at') }} > days.counted_from

),

steps as (

    select
        agent_id,
        starts_at,
        from_second as at_second,
        1 as step
    from pieces
    where from_second < to_second
    union all
    select
        agent_id,
        starts_at,
        to_second as at_second,
        -1 as step
    from pieces
    where from_second < to_second

),

stepped as (

    select
        agent_id,
        starts_at,
        at_second,
        sum(step) as step
    from steps
    group by
        agent_id,
        starts_at,
        at_second

),

-- From one change to the next: how many contacts there are at once.
counted as (

    select
        agent_id,
        starts_at,
        at_second,
        lead(at_second) over half_hour as next_second,
        sum(step) over half_hour as contacts
    from stepped
    window half_hour as (
        partition by agent_id, starts_at
        order by at_second
    )

),

shared as (

    select
        pieces.agent_id,
        pieces.starts_at,
        pieces.channel,
        pieces.queue,
        sum(counted.next_second - counted.at_second) as contact_seconds,
        sum(cast((counted.next_second - counted.at_second) / (1.0 * counted.contacts) as decimal(18, 6))) as busy_time
    from pieces
    inner join counted
        on
            pieces.agent_id = counted.agent_id
            and pieces.starts_at = counted.starts_at
            and pieces.from_second <= counted.at_second
            and pieces.to_second > counted.at_second
    group by
        pieces.agent_id,
        pieces.starts_at,
        pieces.channel,
        pieces.queue

)

select
    shared.agent_id,
    shared.starts_at,
    half_hours.date_day,
    half_hours.half_hour,
    half_hours.team,
    shared.channel,
    shared.queue,
    cast(shared.contact_seconds as bigint) as contact_seconds,
    cast(shared.busy_time as double) as busy_time
from shared
inner join half_hours
    on
        shared.agent_id = half_hours.agent_id
        and shared.starts_at = half_hours.starts_at
