-- What wants attention: targets missed in the last whole week (or month, of what is rare), points outside of what is usual,
-- policies of marketplaces broken, and what failed up to the run before the one that published this (of a run that was not
-- published nothing else is seen). An alert keeps its id as long as nothing changes: it is one, however often it is computed.
{%- set last_day = last_whole_day() -%}
{%- set ended_at = 'cast(' ~ next_period('told.grain', 'told.since_on') ~ ' as timestamp)' %}

with periods as (

    select
        kpis.*,
        row_number() over (
            partition by kpis.kpi_id, kpis.dimension, kpis.member, kpis.grain
            order by kpis.period_start desc
        ) as periods_ago,
        sum(case when kpis.status = 'breach' then 0 else 1 end) over (
            partition by kpis.kpi_id, kpis.dimension, kpis.member, kpis.grain
            order by kpis.period_start desc
            rows unbounded preceding
        ) as periods_without
    from {{ ref('kpis') }} as kpis
    left join {{ ref('kpi_targets') }} as own
        on
            kpis.kpi_id = own.kpi_id
            and kpis.dimension = own.dimension
            and kpis.member = own.member
    where
        kpis.grain in ('week', 'month')
        and kpis.target is not null
        -- A target of the whole is missed once; a member is told of where it has one of its own.
        and (kpis.dimension = 'all' or own.kpi_id is not null)
        and {{ next_period('kpis.grain', 'kpis.period_start') }} <= {{ local_date(as_of()) }}

),

-- Since when the target has been missed without a break.
breaches as (

    select
        kpi_id,
        dimension,
        member,
        grain,
        min(period_start) as since_on,
        max(case when periods_ago = 1 then period_start end) as period_start,
        max(case when periods_ago = 1 then value end) as value,
        max(case when periods_ago = 1 then target end) as target,
        max(case when periods_ago = 1 then n end) as n
    from periods
    where periods_without = 0
    group by
        kpi_id,
        dimension,
        member,
        grain
    -- Of a week or month long ago nothing is to be done.
    having {{ next_period('max(grain)', 'max(period_start)') }} > {{ add_days(last_day, -31) }}

),

-- What has cases enough in a week is looked at by week; the rest by month.
judged_by_week as (

    select
        kpi_id,
        dimension,
        member
    from periods
    where
        grain = 'week'
        and periods_ago = 1
        and status <> 'insufficient_data'

),

told as (

    select
        'breach' as kind,
        'warning' as severity,
        breaches.kpi_id as subject,
        breaches.grain,
        breaches.period_start,
        breaches.dimension,
        breaches.member,
        breaches.since_on,
        breaches.value,
        breaches.target as limit_value,
        breaches.n as affected_rows,
        'misses its target' as message
    from breaches
    left join judged_by_week
        on
            breaches.kpi_id = judged_by_week.kpi_id
            and breaches.dimension = judged_by_week.dimension
            and breaches.member = judged_by_week.member
    where breaches.grain = 'week' or judged_by_week.kpi_id is null
    union all
    select
        'anomaly' as kind,
        'warning' as severity,
        kpi_id as subject,
        grain,
        period_start,
        'all' as dimension,
        'all' as member,
        period_start as since_on,
        value,
        expected_value as limit_value,
        n as affected_rows,
        case when value < expected_value then 'lies below what is usual' else 'lies above what is usual' end as message
    from {{ ref('quality_baselines') }}
    where
        is_outside
        and (
            (grain = 'day' and period_start >= {{ add_days(last_day, -1) }})
            or (grain = 'week' and period_start >= {{ add_days(last_day, -13) }})
        )

),

