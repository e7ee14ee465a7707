{%- set today = as_of_day() -%}
{%- set month = month_of(today) -%}
{%- set of_standard = [
    'marketplace', 'program', 'level', 'measure', 'currency', 'window_from', 'window_to', 'review_on', 'review_day', 'window_days',
    'window_lag_days', 'months', 'comparison', 'limit_value', 'is_provisional', 'source',
] -%}
-- depends_on: {{ ref('fct_reviews') }}, {{ ref('fct_tickets') }}
-- How each marketplace judges the seller by its own rules: where it stands, how many more faults it takes to miss the level, and
-- when the oldest fault is forgotten. What no export says is unknown, never kept; of a defect of several parts all must be known.
with sold_on as (

    select lower(marketplace) as marketplace
    from {{ ref('fct_orders') }}
    where marketplace <> 'unknown'
    group by lower(marketplace)

),

-- When the marketplace looks next, and on which days it will have looked back by then.
reviews_due as (

    select
        standards.*,
        case
            when standards.review_day is null then {{ today }}
            when {{ add_days(month, 'standards.review_day - 1') }} >= {{ today }} then {{ month }}
            else {{ months_later(month, 1) }}
        end as review_month
    from {{ ref('marketplace_standards') }} as standards
    inner join sold_on on lower(standards.marketplace) = sold_on.marketplace

),

orders as (

    select
        *,
        lower(marketplace) as sold_on,
        {{ local_date('ordered_at') }} as ordered_on,
        {{ local_date('promised_ship_at') }} as promised_ship_on,
        {{ local_date('promised_delivery_at') }} as promised_delivery_on
    from {{ ref('fct_orders') }}
    where
        marketplace <> 'unknown'
        and ordered_at >= {{ dbt.dateadd('month', -15, as_of()) }}

),

order_counts as (

    select
        due.marketplace,
        due.review_month,
        due.short_window_months,
        count(*) as cases
    from (
        select distinct
            marketplace,
            review_month,
            short_window_months
        from reviews_due
        where short_window_months is not null
    ) as due
    inner join orders
        on
            lower(due.marketplace) = orders.sold_on
            and orders.ordered_on >= {{ months_later('due.review_month', '-due.short_window_months') }}
            and due.review_month > orders.ordered_on
    group by
        due.marketplace,
        due.review_month,
        due.short_window_months

),

windows as (

    select
        due.*,
        case
            when order_counts.cases >= due.short_window_cases then due.short_window_months
            else due.window_months
        end as months
    from reviews_due as due
    left join order_counts
        on
            due.marketplace = order_counts.marketplace
            and due.review_month = order_counts.review_month
            and due.short_window_months = order_counts.short_window_months

),

standards as (

    select
        *,
        case
            when window_days is not null then {{ add_days(today, '1 - window_days - coalesce(window_lag_days, 0)') }}
            else {{ months_later('review_month', '-months') }}
        end as window_from,
        case
            when window_days is not null then {{ add_days(today, '-coalesce(window_lag_days, 0)') }}
            else least({{ add_days('review_month', -1) }}, {{ today }})
        end as window_to,
        case when review_day is not null then {{ add_days('review_month', 'review_day - 1') }} end as review_on
    from windows

),

parcels as (

    select
        order_id,
        {{ local_date('min(shipped_at)') }} as shipped_on,
        -- With one parcel that was not tracked the order was not; with one of which nobody knows it is unknown.
        case
            when max(case when is_tracked then 0 else 1 end) = 0 then true
            when max(case when not is_tracked then 1 else 0 end) = 1 then false
        end as is_tracked
    from {{ ref('fct_shipments') }}
    where marketplace <> 'unknown'
    group by order_id

),

shipped as (

    select
        orders.*,
        parcels.shipped_on,
        parcels.is_tracked
    from orders
    left join parcels on orders.order_id = parcels.order_id

),

