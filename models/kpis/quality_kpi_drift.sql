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
        avg(case when weeks_ago > 1 then value end) as usual_value,
        stddev_samp(case when weeks_ago > 1 then value end) as usual_spread,
        count(*) - 1 as weeks_before
    from weeks
    where weeks_ago <= 13
    group by kpi_id

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
from compared
