-- What wants attention: targets missed in the last whole week (or month, of what is rare), values worse than usual, policies of
-- marketplaces broken, customers who may be lost, and the gates and runs that failed, open ones and closed ones. A value better
-- than usual is no alert. An alert keeps its id as long as nothing changes: it is one, however often it is computed.
{%- set last_day = last_whole_day() -%}
{%- set ended_at = 'cast(' ~ next_period('found.grain', 'found.since_on') ~ ' as timestamp)' %}

-- The reporting day up to which each KPI's exports reach. Targets are judged in the period that the overview shows: the newest
-- that is over, where the exports reach its last day. What is unusual needs more, since an export drawn in the middle of a day
-- shows a slow day, and no slump: each export has brought something later.
with reach as (

    select
        needed.kpi_id,
        needed.entry,
        max({{ local_date('freshness.newest_at') }}) as reaches_day
    from ({{ kpi_exports() }}) as needed
    inner join {{ ref('quality_freshness') }} as freshness on needed.kind = freshness.source_system
    group by
        needed.kpi_id,
        needed.entry

),

reached as (

    select
        kpi_id,
        min(reaches_day) as reaches_day
    from reach
    group by kpi_id

),

periods as (

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
    left join reached on kpis.kpi_id = reached.kpi_id
    where
        kpis.grain in ('week', 'month')
        and kpis.target is not null
        -- A target of the whole is missed once; a member has an alert where it has a target of its own.
        and (kpis.dimension = 'all' or own.kpi_id is not null)
        and {{ next_period('kpis.grain', 'kpis.period_start') }} <= {{ local_date(as_of()) }}
        and {{ add_days(next_period('kpis.grain', 'kpis.period_start'), -1) }}
        <= coalesce(reached.reaches_day, {{ local_date(as_of()) }})

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
        max(case when periods_ago = 1 then n end) as n,
        -- Chance does not explain it: the whole interval lies on the bad side.
        max(
            case
                when periods_ago = 1 and value < target and ci_high < target then 1
                when periods_ago = 1 and value > target and ci_low > target then 1
                else 0
            end
        ) as is_certain
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

found as (

    select
        'breach' as kind,
        case when breaches.is_certain = 1 then 'critical' else 'warning' end as severity,
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
        -- Twice as far out as what is called unusual.
        case
            when
                baselines.value < 2 * baselines.expected_low - baselines.expected_value
                or baselines.value > 2 * baselines.expected_high - baselines.expected_value
                then 'warning'
            else 'notice'
        end as severity,
        baselines.kpi_id as subject,
        baselines.grain,
        baselines.period_start,
        'all' as dimension,
        'all' as member,
        baselines.period_start as since_on,
        baselines.value,
        baselines.expected_value as limit_value,
        baselines.n as affected_rows,
        case when baselines.value < baselines.expected_value then 'is lower than usual' else 'is higher than usual' end as message
    from {{ ref('quality_baselines') }} as baselines
    inner join {{ ref('kpi_definitions') }} as definitions on baselines.kpi_id = definitions.kpi_id
    left join reached on baselines.kpi_id = reached.kpi_id
    where
        baselines.is_anomaly
        and definitions.direction = case when baselines.value < baselines.expected_value then 'up' else 'down' end
        and {{ next_period('baselines.grain', 'baselines.period_start') }}
        <= coalesce(reached.reaches_day, {{ local_date(as_of()) }})
        and (
            (baselines.grain = 'day' and baselines.period_start >= {{ add_days(last_day, -1) }})
            or (baselines.grain = 'week' and baselines.period_start >= {{ add_days(last_day, -13) }})
        )

),

described as (

    select
        found.kind,
        found.severity,
        found.subject,
        found.message,
        found.grain,
        found.period_start,
        found.dimension,
        found.member,
        {{ utc_time(ended_at, "'" ~ var('reporting_timezone') ~ "'") }} as raised_at,
        {{ as_of() }} as seen_at,
        cast(null as timestamp) as closed_at,
        found.value,
        found.limit_value,
        found.affected_rows,
        cast(null as {{ dbt.type_string() }}) as run_id,
        replace(
            replace(
                replace(
                    replace(
                        cases.template, '{from}', cast(found.period_start as {{ dbt.type_string() }})
                    ),
                    '{to}', cast({{ next_period('found.grain', 'found.period_start') }} as {{ dbt.type_string() }})
                ),
                '{grain}', found.grain
            ),
            '{filter}',
            concat(
                -- Of a share, what there is to fix.
                case when cases.failing_condition is null then '' else concat(' and ', cases.failing_condition) end,
                case
                    when found.dimension = 'all' then ''
                    -- A member is text from an export: what would end the text is doubled.
                    else concat(
                        ' and coalesce(cast(', cases.member_column, ' as varchar), ''unknown'') = ''',
                        replace(found.member, '''', ''''''), ''''
                    )
                end
            )
        ) as case_query
    from found
    left join {{ ref('kpi_cases') }} as cases
        on
            found.subject = cases.kpi_id
            and found.dimension = cases.dimension

),

policies as (

    select
        'policy' as kind,
        case when status = 'breached' then 'critical' else 'warning' end as severity,
        concat(marketplace, ': ', policy) as subject,
        case
            when status = 'breached' then 'is breached'
            else concat('is breached by the cases that are known; ', unknown_cases, ' that no export tells of could turn it')
        end as message,
        cast(null as {{ dbt.type_string() }}) as grain,
        cast(null as date) as period_start,
        'marketplace' as dimension,
        marketplace as member,
        {{ as_of() }} as raised_at,
        {{ as_of() }} as seen_at,
        cast(null as timestamp) as closed_at,
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
    where
        status = 'breached'
        or (status = 'pending' and headroom_cases < 0)

),

risks as (

    select
        'risk' as kind,
        'notice' as severity,
        'churn_risk' as subject,
        'customers are at high risk to be lost, and worth a call' as message,
        cast(null as {{ dbt.type_string() }}) as grain,
        cast(null as date) as period_start,
        'all' as dimension,
        'all' as member,
        {{ as_of() }} as raised_at,
        {{ as_of() }} as seen_at,
        cast(null as timestamp) as closed_at,
        cast({{ sum_of_known('margin_at_risk') }} as double) as value,
        cast(null as double) as limit_value,
        cast(count(*) as bigint) as affected_rows,
        cast(null as {{ dbt.type_string() }}) as run_id,
        'select * from customers_at_risk order by place' as case_query
    from {{ ref('customers_at_risk') }}
    having count(*) > 0

),

{{ gate_alerts() }}

united as (

    select * from described
    union all
    select * from policies
    union all
    select * from risks
    union all
    select * from gates

)

select
    {{ dbt.hash(dbt.concat([
        'kind', "'|'", "coalesce(grain, '')", "'|'", 'subject', "'|'", 'message', "'|'", "coalesce(dimension, '')", "'|'", "coalesce(member, '')", "'|'",
        "case when kind in ('policy', 'risk') then '' else cast(raised_at as " ~ dbt.type_string() ~ ") end",
    ])) }} as alert_id,
    *
from united
