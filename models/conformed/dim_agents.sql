-- Every agent that any export names; the roster, where there is one, says team and dates.
with seen as (

    select
        agent_id,
        team,
        created_at as seen_at
    from {{ ref('stg_tickets') }}
    union all
    select
        agent_id,
        team,
        started_at as seen_at
    from {{ ref('stg_calls') }}
    union all
    select
        actor_id as agent_id,
        cast(null as {{ dbt.type_string() }}) as team,
        event_at as seen_at
    from {{ ref('stg_ticket_events') }}
    where actor_type = 'agent'
    union all
    select
        agent_id,
        cast(null as {{ dbt.type_string() }}) as team,
        started_at as seen_at
    from {{ ref('stg_agent_states') }}

),

-- Of two teams at the same instant the first by name: the same inputs give the same table.
ranked as (

    select
        *,
        row_number() over (
            partition by agent_id
            order by case when team is null then 1 else 0 end asc, seen_at desc, team asc
        ) as team_rank
    from seen

),

contacts as (

    select
        agent_id,
        max(case when team_rank = 1 then team end) as team,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at
    from ranked
    where agent_id is not null
    group by agent_id

),

roster as (

    select
        agent_id,
        -- A plan for the weeks ahead moves nobody yet.
        coalesce(
            max_by(team, work_date) filter (where team is not null and work_date <= {{ as_of_day() }}),
            min_by(team, work_date) filter (where team is not null)
        ) as team,
        max_by(hired_on, work_date) filter (where hired_on is not null) as hired_on,
        max_by(left_on, work_date) filter (where left_on is not null) as left_on
    from {{ ref('stg_agents') }}
    group by agent_id

),

joined as (

    select
        coalesce(roster.agent_id, contacts.agent_id) as agent_id,
        coalesce(roster.team, contacts.team, 'unknown') as team,
        roster.hired_on,
        roster.left_on,
        contacts.first_seen_at,
        contacts.last_seen_at,
        roster.agent_id is not null as is_on_roster
    from roster
    full outer join contacts on roster.agent_id = contacts.agent_id

)

select *
from joined
union all
select
    'unknown' as agent_id,
    'unknown' as team,
    cast(null as date) as hired_on,
    cast(null as date) as left_on,
    cast(null as timestamp) as first_seen_at,
    cast(null as timestamp) as last_seen_at,
    false as is_on_roster
