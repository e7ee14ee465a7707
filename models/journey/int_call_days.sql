{%- set weeks = var('staffing_history_weeks') | int -%}
-- What is known of a team's calls at the end of each day, for the forecasts that begin there: trend, season, holidays, handle
-- time.
--
-- Trend: the least-squares line through the calls of the last weeks, taken only where its slope differs from none (two-sided
-- t test, 5 %). Holidays: what earlier ones brought, out of what the same weekdays before them bring. Each needs min_sample
-- calls: of fewer, chance makes any trend.
with teams as (

    select
        team,
        min(date_day) as first_day,
        max(date_day) as last_day
    from {{ ref('int_call_half_hours') }}
    group by team

),

kinds as (

    select distinct
        team,
        date_day,
        day_kind
    from {{ ref('int_call_half_hours') }}

),

-- Each day, those too of which no half hour is ever used: the windows below count rows.
spines as (

    select
        teams.team,
        spine.date_day
    from teams
    cross join lateral (
        {{ days_from_to('teams.first_day', 'teams.last_day') }}
    ) as spine

),

days as (

    select
        spines.team,
        spines.date_day,
        {{ iso_weekday('spines.date_day') }} as weekday,
        coalesce(kinds.day_kind, 'ordinary') as day_kind,
        kinds.date_day is null as is_never_used
    from spines
    left join kinds
        on
            spines.team = kinds.team
            and spines.date_day = kinds.date_day

),

calls as (

    select
        team,
        {{ local_date('queued_at') }} as date_day,
        count(*) as calls_offered,
        count(handle_seconds) as calls_handled,
        sum(handle_seconds) as handle_seconds
    from {{ ref('fct_calls') }}
    where is_offered
    group by
        team,
        {{ local_date('queued_at') }}

),

export_ends as (

    {{ last_day_of_calls() }}

),

daily as (

    select
        days.team,
        days.date_day,
        days.weekday,
        days.day_kind,
        days.day_kind <> 'ordinary' as is_holiday,
        days.date_day <= {{ last_whole_day() }}
        -- On a day on which the desk never is open there was no call, whenever the export ends.
        and (days.is_never_used or days.date_day <= export_ends.last_day) as is_over,
        cast(coalesce(calls.calls_offered, 0) as double) as calls_offered,
        cast(coalesce(calls.calls_handled, 0) as double) as calls_handled,
        cast(coalesce(calls.handle_seconds, 0) as double) as handle_seconds
    from days
    cross join export_ends
    left join calls
        on
            days.team = calls.team
            and days.date_day = calls.date_day

),

-- A holiday says nothing of trend and season: what its weekday brought in the weeks before stands in for it.
filled as (

    select
        *,
        case
            when not is_over then null
            when not is_holiday then calls_offered
            else
                avg(case when is_over and not is_holiday then calls_offered end) over (
                    partition by team, weekday
                    order by date_day
                    rows between {{ weeks }} preceding and 1 preceding
                )
        end as usual_calls
    from daily

),

summed as (

    select
        *,
        row_number() over (partition by team, weekday order by date_day) as week_number,
        case when count(usual_calls) over week_until = 7 then sum(usual_calls) over week_until end as week_calls,
        case
            when count(usual_calls) over history_around = {{ 7 * weeks }} then sum(usual_calls) over history_around / {{ weeks }}
        end as history_week_calls,
        case when count(usual_calls) over weeks_around = 21 then sum(usual_calls) over weeks_around / 3 end as around_week_calls,
        {% for kind in ['closed', 'open'] -%}
        sum(case when day_kind = '{{ kind }} holiday' and usual_calls > 0 then calls_offered end) over until_now
            as {{ kind }}_holiday_calls,
        sum(case when day_kind = '{{ kind }} holiday' and usual_calls > 0 then usual_calls end) over until_now
            as {{ kind }}_holiday_usual_calls,
        {% endfor -%}
        sum(handle_seconds) over history_before / nullif(sum(calls_handled) over history_before, 0) as handle_seconds_before,
        -- The same week brought more than an average one of the year around it.
        count(*) over year_around >= 300
        and sum(calls_offered) over year_around > 0
        and sum(calls_offered) over week_around * count(*) over year_around
        >= 7 * {{ var('staffing_peak_ratio') }} * sum(calls_offered) over year_around as is_peak
    from filled
    where date_day <= {{ add_days(last_whole_day(), 1) }}
    window
        until_now as (
            partition by team
            order by date_day
            rows unbounded preceding
        ),
        week_until as (
            partition by team
            order by date_day
            rows between 6 preceding and current row
        ),
        history_around as (
            partition by team
            order by date_day
            -- Its middle is that of the last weekdays like it.
            rows between {{ 7 * weeks - 4 }} preceding and 3 following
        ),
        history_before as (
            partition by team
            order by date_day
            rows between {{ 7 * weeks }} preceding and 1 preceding
        ),
        weeks_around as (
            partition by team
            order by date_day
            rows between 10 preceding and 10 following
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

-- The weeks that end on this weekday, numbered: their sums make the line.
moments as (

    select
        *,
        count(week_calls) over history as line_weeks,
        avg(case when week_calls is not null then cast(week_number as double) end) over history as middle_week,
        avg(week_calls) over history as mean_week_calls,
        var_pop(case when week_calls is not null then cast(week_number as double) end) over history as week_variance,
        var_pop(week_calls) over history as calls_variance,
        covar_pop(week_calls, cast(week_number as double)) over history as covariance
    from summed
    window history as (
        partition by team, weekday
        order by date_day
        rows between {{ weeks - 1 }} preceding and current row
    )

),

sloped as (

    select
        moments.*,
        moments.covariance / nullif(moments.week_variance, 0) as slope,
        {{ t_quantile('(moments.line_weeks - 1)', 'tabulated.t_975') }} as t_975
    from moments
    left join {{ ref('student_t') }} as tabulated on moments.line_weeks - 2 = cast(tabulated.degrees_of_freedom as bigint)

)

select
    team,
    date_day,
    line_weeks,
    -- Calls a week more or fewer, out of those of the mean week; 0 where chance explains the line.
    case
        when line_weeks < 3 or line_weeks * mean_week_calls < {{ var('min_sample') }} then 0
        when
            slope * slope * week_variance * (line_weeks - 2)
            > t_975 * t_975 * greatest(calls_variance - slope * slope * week_variance, 0)
            then round(slope / mean_week_calls, 9)
        else 0
    end as trend_per_week,
    week_number - coalesce(middle_week, week_number) as weeks_since_middle,
    case when {{ weeks }} * history_week_calls >= {{ var('min_sample') }} then history_week_calls end as history_week_calls,
    around_week_calls,
    {% for kind in ['closed', 'open'] -%}
    case
        when {{ kind }}_holiday_usual_calls >= {{ var('min_sample') }}
            then {{ kind }}_holiday_calls / {{ kind }}_holiday_usual_calls
    end as {{ kind }}_holiday_factor,
    {% endfor -%}
    handle_seconds_before,
    is_peak
from sloped
