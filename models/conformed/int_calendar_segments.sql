-- The time line of each calendar cut into open and closed segments, once for each UTC day that a segment touches: the open
-- seconds up to an instant are then one equality join away, and those between two instants a subtraction.
with openings as (

    select
        calendar,
        opens_at,
        closes_at,
        open_seconds_before,
        lead(opens_at) over (partition by calendar order by opens_at) as next_opens_at
    from {{ ref('int_openings') }}

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
        calendar,
        closes_at as starts_at,
        coalesce(next_opens_at, {{ dbt.dateadd('day', 30, 'closes_at') }}) as ends_at,
        false as is_open,
        open_seconds_before + {{ seconds_between('opens_at', 'closes_at') }} as open_seconds_before
    from openings
    union all
    select
        calendar,
        {{ dbt.dateadd('day', -30, 'min(opens_at)') }} as starts_at,
        min(opens_at) as ends_at,
        false as is_open,
        0 as open_seconds_before
    from openings
    group by calendar

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
