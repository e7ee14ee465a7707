-- The calls that each half hour of a team brings, and how long one takes, as the weeks before it tell: for every half hour of
-- the past from what was known the day before, and for the weeks ahead from the last ones.
--
-- A half hour is real: 30 minutes from the day's local midnight on, until the next. What compares it with other weeks is its
-- local clock time, `half_hour`. On the day that clocks are put back two real half hours have the same one; a day on which
-- they are put forward has none for some.
{%- set weeks = var('staffing_history_weeks') | int -%}
{%- set history_days = 7 * weeks -%}
{%- set timezone = "'" ~ var('reporting_timezone') ~ "'" %}
with calls as (

    select
        team,
        {{ local_date('queued_at') }} as date_day,
        queued_at,
        handle_seconds
    from {{ ref('fct_calls') }}
    where is_offered

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

daily as (

    select
        days.team,
        days.date_day,
        count(calls.queued_at) as calls_offered,
        count(calls.handle_seconds) as calls_handled,
        coalesce(sum(calls.handle_seconds), 0) as handle_seconds
    from days
    left join calls
        on
            days.team = calls.team
            and days.date_day = calls.date_day
    group by
        days.team,
        days.date_day

),

-- What was known before each day; the days ahead know what the first day that is not over knows.
known as (

    select
        team,
        date_day,
        sum(handle_seconds) over history as handle_seconds,
        sum(calls_handled) over history as calls_handled,
        sum(calls_offered) over week_around as calls_of_week,
        sum(calls_offered) over year_around as calls_of_year,
        count(*) over year_around as days_of_year
    from daily
    where date_day <= {{ add_days(last_whole_day(), 1) }}
    window
        history as (
            partition by team
            order by date_day
            rows between {{ history_days }} preceding and 1 preceding
        ),
        week_around as (
            partition by team
            order by date_day
            rows between 3 preceding and 3 following
        ),
        year_around as (
            partition by team
            order by date_day
            rows between 182 preceding and 182 following
        )

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

-- What a clock time of a day brought: of two half hours that share it, the mean.
filled as (

    select
        slots.team,
        slots.date_day,
        slots.weekday,
        slots.half_hour,
        cast(avg(coalesce(counted.calls_offered, 0)) as double) as calls_offered
    from slots
    left join counted
        on
            slots.team = counted.team
            and slots.date_day = counted.date_day
            and slots.number = counted.number
    group by
        slots.team,
        slots.date_day,
        slots.weekday,
        slots.half_hour

),

forecast as (

    select
        *,
        sum(calls_offered) over weeks_before as calls_before,
        count(*) over weeks_before as weeks_before
    from filled
    where date_day <= {{ as_of_day() }}
    window weeks_before as (
        partition by team, weekday, half_hour
        order by date_day
        rows between {{ weeks }} preceding and 1 preceding
    )

),

-- The days ahead: the same weekday's forecast that the last whole weeks give.
ahead as (

    select
        team,
        weekday,
        half_hour,
        sum(calls_offered) as calls_before,
        count(*) as weeks_before
    from filled
    where
        date_day <= {{ last_whole_day() }}
        and date_day > {{ add_days(last_whole_day(), -history_days) }}
    group by
        team,
        weekday,
        half_hour

),

united as (

    select *
    from forecast
    union all
    select
        filled.*,
        ahead.calls_before,
        ahead.weeks_before
    from filled
    inner join ahead
        on
            filled.team = ahead.team
            and filled.weekday = ahead.weekday
            and filled.half_hour = ahead.half_hour
    where filled.date_day > {{ as_of_day() }}

)

select
    opened.team,
    opened.date_day,
    cast(opened.half_hour as bigint) as half_hour,
    opened.starts_at,
    cast(opened.open_seconds as bigint) as open_seconds,
    united.calls_before / united.weeks_before as calls_forecast,
    cast(known.handle_seconds as double) / nullif(known.calls_handled, 0) as handle_seconds_forecast,
    -- The same week of last year brought more than an average one of the year around it.
    coalesce(
        last_year.days_of_year >= 300
        and last_year.calls_of_week * last_year.days_of_year
        >= 7 * {{ var('staffing_peak_ratio') }} * last_year.calls_of_year
        and last_year.calls_of_year > 0, false
    ) as is_seasonal_peak
from opened
inner join united
    on
        opened.team = united.team
        and opened.date_day = united.date_day
        and opened.half_hour = united.half_hour
left join known
    on
        united.team = known.team
        and least(united.date_day, {{ add_days(last_whole_day(), 1) }}) = known.date_day
left join known as last_year
    on
        united.team = last_year.team
        and {{ add_days('united.date_day', -364) }} = last_year.date_day
where
    united.weeks_before > 0
    and (opened.open_seconds > 0 or united.calls_before > 0)
