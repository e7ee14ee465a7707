{%- set held_back_days = 7 * var('staffing_backtest_weeks') | int -%}
{#- Doubles added up by several threads differ in the last digit from run to run. -#}
{%- set exact = 'decimal(28, 9)' -%}
{%- set sums = [
    'compared_days', 'half_hours', 'calls_offered', 'model_missed', 'naive_missed', 'model_squares', 'naive_squares',
    'model_excess', 'naive_excess', 'season_days',
] -%}
-- What the two forecasts missed in the weeks held back, as known at the end of each day; and which one is to be used.
with half_hours as (

    select
        *,
        calls_model - calls_offered as model_error,
        calls_naive - calls_offered as naive_error,
        -- Only where both have a forecast can they be compared; a closed half hour that nobody calls in is no test.
        calls_model is not null and calls_naive is not null as is_compared,
        open_seconds > 0 or calls_offered > 0 or calls_model > 0 or calls_naive > 0 as is_counted
    from {{ ref('int_call_forecast_candidates') }}
    where calls_offered is not null

),

tested as (

    select
        team,
        date_day,
        horizon_weeks,
        max(case when is_compared then 1 else 0 end) as compared_days,
        count(case when is_compared and is_counted then 1 end) as half_hours,
        coalesce(sum(case when is_compared then cast(calls_offered as {{ exact }}) end), 0) as calls_offered,
        coalesce(sum(case when is_compared then cast(abs(model_error) as {{ exact }}) end), 0) as model_missed,
        coalesce(sum(case when is_compared then cast(abs(naive_error) as {{ exact }}) end), 0) as naive_missed,
        coalesce(sum(case when is_compared then cast(model_error * model_error as {{ exact }}) end), 0) as model_squares,
        coalesce(sum(case when is_compared then cast(naive_error * naive_error as {{ exact }}) end), 0) as naive_squares,
        coalesce(sum(case when is_compared then cast(model_error as {{ exact }}) end), 0) as model_excess,
        coalesce(sum(case when is_compared then cast(naive_error as {{ exact }}) end), 0) as naive_excess,
        max(case when has_season then 1 else 0 end) as season_days
    from half_hours
    group by
        team,
        date_day,
        horizon_weeks

),

-- Each day, those too on which the desk is closed: on any of them it is asked which forecast is to be used.
daily as (

    select
        days.team,
        days.date_day,
        {% for name in sums -%}
        coalesce(tested.{{ name }}, 0) as {{ name }},
        {% endfor -%}
        horizons.number as horizon_weeks
    from {{ ref('int_call_days') }} as days
    cross join ({{ numbers_from_to(1, var('staffing_weeks_ahead') | int) }}) as horizons
    left join tested
        on
            days.team = tested.team
            and days.date_day = tested.date_day
            and horizons.number = tested.horizon_weeks
    where days.date_day <= {{ last_whole_day() }}

),

held_back as (

    select
        team,
        date_day,
        horizon_weeks,
        {% for name in sums -%}
        sum({{ name }}) over weeks_until as {{ name }},
        {% endfor -%}
        min(case when compared_days > 0 then date_day end) over weeks_until as first_compared_on
    from daily
    window weeks_until as (
        partition by team, horizon_weeks
        order by date_day
        rows between {{ held_back_days - 1 }} preceding and current row
    )

)

select
    team,
    date_day,
    horizon_weeks,
    compared_days,
    half_hours,
    cast(calls_offered as double) as calls_offered,
    cast(model_missed as double) as model_missed,
    cast(naive_missed as double) as naive_missed,
    cast(model_squares as double) as model_squares,
    cast(naive_squares as double) as naive_squares,
    cast(model_excess as double) as model_excess,
    cast(naive_excess as double) as naive_excess,
    season_days,
    -- By squares: the mean, which staffing needs, has the smallest ones. Absolute errors favour the median: where most half hours
    -- bring no call, a forecast of none.
    case
        when first_compared_on is null or {{ days_between('first_compared_on', 'date_day') }} + 1 < {{ held_back_days }} / 2.0
            then 'too few weeks tested'
        when model_squares < naive_squares then 'smaller error'
        else 'no smaller error'
    end as choice_reason
from held_back
