-- Agents that each half hour needs by Erlang C, and ahead by Erlang A (int_erlang_a), beside those on the roster.
--
-- Erlang C (Erlang 1917; Gans, Koole & Mandelbaum 2003, section 3): with traffic a = calls x handle time / 1800 s and n agents,
-- B(n) = (a^n / n!) / sum over k <= n of a^k / k!, a call waits with probability C = n B / (n - a (1 - B)), and is answered
-- within t seconds with probability 1 - C exp(-(n - a) t / handle time).
with service_levels as (

    select
        coalesce(max(case when kpi_id = 'call_service_level' then target end), 0.8) as target,
        max(case when kpi_id = 'call_abandonment_rate' then target end) as abandonment_target
    from {{ ref('kpi_targets') }}
    where dimension = 'all'

),

forecasts as (

    select
        half_hours.*,
        half_hours.calls_forecast * half_hours.handle_seconds_forecast / 1800.0 as traffic,
        sum(half_hours.open_seconds) over (partition by half_hours.team, half_hours.date_day) as open_seconds_of_day,
        coalesce(lost.shrinkage, {{ var('staffing_shrinkage') }}) as shrinkage,
        case when lost.shrinkage is null then 'setting' else 'measured' end as shrinkage_source
    from {{ ref('int_call_forecasts') }} as half_hours
    left join {{ ref('int_team_shrinkage') }} as lost
        on
            half_hours.team = lost.team
            and least(half_hours.date_day, {{ add_days(last_whole_day(), 1) }}) = lost.date_day

),

-- Each load is solved once, however many half hours have it.
loads as (

    select distinct
        traffic,
        handle_seconds_forecast
    from forecasts
    where traffic > 0

),

most as (

    select coalesce(max(ceil(traffic + 6 * sqrt(traffic) + 20)), 1) as agents
    from loads

),

numbers as (

    select
        numbers.number as agents,
        sum(ln(greatest(numbers.number, 1))) over (
            order by numbers.number
            rows unbounded preceding
        ) as ln_factorial
    from most
    cross join lateral (
        {{ numbers_from_to(0, 'most.agents') }}
    ) as numbers

),

poisson as (

    select
        loads.traffic,
        loads.handle_seconds_forecast,
        numbers.agents,
        exp(numbers.agents * ln(loads.traffic) - loads.traffic - numbers.ln_factorial) as probability
    from loads
    inner join numbers on numbers.agents <= ceil(loads.traffic + 6 * sqrt(loads.traffic) + 20)

),

blocked as (

    select
        *,
        probability / nullif(sum(probability) over (
            partition by traffic, handle_seconds_forecast
            order by agents
            rows unbounded preceding
        ), 0) as erlang_b
    from poisson

),

waiting as (

    select
        *,
        agents * erlang_b / (agents - traffic * (1 - erlang_b)) as erlang_c
    from blocked
    where agents > traffic

),

solved as (

    select
        waiting.traffic,
        waiting.handle_seconds_forecast,
        min(waiting.agents) as agents
    from waiting
    cross join service_levels
    where
        1 - waiting.erlang_c * exp(
            -(waiting.agents - waiting.traffic) * {{ var('service_level_seconds') }} / waiting.handle_seconds_forecast
        ) >= service_levels.target
    group by
        waiting.traffic,
        waiting.handle_seconds_forecast

),

-- Where callers hang up.
impatient as (

    select
        erlang_a.team,
        erlang_a.calls_forecast,
        min(case when erlang_a.answered_in_time >= service_levels.target then erlang_a.agents end) as agents,
        min(case when erlang_a.abandoned <= service_levels.abandonment_target then erlang_a.agents end) as agents_for_abandonment
    from {{ ref('int_erlang_a') }} as erlang_a
    cross join service_levels
    group by
        erlang_a.team,
        erlang_a.calls_forecast

),

