-- Every opening of every calendar as instants, overlapping ones joined, with the open seconds before it.
with hours as (

    select
        calendar,
        weekday,
        timezone,
        {{ clock_seconds('opens_at') }} as opens_second,
        {{ clock_seconds('closes_at') }} as closes_second
    from {{ ref('business_hours') }}

),

days as (

    select
        hours.calendar,
        hours.timezone,
        hours.opens_second,
        hours.closes_second,
        cast(dates.date_day as timestamp) as midnight
    from hours
    inner join {{ ref('dim_dates') }} as dates on hours.weekday = dates.iso_weekday
    left join {{ ref('business_holidays') }} as holidays
        on
            hours.calendar = holidays.calendar
            and dates.date_day = holidays.holiday_on
    where holidays.holiday_on is null

),

-- Local wall-clock times become instants one by one: a day with a clock change is as long as it is.
instants as (

    select
        calendar,
        {{ utc_time(dbt.dateadd('second', 'opens_second', 'midnight'), 'timezone') }} as opens_at,
        {{ utc_time(dbt.dateadd('second', 'closes_second', 'midnight'), 'timezone') }} as closes_at
    from days

),

compared as (

    select
        calendar,
        opens_at,
        closes_at,
        max(closes_at) over (
            partition by calendar
            order by opens_at, closes_at
            rows between unbounded preceding and 1 preceding
        ) as closed_until
    from instants
    where closes_at > opens_at

),

islands as (

    select
        calendar,
        opens_at,
        closes_at,
        sum(case when opens_at <= closed_until then 0 else 1 end) over (
            partition by calendar
            order by opens_at, closes_at
            rows unbounded preceding
        ) as island
    from compared

),

openings as (

    select
        calendar,
        min(opens_at) as opens_at,
        max(closes_at) as closes_at
    from islands
    group by
        calendar,
        island

)

select
    calendar,
    opens_at,
    closes_at,
    coalesce(sum({{ seconds_between('opens_at', 'closes_at') }}) over (
        partition by calendar
        order by opens_at
        rows between unbounded preceding and 1 preceding
    ), 0) as open_seconds_before
from openings
