-- The calls that each half hour of a team brings, and how long one takes: for every half hour of the past from what was known
-- a week before, and for the weeks ahead from the last ones. Of the two forecasts the one of smaller squared errors in the weeks
-- held back.
{%- set last_day = last_whole_day() %}
with chosen as (

    select
        candidates.*,
        coalesce(errors.choice_reason, 'too few weeks tested') as choice_reason,
        coalesce(errors.choice_reason = 'smaller error', false) and candidates.is_history_enough as is_by_model
    from {{ ref('int_call_forecast_candidates') }} as candidates
    left join {{ ref('int_call_forecast_errors') }} as errors
        on
            candidates.team = errors.team
            and candidates.horizon_weeks = errors.horizon_weeks
            and case when candidates.date_day > {{ last_day }} then {{ last_day }} else candidates.made_on end = errors.date_day
    -- What staffing goes by; the rest is there for the backtest.
    where candidates.horizon_weeks = 1 or candidates.date_day > {{ last_day }}

),

explained as (

    select
        *,
        case when is_by_model then calls_model else calls_naive end as calls_forecast,
        case
            when made_on is null or (not is_by_model and calls_naive is null) then 'no week before'
            when is_by_model and calls_model is null then 'too few such holidays before'
            when choice_reason = 'smaller error' and not is_by_model then 'too few such weekdays before'
            else choice_reason
        end as forecast_reason
    from chosen

)

select
    half_hours.team,
    half_hours.date_day,
    half_hours.half_hour,
    half_hours.starts_at,
    half_hours.open_seconds,
    half_hours.calls_offered,
    explained.calls_forecast,
    case
        when explained.calls_forecast is null then null
        when explained.is_by_model then 'model'
        else 'naive'
    end as forecast_method,
    explained.forecast_reason,
    known.handle_seconds_before as handle_seconds_forecast,
    coalesce(last_year.is_peak, false) as is_seasonal_peak
from {{ ref('int_call_half_hours') }} as half_hours
inner join explained
    on
        half_hours.team = explained.team
        and half_hours.date_day = explained.date_day
        and half_hours.half_hour = explained.half_hour
left join {{ ref('int_call_days') }} as known
    on
        half_hours.team = known.team
        and least(half_hours.date_day, {{ add_days(last_day, 1) }}) = known.date_day
left join {{ ref('int_call_days') }} as last_year
    on
        half_hours.team = last_year.team
        and {{ add_days('half_hours.date_day', -364) }} = last_year.date_day
where half_hours.open_seconds > 0 or explained.calls_forecast > 0
