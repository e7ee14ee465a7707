-- Customers at the start and the end of each period, counted on the mornings that bound it:
-- at start + new - lost = at end. Once with those on a free trial, and once without (paying).
{%- set bases = {'customers': 'counts_trials', 'paying_customers': 'not counts_trials'} %}

with spells as (

    select
        spells.customer_key,
        spells.counts_trials,
        customers.country,
        customers.segment,
        spells.starts_on,
        spells.lost_on
    from {{ ref('int_customer_spells') }} as spells
    inner join {{ ref('dim_customers') }} as customers on spells.customer_key = customers.customer_key

),

-- A spell lost on the morning that begins a period was lost in the period before it.
turns as (

    select
        customer_key,
        counts_trials,
        country,
        segment,
        starts_on as turned_on,
        1 as turn
    from spells
    union all
    select
        customer_key,
        counts_trials,
        country,
        segment,
        {{ add_days('lost_on', -1) }} as turned_on,
        -1 as turn
    from spells
    where lost_on <= {{ add_days(as_of_day(), 1) }}

),

combinations as (

    select
        country,
        segment,
        min(starts_on) as first_day
    from spells
    group by
        country,
        segment

),

{% for grain in grains() %}
-- Who comes and goes within a period is neither new nor lost: only the two mornings count.
{{ grain }}_customers as (

    select
        customer_key,
        counts_trials,
        country,
        segment,
        cast({{ dbt.date_trunc(grain, 'turned_on') }} as date) as period_start,
        sum(turn) as net_turn
    from turns
    group by
        customer_key,
        counts_trials,
        country,
        segment,
        cast({{ dbt.date_trunc(grain, 'turned_on') }} as date)

),

{{ grain }}_changes as (

    select
        {% for base, condition in bases.items() -%}
        sum(case when {{ condition }} and net_turn > 0 then 1 else 0 end) as {{ base }}_new,
        sum(case when {{ condition }} and net_turn < 0 then 1 else 0 end) as {{ base }}_lost,
        {% endfor -%}
        country,
        segment,
        period_start
    from {{ grain }}_customers
    group by
        country,
        segment,
        period_start

),

{{ grain }}_periods as (

    select distinct
        combinations.country,
        combinations.segment,
        cast({{ dbt.date_trunc(grain, 'dates.date_day') }} as date) as period_start
    from combinations
    inner join {{ ref('dim_dates') }} as dates
        on
            combinations.first_day <= dates.date_day
            and dates.date_day <= {{ as_of_day() }}

),

{{ grain }}_balance as (

    select
        '{{ grain }}' as grain,
        periods.period_start,
        periods.country,
        {% for base in bases -%}
        coalesce(changes.{{ base }}_new, 0) as {{ base }}_new,
        coalesce(changes.{{ base }}_lost, 0) as {{ base }}_lost,
        {% endfor -%}
        periods.segment
    from {{ grain }}_periods as periods
    left join {{ grain }}_changes as changes
        on
            periods.country = changes.country
            and periods.segment = changes.segment
            and periods.period_start = changes.period_start

),
{% endfor %}
balances as (

    {% for grain in grains() -%}
    select * from {{ grain }}_balance
    {{ "union all" if not loop.last }}
    {% endfor %}
),

accumulated as (

    select
        {% for base in bases -%}
        sum({{ base }}_new - {{ base }}_lost) over (
            partition by grain, country, segment
            order by period_start
            rows unbounded preceding
        ) as {{ base }}_at_end,
        {% endfor -%}
        balances.*
    from balances

)

select
    grain,
    period_start,
    country,
    segment,
    {% for base in bases -%}
    cast({{ base }}_at_end - {{ base }}_new + {{ base }}_lost as bigint) as {{ base }}_at_start,
    cast({{ base }}_new as bigint) as {{ base }}_new,
    cast({{ base }}_lost as bigint) as {{ base }}_lost,
    cast({{ base }}_at_end as bigint) as {{ base }}_at_end,
    {% endfor -%}
    cast(customers_at_end - customers_new as bigint) as customers_retained
from accumulated
