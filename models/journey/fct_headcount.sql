-- Who is employed at the bounds of each period, who left in it, and how many there were on an average day of it.
{%- set grains = ['week', 'month', 'quarter'] %}
-- A roster that has no column for who left, nor says when anybody was hired, does not say that nobody did: its agents are counted
-- apart. Nor does a roster tell who left before it begins: of earlier days only those are on it who stayed.
with loads as (

    {{ file_columns('agents', ['left_on']) }}

),

agent_days as (

    select
        agents.agent_id,
        agents.work_date,
        -- It reaches back to the first who left, where it has people who left before its first day.
        least(
            min(agents.work_date) over (partition by agents._contract), min(agents.left_on) over (partition by agents._contract)
        ) as begins_on,
        coalesce(loads.file_has_left_on, false)
        or max(case when agents.hired_on is not null then 1 else 0 end) over (partition by agents._contract) = 1
            as is_leaving_known
    from {{ ref('stg_agents') }} as agents
    left join loads
        on
            {{ is_load_of('agents') }}

),

roster as (

    select
        agent_id,
        min(work_date) as first_work_date,
        min(begins_on) as begins_on,
        max(case when is_leaving_known then 1 else 0 end) as is_leaving_known
    from agent_days
    group by agent_id

),

agents as (

    select
        agents.agent_id,
        agents.team,
        coalesce(agents.hired_on, roster.first_work_date) as hired_on,
        agents.left_on,
        roster.begins_on,
        greatest(coalesce(agents.hired_on, roster.first_work_date), roster.begins_on) as known_from,
        roster.is_leaving_known
    from {{ ref('dim_agents') }} as agents
    inner join roster on agents.agent_id = roster.agent_id

),

first_days as (

    select min(known_from) as first_day
    from agents

),

days as (

    select dates.date_day
    from {{ ref('dim_dates') }} as dates
    cross join first_days
    where
        dates.date_day <= {{ as_of_day() }}
        and dates.date_day >= first_days.first_day

),

periods as (

    {% for grain in grains -%}
    select
        '{{ grain }}' as grain,
        cast({{ dbt.date_trunc(grain, 'date_day') }} as date) as period_start,
        date_day
    from days
    {{ "union all" if not loop.last }}
    {% endfor %}
),

bounds as (

    select
        grain,
        period_start,
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(*) as days_in_period
    from periods
    group by
        grain,
        period_start

),

-- An agent's last day is worked: they are gone on the morning after it.
present as (

    select
        agents.agent_id,
        agents.team,
        agents.is_leaving_known,
        bounds.grain,
        bounds.period_start,
        bounds.days_in_period,
        case
            when agents.hired_on < bounds.period_start and agents.begins_on <= bounds.period_start then 1 else 0
        end as is_at_start,
        case when agents.left_on <= bounds.last_day then 1 else 0 end as is_leaver,
        {{ days_between(
            'greatest(agents.hired_on, bounds.first_day)', 'least(coalesce(agents.left_on, bounds.last_day), bounds.last_day)'
        ) }} + 1 as days_employed
    from bounds
    inner join agents
        on
            bounds.last_day >= agents.known_from
            and coalesce(agents.left_on, bounds.first_day) >= bounds.first_day

),

pay as (

    select
        roster.agent_id,
        periods.grain,
        periods.period_start,
        max_by(roster.monthly_pay, roster.work_date) as monthly_pay
    from {{ ref('stg_agents') }} as roster
    inner join periods on roster.work_date = periods.date_day
    where roster.monthly_pay is not null
    group by
        roster.agent_id,
        periods.grain,
        periods.period_start

),

paid as (

    select
        present.*,
        pay.monthly_pay,
        count(pay.monthly_pay) over (partition by present.grain, present.period_start) as agents_with_pay
    from present
    left join pay
        on
            present.agent_id = pay.agent_id
            and present.grain = pay.grain
            and present.period_start = pay.period_start

)

select
    grain,
    period_start,
    team,
    cast(sum(is_leaving_known * is_at_start) as bigint) as agents_at_start,
    cast(sum(is_leaving_known * is_at_start * (1 - is_leaver)) as bigint) as agents_stayed,
    cast(sum(is_leaving_known * is_leaver) as bigint) as agents_left,
    cast(sum(is_leaving_known * days_employed) as double) / max(days_in_period) as mean_headcount,
    cast(sum(1 - is_leaving_known) as bigint) as agents_untold,
    -- The pay of few is the pay of each.
    cast(sum(case when agents_with_pay >= {{ var('min_pay_group') }} then monthly_pay end) as double) as monthly_pay_total,
    cast(count(case when agents_with_pay >= {{ var('min_pay_group') }} then monthly_pay end) as bigint) as agents_paid
from paid
group by
    grain,
    period_start,
    team
