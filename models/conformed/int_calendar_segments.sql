-- The time line of each calendar cut into open and closed segments, once for each UTC day that a segment touches: the open
-- seconds up to an instant are then one equality join away, and those between two instants a subtraction.
with bounds as (

    select
        cast({{ add_days('min(date_day)', -2) }} as timestamp) as starts_at,
        cast({{ add_days('max(date_day)', 3 + 7 * var('staffing_weeks_ahead') | int) }} as timestamp) as ends_at
    from {{ ref('dim_dates') }}

),

openings as (

    select
        calendar,
        opens_at,
        closes_at,
        open_seconds_before,
        lead(opens_at) over (partition by calendar order by opens_at) as next_opens_at
    from {{ ref('int_openings') }}

),

firsts as (

    select
        hours.calendar,
        min(openings.opens_at) as opens_at
    from {{ ref('business_hours') }} as hours
    left join openings on hours.calendar = openings.calendar
    group by hours.calendar

),

segments as (

    select
        calendar,
        opens_at as starts_at,
        closes_at as ends_at,
        true as is_open,
        open_seconds_before
    from openings
    union all
    select
        openings.calendar,
        openings.closes_at as starts_at,
        coalesce(openings.next_opens_at, greatest(bounds.ends_at, openings.closes_at)) as ends_at,
        false as is_open,
        openings.open_seconds_before + {{ seconds_between('openings.opens_at', 'openings.closes_at') }} as open_seconds_before
    from openings
    cross join bounds
    union all
    -- Before its first opening, and for all time when none falls into it, a calendar is closed.
    select
        firsts.calendar,
        bounds.starts_at,
        coalesce(firsts.opens_at, bounds.ends_at) as ends_at,
        false as is_open,
        0 as open_seconds_before
    from firsts
    cross join bounds
    where bounds.starts_at < coalesce(firsts.opens_at, bounds.ends_at)

)

select
    segments.calendar,
    days.date_day as utc_day,
    segments.starts_at,
    segments.ends_at,
    segments.is_open,
    segments.open_seconds_before
from segments
cross join lateral (
    {{ days_from_to('cast(segments.starts_at as date)', 'cast(segments.ends_at as date)') }}
) as days