-- A row without a shift says how long, not when: its minutes are spread evenly over the day's opening hours.
roster as (

    select
        team,
        work_date,
        cast(sum(case when {{ is_shift() }} then 0 else coalesce(scheduled_minutes, worked_minutes) end) as double) as minutes,
        max(case when {{ is_shift() }} then 1 else 0 end) as shifts
    from {{ ref('stg_agents') }}
    where absence is null
    group by
        team,
        work_date

),

-- Before a team's roster begins, and after it ends, nobody knows.
rosters as (

    select
        team,
        min(work_date) as first_day,
        max(work_date) as last_day
    from {{ ref('stg_agents') }}
    group by team

),

staffed as (

    select
        forecasts.*,
        -- Rounded first: 7 / 0.7 is a hair more than 10.
        coalesce(
            ceil(round(solved.agents / (1.0 - forecasts.shrinkage), 6)),
            case when forecasts.traffic = 0 then 0 end
        ) as agents_required,
        case
            when patience.patience_seconds is not null and forecasts.date_day > {{ last_whole_day() }}
                then
                    coalesce(
                        ceil(round(impatient.agents / (1.0 - forecasts.shrinkage), 6)),
                        case when forecasts.traffic = 0 then 0 end
                    )
        end as agents_required_erlang_a,
        case
            when
                patience.patience_seconds is not null
                and forecasts.date_day > {{ last_whole_day() }}
                and service_levels.abandonment_target is not null
                then
                    coalesce(
                        ceil(round(impatient.agents_for_abandonment / (1.0 - forecasts.shrinkage), 6)),
                        case when forecasts.traffic = 0 then 0 end
                    )
        end as agents_required_for_abandonment,
        patience.patience_seconds,
        case
            when forecasts.date_day <= {{ last_whole_day() }} then 'only ahead'
            when forecasts.calls_forecast is null then 'no forecast'
            when patience.patience_seconds is null then 'too few calls hung up'
            when forecasts.traffic > 0 and impatient.agents is null then 'out of the range that is tried'
            else 'known'
        end as erlang_a_reason,
        case
            when forecasts.date_day between rosters.first_day and rosters.last_day
                then
                    {{ var('staffing_phone_share') }} * (
                        coalesce(
                            roster.minutes / 30 * forecasts.open_seconds / nullif(forecasts.open_seconds_of_day, 0), 0
                        )
                        + coalesce(shifts.agents, 0)
                    )
        end as agents_rostered,
        coalesce(roster.shifts = 1, false) as has_shifts
    from forecasts
    left join rosters on forecasts.team = rosters.team
    left join solved
        on
            forecasts.traffic = solved.traffic
            and forecasts.handle_seconds_forecast = solved.handle_seconds_forecast
    cross join service_levels
    left join {{ ref('int_call_patience') }} as patience on forecasts.team = patience.team
    left join impatient
        on
            forecasts.team = impatient.team
            and forecasts.calls_forecast = impatient.calls_forecast
    left join roster
        on
            forecasts.team = roster.team
            and forecasts.date_day = roster.work_date
    left join {{ ref('int_team_shifts') }} as shifts
        on
            forecasts.team = shifts.team
            and forecasts.starts_at = shifts.starts_at
    -- Nobody knows how long a call takes: nor how many agents are needed.
    where forecasts.handle_seconds_forecast is not null

)

select
    team,
    starts_at,
    date_day,
    half_hour,
    calls_offered,
    calls_forecast,
    forecast_method,
    forecast_reason,
    handle_seconds_forecast,
    cast(agents_required as bigint) as agents_required,
    cast(agents_required_erlang_a as bigint) as agents_required_erlang_a,
    cast(agents_required_for_abandonment as bigint) as agents_required_for_abandonment,
    erlang_a_reason,
    cast(patience_seconds as double) as mean_patience,
    cast(shrinkage as double) as shrinkage,
    shrinkage_source,
    cast(agents_rostered as double) as agents_rostered,
    has_shifts,
    cast(agents_required - agents_rostered as double) as agents_gap,
    is_seasonal_peak,
    date_day > {{ last_whole_day() }} as is_ahead
from staffed