described as (

    select
        told.kind,
        told.severity,
        told.subject,
        told.message,
        told.grain,
        told.period_start,
        told.dimension,
        told.member,
        {{ utc_time(ended_at, "'" ~ var('reporting_timezone') ~ "'") }} as raised_at,
        {{ as_of() }} as seen_at,
        told.value,
        told.limit_value,
        told.affected_rows,
        cast(null as {{ dbt.type_string() }}) as run_id,
        replace(
            replace(
                replace(
                    replace(
                        cases.template, '{from}', cast(told.period_start as {{ dbt.type_string() }})
                    ),
                    '{to}', cast({{ next_period('told.grain', 'told.period_start') }} as {{ dbt.type_string() }})
                ),
                '{grain}', told.grain
            ),
            '{filter}',
            concat(
                -- Of a share, what there is to mend.
                case when cases.bad_side is null then '' else concat(' and ', cases.bad_side) end,
                case
                    when told.dimension = 'all' then ''
                    -- A member is text from an export: what would end the text is doubled.
                    else concat(
                        ' and coalesce(cast(', cases.member_column, ' as varchar), ''unknown'') = ''',
                        replace(told.member, '''', ''''''), ''''
                    )
                end
            )
        ) as case_query
    from told
    left join {{ ref('kpi_cases') }} as cases
        on
            told.subject = cases.kpi_id
            and told.dimension = cases.dimension

),

policies as (

    select
        'policy' as kind,
        'warning' as severity,
        concat(marketplace, ': ', policy) as subject,
        'is broken' as message,
        cast(null as {{ dbt.type_string() }}) as grain,
        cast(null as date) as period_start,
        'marketplace' as dimension,
        marketplace as member,
        {{ as_of() }} as raised_at,
        {{ as_of() }} as seen_at,
        actual as value,
        limit_value,
        bad_cases as affected_rows,
        cast(null as {{ dbt.type_string() }}) as run_id,
        replace(
            replace(
                replace(
                    case rule
                        {% for rule, query in policy_cases().items() -%}
                        when '{{ rule }}' then {{ text_literal(query) }}
                        {% endfor -%}
                    end,
                    '{from}', cast({{ add_days(as_of_day(), '-window_days') }} as {{ dbt.type_string() }})
                ),
                '{to}', cast({{ as_of_day() }} as {{ dbt.type_string() }})
            ),
            '{marketplace}', concat('''', replace(marketplace, '''', ''''''), '''')
        ) as case_query
    from {{ ref('marketplace_compliance') }}
    where status = 'broken'

),

-- Runs in their order: a gate that fails night after night is one alert, until a run passes it.
runs as (

    select
        run_id,
        row_number() over (order by min(ended_at), run_id) as run_number
    from (
        select
            run_id,
            ended_at
        from {{ source('raw', 'runs') }}
        union all
        -- Runs of before they were written down.
        select
            run_id,
            raised_at as ended_at
        from {{ source('raw', 'alerts') }}
    ) as ended
    group by run_id

),

failures as (

    select
        alerts.*,
        coalesce(runs.run_number, 0) as run_number,
        coalesce(runs.run_number, 0)
        - row_number() over (
            partition by alerts.severity, alerts.subject, alerts.message
            order by runs.run_number, alerts.raised_at
        ) as episode
    from {{ source('raw', 'alerts') }} as alerts
    left join runs on alerts.run_id = runs.run_id

),

gates as (

    select
        case when subject = 'run' then 'run' else 'gate' end as kind,
        severity,
        subject,
        message,
        cast(null as {{ dbt.type_string() }}) as grain,
        cast(null as date) as period_start,
        cast(null as {{ dbt.type_string() }}) as dimension,
        cast(null as {{ dbt.type_string() }}) as member,
        min(raised_at) as raised_at,
        max(raised_at) as seen_at,
        cast(null as double) as value,
        cast(null as double) as limit_value,
        cast(max(affected_rows) as bigint) as affected_rows,
        max(run_id) as run_id,
        case
            when subject like 'raw/%'
                then concat(
                    'select * from load_ledger where kind = ''', replace(substring(subject, 5), '''', ''''''),
                    ''' and (rows_quarantined > 0 or status <> ''loaded'')'
                )
        end as case_query
    from failures
    group by
        severity,
        subject,
        message,
        episode

),

united as (

    select * from described
    union all
    select * from policies
    union all
    select * from gates

)

select
    {{ dbt.hash(dbt.concat([
        'kind', "'|'", "coalesce(grain, '')", "'|'", 'subject', "'|'", 'message', "'|'", "coalesce(dimension, '')", "'|'", "coalesce(member, '')", "'|'",
        "case when kind = 'policy' then '' else cast(raised_at as " ~ dbt.type_string() ~ ") end",
    ])) }} as alert_id,
    *
from united
