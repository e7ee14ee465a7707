-- Each customer's months since the first purchase, and what happened in them.
{%- set everybody = 'select customer_key from {this}' -%}
{#- Everybody lives through the latest month: when the next one begins, it is complete, and a row more is there. -#}
{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'fct_orders': 'customer_key',
        'fct_contacts': 'customer_key',
        'dim_customers': 'customer_key',
        'dim_dates': everybody ~ ' where exists (select 1 from {changes})',
    },
    invalidated_by_as_of=[
        everybody ~ ' where ' ~ day_passed(next_period("'month'", 'month_starts_on')) ~ ' or ' ~ day_passed('month_starts_on'),
    ]
) }}
with purchases as (

    select
        customer_key,
        country,
        segment,
        cast({{ dbt.date_trunc('month', local_date('ordered_at')) }} as date) as month_starts_on,
        order_value,
        margin
    from {{ ref('fct_orders') }}
    where
        is_purchase
        and customer_key <> 'unknown'
        and {{ is_invalidated('customer_key') }}

),

cohorts as (

    select
        customer_key,
        min(month_starts_on) as cohort_starts_on
    from purchases
    group by customer_key

),

bought as (

    select
        customer_key,
        month_starts_on,
        count(*) as purchases,
        {{ sum_of_known('order_value') }} as revenue,
        {{ sum_of_known('margin') }} as margin
    from purchases
    group by
        customer_key,
        month_starts_on

),

asked as (

    select
        customer_key,
        cast({{ dbt.date_trunc('month', local_date('contact_at')) }} as date) as month_starts_on,
        count(*) as contacts
    from {{ ref('fct_contacts') }}
    where
        customer_key <> 'unknown'
        and {{ is_invalidated('customer_key') }}
    group by
        customer_key,
        cast({{ dbt.date_trunc('month', local_date('contact_at')) }} as date)

),

months as (

    select distinct month_starts_on
    from {{ ref('dim_dates') }}
    where date_day <= {{ as_of_day() }}

),

life as (

    select
        cohorts.customer_key,
        cohorts.cohort_starts_on,
        months.month_starts_on,
        row_number() over (partition by cohorts.customer_key order by months.month_starts_on) - 1 as age_months,
        coalesce(bought.purchases, 0) as purchases,
        case when bought.customer_key is null then 0 else bought.revenue end as revenue,
        case when bought.customer_key is null then 0 else bought.margin end as margin,
        coalesce(asked.contacts, 0) as contacts
    from cohorts
    inner join months on cohorts.cohort_starts_on <= months.month_starts_on
    left join bought
        on
            cohorts.customer_key = bought.customer_key
            and months.month_starts_on = bought.month_starts_on
    left join asked
        on
            cohorts.customer_key = asked.customer_key
            and months.month_starts_on = asked.month_starts_on

),

accumulated as (

    select
        *,
        {{ total_of_known('revenue', 'until_then') }} as revenue_to_date,
        {{ total_of_known('margin', 'until_then') }} as margin_to_date
    from life
    window until_then as (partition by customer_key order by month_starts_on rows unbounded preceding)

)

select
    accumulated.customer_key,
    accumulated.month_starts_on,
    accumulated.cohort_starts_on,
    cast(accumulated.age_months as bigint) as age_months,
    customers.country,
    customers.segment,
    cast(accumulated.purchases as bigint) as purchases,
    cast(accumulated.revenue as double) as revenue,
    cast(accumulated.margin as double) as margin,
    cast(accumulated.contacts as bigint) as contacts,
    cast(accumulated.revenue_to_date as double) as revenue_to_date,
    cast(accumulated.margin_to_date as double) as margin_to_date,
    {{ next_period("'month'", 'accumulated.month_starts_on') }} <= {{ local_date(as_of()) }} as is_complete
from accumulated
inner join {{ ref('dim_customers') }} as customers on accumulated.customer_key = customers.customer_key