cases as (

    {% for case in marketplace_cases() -%}
    select
        '{{ case.measure }}' as measure,
        {{ case.marketplace or 'sold_on' }} as sold_on,
        {{ case.day }} as case_on,
        cast({{ case.is_fault }} as boolean) as is_bad,
        cast({{ case.value or 'null' }} as double) as case_value,
        cast({{ case.currency or 'null' }} as {{ dbt.type_string() }}) as currency
    from {{ case.relation }}
    {%- if case.where %}
    where {{ case.where }}
    {%- endif %}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

counted as (

    select
        {% for column in of_standard -%}
        standards.{{ column }},
        {% endfor -%}
        coalesce(standards.tolerated_cases, 0) as tolerated_cases,
        count(cases.is_bad) as cases,
        coalesce(sum(case when cases.is_bad then 1 else 0 end), 0) as bad_cases,
        count(cases.measure) - count(cases.is_bad) as unknown_cases,
        cast(sum(cast(cases.case_value as decimal(18, 4))) as double) as total,
        min(case when cases.is_bad then cases.case_on end) as oldest_fault_on
    from standards
    left join cases
        on
            standards.measure = cases.measure
            and lower(standards.marketplace) = cases.sold_on
            and standards.window_from <= cases.case_on
            and standards.window_to >= cases.case_on
            and (standards.currency is null or standards.currency = cases.currency)
    group by
        {% for column in of_standard -%}
        standards.{{ column }},
        {% endfor -%}
        coalesce(standards.tolerated_cases, 0)

),

limited as (

    select
        *,
        measure in ('orders', 'sales') as is_sum,
        {% for all_cases, name in [('cases', 'faults_allowed'), ('(cases + unknown_cases)', 'faults_allowed_of_all')] -%}
        greatest(
            case
                when comparison = '>=' then floor({{ all_cases }} * (1 - limit_value))
                when comparison = '>' then ceil({{ all_cases }} * (1 - limit_value)) - 1
                when comparison = '<=' then floor({{ all_cases }} * limit_value)
                when comparison = '<' then ceil({{ all_cases }} * limit_value) - 1
            end,
            tolerated_cases
        ) as {{ name }},
        {% endfor -%}
        case
            when measure = 'average_rating' then total / nullif(cases, 0)
            when measure in ('orders', 'sales') then coalesce(total, 0)
            when comparison in ('>=', '>') then 1 - cast(bad_cases as double) / nullif(cases, 0)
            else cast(bad_cases as double) / nullif(cases, 0)
        end as actual
    from counted
    -- A limit in a currency is that of the shops that sell in it.
    where
        currency is null
        or cases + unknown_cases > 0

),

judged as (

    select
        *,
        case
            when limit_value is null then 'part'
            when is_sum and unknown_cases > 0 and actual < limit_value then 'pending'
            when is_sum then case when actual >= limit_value then 'met' else 'missed' end
            when cases + unknown_cases = 0 then 'no_cases'
            when cases = 0 then 'not_available'
            when measure = 'average_rating' then case when total >= limit_value * cases then 'met' else 'missed' end
            when bad_cases <= faults_allowed and bad_cases + unknown_cases <= faults_allowed_of_all then 'met'
            when bad_cases > faults_allowed and bad_cases > faults_allowed_of_all then 'missed'
            else 'pending'
        end as status,
        coalesce(limit_value is null and cases = 0 and unknown_cases > 0, false) as is_part_unknown
    from limited

)

select
    marketplace,
    program,
    level,
    measure,
    cast(window_from as date) as window_from,
    cast(window_to as date) as window_to,
    cast(review_on as date) as review_on,
    cast(cases as bigint) as cases,
    cast(bad_cases as bigint) as faults,
    cast(unknown_cases as bigint) as unknown_cases,
    case when cases > 0 or is_sum then actual end as actual,
    comparison,
    cast(limit_value as double) as limit_value,
    currency,
    case when is_part_unknown then 'not_available' else status end as status,
    cast(
        case
            when is_sum or limit_value is null or cases = 0 then null
            -- Of one star each.
            when measure = 'average_rating' then floor((total - limit_value * cases) / (limit_value - 1))
            else faults_allowed - bad_cases
        end as bigint
    ) as headroom_faults,
    cast(
        case
            when window_days is not null then {{ add_days('oldest_fault_on', 'window_days + coalesce(window_lag_days, 0)') }}
            else {{ add_days(months_later(month_of('oldest_fault_on'), 'months + 1'), 'review_day - 1') }}
        end as date
    ) as oldest_fault_expires_on,
    case
        when unknown_cases > 0
            then case measure
                {% for case in marketplace_cases() if case.needs -%}
                when '{{ case.measure }}' then '{{ case.needs }}'
                {% endfor -%}
            end
    end as missing_export,
    is_provisional,
    source
from judged
