-- Every opening of every calendar as instants, overlapping ones joined, with the open seconds before it.
with hours as (

    select
        calendar,
        weekday,
        timezone,
        valid_from,
        valid_to,
        {{ clock_seconds('opens_at') }} as opens_second,
        {{ clock_seconds('closes_at') }} as closes_second
    from {{ ref('business_hours') }}

),

zones as (

    select
        calendar,
        min(timezone) as timezone
    from hours
    group by calendar

),

special_days as (

    select
        holidays.calendar,
        holidays.holiday_on,
        zones.timezone,
        {{ clock_seconds('holidays.opens_at') }} as opens_second,
        {{ clock_seconds('holidays.closes_at') }} as closes_second
    from {{ ref('business_holidays') }} as holidays
    inner join zones on holidays.calendar = zones.calendar

),

-- A zone's day begins up to a day before or after the reporting one, and an opening can last into the next. Staffing looks
-- weeks ahead.
bounds as (

    select
        {{ add_days('min(date_day)', -2) }} as first_day,
        {{ add_days('max(date_day)', 2 + 7 * var('staffing_weeks_ahead') | int) }} as last_day
    from {{ ref('dim_dates') }}

),

dates as (

    select spine.date_day
    from bounds
    cross join lateral (
        {{ days_from_to('bounds.first_day', 'bounds.last_day') }}
    ) as spine

),

days as (

    select
        hours.calendar,
        hours.timezone,
        hours.opens_second,
        hours.closes_second,
        cast(dates.date_day as timestamp) as midnight
    from hours
    inner join dates
        on
            hours.weekday = {{ iso_weekday('dates.date_day') }}
            and dates.date_day >= coalesce(hours.valid_from, dates.date_day)
            and (hours.valid_to is null or hours.valid_to > dates.date_day)
    where
        not exists (
            select 1
            from special_days
            where
                special_days.calendar = hours.calendar
                and special_days.holiday_on = dates.date_day
        )
    union all
    select
        special_days.calendar,
        special_days.timezone,
        special_days.opens_second,
        special_days.closes_second,
        cast(special_days.holiday_on as timestamp) as midnight
    from special_days
    inner join dates on special_days.holiday_on = dates.date_day
    where special_days.opens_second is not null

),

-- Local wall-clock times become instants one by one: a day with a clock change is as long as it is.
local_times as (

    select
        calendar,
        timezone,
        {{ dbt.dateadd('second', 'opens_second', 'midnight') }} as opens_at,
        {{ dbt.dateadd(
            'second', 'closes_second + case when closes_second <= opens_second then 86400 else 0 end', 'midnight'
        ) }} as closes_at
    from days

),

instants as (

    -- Each once: the two windows below need not order equals alike.
    select distinct
        calendar,
        {{ utc_time('opens_at', 'timezone') }} as opens_at,
        {{ utc_time('closes_at', 'timezone') }} as closes_at
    from local_times

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
    -- What lies within an hour that the clocks skip is no opening.
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
    cast(coalesce(sum({{ seconds_between('opens_at', 'closes_at') }}) over (
        partition by calendar
        order by opens_at
        rows between unbounded preceding and 1 preceding
    ), 0) as bigint) as open_seconds_before
from openings
