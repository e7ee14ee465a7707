-- The half hours of each team that takes calls, past and ahead: how long the desk is open, what day it is, and the calls offered.
--
-- A half hour is real: 30 minutes from the day's local midnight on, until the next. What compares it with other weeks is its
-- local clock time, `half_hour`. On the day that clocks are put back two real half hours have the same one; a day on which
-- they are put forward has none for some.
{%- set timezone = "'" ~ var('reporting_timezone') ~ "'" %}
with calls as (

    select
        team,
        {{ local_date('queued_at') }} as date_day,
        queued_at
    from {{ ref('fct_calls') }}
    where is_offered

),

export_ends as (

    {{ last_day_of_calls() }}

),

-- Teams that take calls and are on the roster; without one there is nothing to hold a need against.
teams as (

    select
        calls.team,
        min(calls.date_day) as first_day
    from calls
    where calls.team in (select roster.team from {{ ref('stg_agents') }} as roster)
    group by calls.team

),

assigned as (

    select
        teams.team,
        assignments.calendar,
        row_number() over (
            partition by teams.team
            order by {{ assignment_order('assignments') }}
        ) as particularity
    from teams
    inner join {{ ref('calendar_assignments') }} as assignments
        on {{ is_assigned('assignments', "'phone'", 'teams.team') }}

),

days as (

    select
        teams.team,
        spine.date_day,
        {{ iso_weekday('spine.date_day') }} as weekday
    from teams
    cross join lateral (
        {{ days_from_to('teams.first_day', add_days(last_whole_day(), 7 * var('staffing_weeks_ahead') | int)) }}
    ) as spine

),

midnights as (

    select
        days.*,
        {{ utc_time('cast(days.date_day as timestamp)', timezone) }} as starts_at,
        {{ utc_time('cast(' ~ add_days('days.date_day', 1) ~ ' as timestamp)', timezone) }} as ends_at
    from days

),

-- 48, and on the days that clocks change some fewer or more.
numbered as (

    select
        midnights.team,
        midnights.date_day,
        midnights.weekday,
        midnights.ends_at as day_ends_at,
        numbers.number,
        {{ dbt.dateadd('minute', '30 * numbers.number', 'midnights.starts_at') }} as starts_at
    from midnights
    cross join ({{ numbers_from_to(0, 51) }}) as numbers

),

slots as (

    select
        team,
        date_day,
        weekday,
        number,
        2 * extract(hour from {{ local_time('starts_at') }})
        + case when extract(minute from {{ local_time('starts_at') }}) >= 30 then 1 else 0 end as half_hour,
        starts_at,
        {{ dbt.dateadd('minute', 30, 'starts_at') }} as ends_at
    from numbered
    where starts_at < day_ends_at

),

timed as (

    select
        slots.*,
        assigned.calendar
    from slots
    left join assigned
        on
            slots.team = assigned.team
            and assigned.particularity = 1

),

opened as (

    select
        timed.*,
        -- Without a calendar, or with one that has no hours, the desk never closes.
        case
            when hours.calendar is null then 1800
            else
                {{ open_seconds_until('timed.ends_at', 'end_segments') }}
                - ({{ open_seconds_until('timed.starts_at', 'start_segments') }})
        end as open_seconds
    from timed
    left join (select distinct calendar from {{ ref('business_hours') }}) as hours on timed.calendar = hours.calendar
    left join {{ ref('int_calendar_segments') }} as start_segments
        on {{ is_in_segment('timed.calendar', 'timed.starts_at', 'start_segments') }}
    left join {{ ref('int_calendar_segments') }} as end_segments
        on {{ is_in_segment('timed.calendar', 'timed.ends_at', 'end_segments') }}

),

counted as (

    select
        calls.team,
        calls.date_day,
        cast(floor({{ seconds_between('midnights.starts_at', 'calls.queued_at') }} / 1800.0) as bigint) as number,
        count(*) as calls_offered
    from calls
    inner join midnights
        on
            calls.team = midnights.team
            and calls.date_day = midnights.date_day
    group by
        calls.team,
        calls.date_day,
        cast(floor({{ seconds_between('midnights.starts_at', 'calls.queued_at') }} / 1800.0) as bigint)

),

-- A day on which the calendar's usual hours do not hold.
holidays as (

    select
        calendar,
        holiday_on,
        max(case when opens_at is null then 'closed holiday' else 'open holiday' end) as day_kind
    from {{ ref('business_holidays') }}
    group by
        calendar,
        holiday_on

),

half_hours as (

    select
        opened.team,
        opened.date_day,
        opened.weekday,
        cast(opened.half_hour as bigint) as half_hour,
        opened.starts_at,
        cast(opened.open_seconds as bigint) as open_seconds,
        coalesce(holidays.day_kind, 'ordinary') as day_kind,
        max(case when opened.open_seconds > 0 or counted.calls_offered > 0 then 1 else 0 end) over (
            partition by opened.team, opened.weekday, opened.half_hour
        ) as is_ever_used,
        -- What a clock time brought: of two half hours that share it, the mean. Of a day that is not over nobody knows.
        case
            when opened.date_day <= {{ last_whole_day() }} and opened.date_day <= export_ends.last_day
                then
                    avg(cast(coalesce(counted.calls_offered, 0) as double)) over (
                        partition by opened.team, opened.date_day, opened.half_hour
                    )
        end as calls_offered
    from opened
    cross join export_ends
    left join counted
        on
            opened.team = counted.team
            and opened.date_day = counted.date_day
            and opened.number = counted.number
    left join holidays
        on
            opened.calendar = holidays.calendar
            and opened.date_day = holidays.holiday_on

)

select
    team,
    date_day,
    weekday,
    half_hour,
    starts_at,
    open_seconds,
    day_kind,
    calls_offered
from half_hours
-- At other clock times of the weekday the desk never was open, and nobody ever called.
where is_ever_used = 1
