{%- set weeks = var('staffing_history_weeks') | int -%}
{%- set held_back_days = 7 * var('staffing_backtest_weeks') | int -%}
-- Two forecasts of the calls at each clock time, made some weeks before: by the model, and the naive one.
--
-- The naive forecast is what the newest of the same weekdays brought of which the export tells it. The model takes the mean of
-- the last ones that were no holidays, times what has changed since (the move that the same weeks made a year before, or the
-- trend), times what holidays bring. Each knows nothing of the days after the one it was made on.
with clock_times as (

    select
        team,
        date_day,
        weekday,
        half_hour,
        day_kind,
        max(calls_offered) as calls_offered,
        sum(open_seconds) as open_seconds
    from {{ ref('int_call_half_hours') }}
    group by
        team,
        date_day,
        weekday,
        half_hour,
        day_kind

),

numbered as (

    select
        *,
        row_number() over (
            partition by team, weekday, half_hour
            order by date_day
        ) as week_number,
        max_by(calls_offered, case when calls_offered is not null then date_day end) over history as newest_calls,
        avg(case when day_kind = 'ordinary' then calls_offered end) over history as usual_calls,
        count(case when day_kind = 'ordinary' then calls_offered end) over history as usual_weeks
    from clock_times
    window history as (
        partition by team, weekday, half_hour
        order by date_day
        rows between {{ weeks - 1 }} preceding and current row
    )

),

-- Of the past a week before, and of the weeks held back from as far as staffing looks ahead; ahead from the last week.
wanted as (

    select
        numbered.team,
        numbered.date_day,
        numbered.weekday,
        numbered.half_hour,
        numbered.day_kind,
        numbered.calls_offered,
        numbered.open_seconds,
        numbered.week_number,
        horizons.number as horizon_weeks
    from numbered
    cross join ({{ numbers_from_to(1, var('staffing_weeks_ahead') | int) }}) as horizons
    where
        case
            when numbered.date_day > {{ last_whole_day() }}
                then floor(({{ days_between(last_whole_day(), 'numbered.date_day') }} + 6) / 7.0) = horizons.number
            else
                horizons.number = 1
                or numbered.date_day > {{ add_days(last_whole_day(), -held_back_days) }}
        end

),

made as (

    select
        wanted.*,
        made_on.date_day as made_on,
        made_on.newest_calls as calls_naive,
        made_on.usual_calls,
        made_on.usual_weeks,
        {{ days_between('made_on.date_day', 'wanted.date_day') }} / 7.0 as weeks_since,
        {{ days_between('made_on.date_day', add_days('wanted.date_day', -354)) }} <= 0 as is_season_known
    from wanted
    left join numbered as made_on
        on
            wanted.team = made_on.team
            and wanted.weekday = made_on.weekday
            and wanted.half_hour = made_on.half_hour
            and wanted.week_number - wanted.horizon_weeks = made_on.week_number

),

factors as (

    select
        made.*,
        case when made.is_season_known then last_year.around_week_calls / nullif(year_before.history_week_calls, 0) end
            as season_factor,
        greatest(1 + then_known.trend_per_week * (then_known.weeks_since_middle + made.weeks_since), 0) as trend_factor,
        case made.day_kind
            when 'ordinary' then 1
            when 'closed holiday' then then_known.closed_holiday_factor
            else then_known.open_holiday_factor
        end as holiday_factor
    from made
    left join {{ ref('int_call_days') }} as then_known
        on
            made.team = then_known.team
            and made.made_on = then_known.date_day
    left join {{ ref('int_call_days') }} as year_before
        on
            made.team = year_before.team
            and {{ add_days('made.made_on', -364) }} = year_before.date_day
    left join {{ ref('int_call_days') }} as last_year
        on
            made.team = last_year.team
            and {{ add_days('made.date_day', -364) }} = last_year.date_day

)

select
    team,
    date_day,
    half_hour,
    horizon_weeks,
    made_on,
    day_kind,
    open_seconds,
    calls_offered,
    calls_naive,
    -- As many weeks as half the history, or one has to be estimated from too few.
    case
        when usual_weeks >= {{ (weeks + 1) // 2 }}
            then round(usual_calls * coalesce(season_factor, trend_factor) * holiday_factor, 9)
    end as calls_model,
    usual_weeks >= {{ (weeks + 1) // 2 }} as is_history_enough,
    season_factor is not null as has_season
from factors
