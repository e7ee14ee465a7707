-- Orders of the `defect_window_days` that end with each day, and how many of them are defective by now.
{%- set dimensions = ['channel', 'marketplace', 'brand', 'country'] %}

with orders as (

    select
        {{ dimensions | join(', ') }},
        {{ local_date('ordered_at') }} as ordered_on,
        case when is_defective then 1 else 0 end as defect,
        case when is_defective is null then 1 else 0 end as unknown_defect
    from {{ ref('fct_orders') }}

),

flows as (

    select
        {{ dimensions | join(', ') }},
        ordered_on as date_day,
        1 - unknown_defect as orders_change,
        defect as defects_change,
        unknown_defect as unknown_change
    from orders
    union all
    select
        {{ dimensions | join(', ') }},
        {{ add_days('ordered_on', var('defect_window_days')) }} as date_day,
        unknown_defect - 1 as orders_change,
        -defect as defects_change,
        -unknown_defect as unknown_change
    from orders

),

daily as (

    select
        {{ dimensions | join(', ') }},
        date_day,
        sum(orders_change) as orders_change,
        sum(defects_change) as defects_change,
        sum(unknown_change) as unknown_change
    from flows
    where date_day <= {{ as_of_day() }}
    group by
        {{ dimensions | join(', ') }},
        date_day

),

combinations as (

    select
        {{ dimensions | join(', ') }},
        min(date_day) as first_day
    from daily
    group by {{ dimensions | join(', ') }}

),

dense as (

    select
        {% for dimension in dimensions -%}
        combinations.{{ dimension }},
        {% endfor -%}
        dates.date_day,
        coalesce(daily.orders_change, 0) as orders_change,
        coalesce(daily.defects_change, 0) as defects_change,
        coalesce(daily.unknown_change, 0) as unknown_change
    from combinations
    inner join {{ ref('dim_dates') }} as dates
        on
            combinations.first_day <= dates.date_day
            and dates.date_day <= {{ as_of_day() }}
    left join daily
        on
            {% for dimension in dimensions -%}
            combinations.{{ dimension }} = daily.{{ dimension }}
            and {% endfor -%}
            dates.date_day = daily.date_day

),

counted as (

    select
        {{ dimensions | join(', ') }},
        date_day,
        sum(orders_change) over (
            partition by {{ dimensions | join(', ') }}
            order by date_day
            rows unbounded preceding
        ) as orders_in_window,
        sum(defects_change) over (
            partition by {{ dimensions | join(', ') }}
            order by date_day
            rows unbounded preceding
        ) as defects_in_window,
        sum(unknown_change) over (
            partition by {{ dimensions | join(', ') }}
            order by date_day
            rows unbounded preceding
        ) as unknown_in_window
    from dense

)

select
    date_day,
    {{ dimensions | join(',\n    ') }},
    cast(orders_in_window as bigint) as orders_in_window,
    cast(defects_in_window as bigint) as defects_in_window,
    cast(unknown_in_window as bigint) as unknown_in_window
from counted
