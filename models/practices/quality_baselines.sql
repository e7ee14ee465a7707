-- What each KPI was to be expected to show, from its own history, and whether it did.
--
-- Expected is the level of the last four weeks, shifted as the weekday usually is (of the eight weeks before), and as the season
-- shifted it a year ago where that was more than noise. How far chance carries a point from there is what the history shows,
-- for as many cases as the point has: a mean of few cases may stray far. Times and amounts are looked at as logarithms,
-- counts as square roots, so that a spread is one whatever the level.
{%- set recent_from = add_days('judged.period_start', -28) -%}
{%- set season_from = add_days('judged.period_start', -367) %}
{%- set looked_at = "dimension = 'all' and grain in ('day', 'week')" %}
{#- A point tells of those after it: of the next of its weekday, whenever that is, and of what follows on both. What is negative
    somewhere is looked at in another way everywhere. -#}
{{ maintained(
    unique_key=['kpi_id', 'grain', 'period_start'],
    invalidated_by={
        'kpis': [
            'select kpi_id, grain, period_start from {changes} where ' ~ looked_at,
            'select present.kpi_id, present.grain, present.period_start from ' ~ ref('kpis') ~ ' as present inner join ('
            ~ "select kpi_id, grain, min(case when value < 0 then cast('0001-01-01' as date) else period_start end) as since"
            ~ ' from {changes} where ' ~ looked_at ~ ' group by kpi_id, grain) as changed'
            ~ ' on present.kpi_id = changed.kpi_id and present.grain = changed.grain'
            ~ " and present.dimension = 'all' and present.period_start >= changed.since",
        ],
    },
    invalidated_by_as_of=[
        'select kpi_id, grain, period_start from ' ~ ref('kpis') ~ ' where ' ~ looked_at ~ ' and ('
        ~ day_passed(next_period('grain', 'period_start')) ~ ' or '
        ~ day_passed(add_days('period_start', var('baseline_days'))) ~ ')',
    ]
) }}

with points as (

    select
        kpis.kpi_id,
        kpis.grain,
        kpis.period_start,
        kpis.value,
        kpis.n,
        definitions.unit,
        case when kpis.grain = 'day' then {{ iso_weekday('kpis.period_start') }} else 1 end as weekday,
        min(kpis.period_start) over (partition by kpis.kpi_id, kpis.grain) as first_period,
        case
            -- Money comes in and goes out: what can be negative is taken as it is.
            when min(kpis.value) over (partition by kpis.kpi_id, kpis.grain) < 0 then 'signed'
            when definitions.denominator_measure is null and not definitions.is_percentile then 'total'
            when definitions.unit in ('seconds', 'money') then 'amount'
            else 'share'
        end as family,
        definitions.denominator_measure is null and not definitions.is_percentile as is_total,
        {{ next_period('kpis.grain', 'kpis.period_start') }} as period_ends_on
    from {{ ref('kpis') }} as kpis
    inner join {{ ref('kpi_definitions') }} as definitions on kpis.kpi_id = definitions.kpi_id
    where
        kpis.dimension = 'all'
        and kpis.grain in ('day', 'week')
        and kpis.value is not null
        and kpis.n > 0

),

scaled as (

    select
        *,
        case
            when family = 'amount' and value > 0 then ln(value)
            when family = 'amount' then null
            when family = 'total' then sqrt(value)
            else value
        end as y,
        -- A total is one observation, whatever it adds up.
        cast(case when family = 'total' or (family = 'signed' and is_total) then 1 else n end as double) as weight
    from points
    where period_ends_on <= {{ local_date(as_of()) }}

),

compared as (

    select
        *,
        lag(y) over (partition by kpi_id, grain, weekday order by period_start) as last_y,
        lag(weight) over (partition by kpi_id, grain, weekday order by period_start) as last_weight
    from scaled
    where y is not null

),

-- What one case varies by shows in the difference from a week before: a trend hardly touches that. Decimals add up to the
-- same in any order.
weighted as (

    select
        *,
        cast(weight as decimal(28, 6)) as w,
        cast(weight * y as decimal(38, 9)) as wy,
        cast((y - last_y) * (y - last_y) / (1 / weight + 1 / last_weight) as decimal(38, 9)) as square
    from compared

),

judged as (

    select
        *,
        {{ add_days('period_start', "case when grain = 'day' then -56 else -84 end") }} as history_from,
        case when grain = 'day' then 28 else 8 end as fewest_points
    from scaled
    where
        period_start > {{ add_days(as_of_day(), -var('baseline_days')) }}
        and {{ is_invalidated('kpi_id', 'grain', 'period_start') }}

),

history as (

    select
        judged.kpi_id,
        judged.grain,
        judged.period_start,
        earlier.weekday,
        max(case when earlier.weekday = judged.weekday then 1 else 0 end) as is_same_weekday,
        count(*) as points,
        sum(earlier.w) as w,
        sum(earlier.wy) as wy,
        sum(earlier.square) as squares,
        count(earlier.square) as differences,
        sum(case when earlier.period_start >= {{ recent_from }} then earlier.w end) as recent_w,
        sum(case when earlier.period_start >= {{ recent_from }} then earlier.wy end) as recent_wy
    from judged
    inner join weighted as earlier
        on
            judged.kpi_id = earlier.kpi_id
            and judged.grain = earlier.grain
            and judged.period_start > earlier.period_start
            and judged.history_from <= earlier.period_start
    group by
        judged.kpi_id,
        judged.grain,
        judged.period_start,
        earlier.weekday

),

spread as (

    select
        kpi_id,
        grain,
        period_start,
        sum(points) as points,
        cast(sum(wy) as double) / cast(sum(w) as double) as mean_of_all,
        sum(case when is_same_weekday = 1 then points end) as weekday_points,
        cast(sum(case when is_same_weekday = 1 then w end) as double) as weekday_w,
        cast(sum(case when is_same_weekday = 1 then wy end) as double)
        / cast(sum(case when is_same_weekday = 1 then w end) as double) as mean_of_weekday,
        cast(sum(recent_w) as double) as recent_w,
        cast(sum(recent_wy) as double) as recent_wy,
        cast(sum(recent_wy) as double) / cast(sum(recent_w) as double) as mean_of_recent,
        cast(sum(squares) as double) / nullif(sum(differences), 0) as variance
    from history
    group by
        kpi_id,
        grain,
        period_start

),

-- A year ago: the week around the same weekday against the four weeks before it.
seasons as (

    select
        judged.kpi_id,
        judged.grain,
        judged.period_start,
        cast(sum(case when earlier.period_start >= {{ season_from }} then earlier.w end) as double) as then_w,
        cast(sum(case when earlier.period_start >= {{ season_from }} then earlier.wy end) as double) as then_wy,
        cast(sum(case when earlier.period_start < {{ season_from }} then earlier.w end) as double) as before_w,
        cast(sum(case when earlier.period_start < {{ season_from }} then earlier.wy end) as double) as before_wy
    from judged
    inner join weighted as earlier
        on
            judged.kpi_id = earlier.kpi_id
            and judged.grain = earlier.grain
            and {{ add_days('judged.period_start', -395) }} <= earlier.period_start
            and {{ add_days('judged.period_start', -361) }} >= earlier.period_start
    group by
        judged.kpi_id,
        judged.grain,
        judged.period_start

),

expected as (

    select
        judged.*,
        spread.points,
        spread.weekday_points,
        -- Of rare cases a short history shows too little spread: no less than that of so many hits and misses, and a few more.
        case
            when judged.unit = 'rate'
                then greatest(
                    spread.variance,
                    (spread.recent_wy + 2) / (spread.recent_w + 4) * (1 - (spread.recent_wy + 2) / (spread.recent_w + 4))
                )
            else spread.variance
        end as variance,
        spread.mean_of_recent + spread.mean_of_weekday - spread.mean_of_all as usual,
        1 / judged.weight + 1 / spread.weekday_w + 1 / spread.recent_w as spread_factor,
        seasons.then_wy / seasons.then_w - seasons.before_wy / seasons.before_w as season_shift,
        1 / seasons.then_w + 1 / seasons.before_w as season_factor
    from judged
    inner join spread
        on
            judged.kpi_id = spread.kpi_id
            and judged.grain = spread.grain
            and judged.period_start = spread.period_start
    left join seasons
        on
            judged.kpi_id = seasons.kpi_id
            and judged.grain = seasons.grain
            and judged.period_start = seasons.period_start
            -- In its first weeks a history is like no other time.
            and judged.first_period <= {{ add_days('judged.period_start', -425) }}

),

shifted as (

    select
        *,
        -- A season counts where it moved the value by more than chance does.
        coalesce(abs(season_shift) > 3 * sqrt(variance * season_factor), false) as is_seasonal
    from expected

),

ranged as (

    select
        *,
        usual + case when is_seasonal then season_shift else 0 end as expected_y,
        {{ var('baseline_deviations') }}
        * sqrt(variance * (spread_factor + case when is_seasonal then season_factor else 0 end))
        -- One case more or less is nothing, where a case weighs much.
        + case
            when unit = 'rate' then 1 / weight
            when unit = 'per_1000' then 1000 / weight
            when family = 'total' then 0.5
            else 0
        end as margin
    from shifted

),

-- Back to the KPI's own unit.
bounded as (

    select
        *,
        case family
            when 'amount' then exp(expected_y)
            when 'total' then power(greatest(expected_y, 0), 2)
            else expected_y
        end as expected_value,
        case family
            when 'amount' then exp(expected_y - margin)
            when 'total' then power(greatest(expected_y - margin, 0), 2)
            else expected_y - margin
        end as expected_low,
        case family
            when 'amount' then exp(expected_y + margin)
            when 'total' then power(greatest(expected_y + margin, 0), 2)
            else expected_y + margin
        end as expected_high,
        points >= fewest_points and weekday_points >= 4 and (is_total or n >= {{ var('min_sample') }}) and variance > 0
            as is_known
    from ranged

)

select
    kpi_id,
    grain,
    period_start,
    value,
    n,
    round(expected_value, 9) as expected_value,
    round(expected_low, 9) as expected_low,
    round(expected_high, 9) as expected_high,
    is_seasonal,
    -- A short history, and few cases, say nothing; nor does one that never moved.
    case when is_known then round(value, 9) < round(expected_low, 9) or round(value, 9) > round(expected_high, 9) end
        as is_anomaly
from bounded
