{%- set last_day = last_whole_day() -%}
-- How the forecast of calls did in the last weeks, which it did not know, beside the naive one, by how far it looked ahead.
with told as (

    select *
    from {{ ref('int_call_forecast_errors') }}
    where date_day = {{ last_day }}

)

select
    told.team,
    cast(told.horizon_weeks as bigint) as horizon_weeks,
    {{ add_days(last_day, 1 - 7 * var('staffing_backtest_weeks') | int) }} as held_back_from_on,
    told.date_day as held_back_until_on,
    cast(told.compared_days as bigint) as compared_days,
    cast(told.half_hours as bigint) as half_hours,
    cast(told.calls_offered as double) as calls_offered,
    {% for name in ['model', 'naive'] -%}
    told.{{ name }}_missed / nullif(told.calls_offered, 0) as {{ name }}_wape,
    told.{{ name }}_missed / nullif(told.half_hours, 0) as {{ name }}_mae,
    sqrt(told.{{ name }}_squares / nullif(told.half_hours, 0)) as {{ name }}_rmse,
    told.{{ name }}_excess / nullif(told.calls_offered, 0) as {{ name }}_bias,
    {% endfor -%}
    case when told.choice_reason = 'smaller error' then 'model' else 'naive' end as forecast_method,
    told.choice_reason as forecast_reason,
    cast(known.trend_per_week as double) as trend_per_week,
    told.season_days > 0 as has_season,
    known.closed_holiday_factor,
    known.open_holiday_factor
from told
inner join {{ ref('int_call_days') }} as known
    on
        told.team = known.team
        and told.date_day = known.date_day
