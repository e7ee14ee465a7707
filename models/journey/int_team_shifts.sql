-- Agents on a shift in each half hour, by parts of it: who comes in its middle is half a one.
with shifts as (

    select
        team,
        shift_starts_at,
        shift_ends_at
    from {{ ref('stg_agents') }}
    where
        absence is null
        and {{ is_shift() }}

),

days as (

    select
        shifts.*,
        spine.date_day
    from shifts
    cross join lateral (
        {{ days_from_to(local_date('shifts.shift_starts_at'), local_date('shifts.shift_ends_at')) }}
    ) as spine

),

half_hours as (

    select
        team,
        date_day,
        starts_at,
        {{ dbt.dateadd('minute', 30, 'starts_at') }} as ends_at
    from {{ ref('int_call_half_hours') }}

)

select
    half_hours.team,
    half_hours.starts_at,
    sum({{ seconds_between(
        'greatest(days.shift_starts_at, half_hours.starts_at)', 'least(days.shift_ends_at, half_hours.ends_at)'
    ) }}) / 1800.0 as agents
from half_hours
inner join days
    on
        half_hours.team = days.team
        and half_hours.date_day = days.date_day
        and half_hours.starts_at < days.shift_ends_at
        and half_hours.ends_at > days.shift_starts_at
group by
    half_hours.team,
    half_hours.starts_at
