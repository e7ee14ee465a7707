{%- set last_day = last_whole_day() -%}
-- How the forecast of calls did in the last weeks, which it did not know, beside the naive one, by how far it looked ahead.
with errors as (

    select *
    from {{ ref('int_call_forecast_errors') }}
    where date_day = {{ last_day }}

)

select
    errors.team,
    cast(errors.horizon_weeks as bigint) as horizon_weeks,
    {{ add_days(last_day, 1 - 7 * var('staffing_backtest_weeks') | int) }} as held_back_from_on,
    errors.date_day as held_back_until_on,
    cast(errors.compared_days as bigint) as compared_days,
    cast(errors.half_hours as bigint) as half_hours,
    cast(errors.calls_offered as double) as calls_offered,
    {% for name in ['model', 'naive'] -%}
    errors.{{ name }}_missed / nullif(errors.calls_offered, 0) as {{ name }}_wape,
    errors.{{ name }}_missed / nullif(errors.half_hours, 0) as {{ name }}_mae,
    sqrt(errors.{{ name }}_squares / nullif(errors.half_hours, 0)) as {{ name }}_rmse,
    errors.{{ name }}_excess / nullif(errors.calls_offered, 0) as {{ name }}_bias,
    {% endfor -%}
    case when errors.choice_reason = 'smaller error' then 'model' else 'naive' end as forecast_method,
    errors.choice_reason as forecast_reason,
    cast(known.trend_per_week as double) as trend_per_week,
    errors.season_days > 0 as has_season,
    known.closed_holiday_factor,
    known.open_holiday_factor
from errors
inner join {{ ref('int_call_days') }} as known
    on
        errors.team = known.team
        and errors.date_day = known.date_day
