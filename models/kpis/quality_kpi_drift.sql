-- Each KPI's last whole week beside the twelve weeks before it, in standard deviations.
with weeks as (

    select
        kpi_id,
        period_start,
        value,
        n,
        row_number() over (partition by kpi_id order by period_start desc) as weeks_ago
    from {{ ref('kpis') }}
    where
        grain = 'week'
        and dimension = 'all'
        and value is not null
        and {{ next_period('grain', 'period_start') }} <= {{ local_date(as_of()) }}

),

compared as (

    select
        kpi_id,
        max(case when weeks_ago = 1 then period_start end) as period_start,
        max(case when weeks_ago = 1 then value end) as value,
        max(case when weeks_ago = 1 then n end) as n,
        -- Decimals add up to the same in any order.
        sum(case when weeks_ago > 1 then cast(value as decimal(38, 9)) end) as sum_before,
        sum(case when weeks_ago > 1 then cast(value * value as decimal(38, 9)) end) as squares_before,
        cast(count(*) - 1 as double) as weeks_before
    from weeks
    where weeks_ago <= 13
    group by kpi_id

),

spread as (

    select
        *,
        cast(sum_before as double) / nullif(weeks_before, 0) as usual_value,
        sqrt(
            greatest(
                cast(squares_before as double)
                - cast(sum_before as double) * cast(sum_before as double) / nullif(weeks_before, 0),
                0
            ) / nullif(weeks_before - 1, 0)
        ) as usual_spread
    from compared

)

select
    kpi_id,
    period_start,
    value,
    usual_value,
    usual_spread,
    -- A short history or few cases say nothing.
    case
        when weeks_before >= 8 and n >= {{ var('min_sample') }}
            then (value - usual_value) / nullif(usual_spread, 0)
    end as deviations
from spread
