{%- if var('segment_source') not in ['listed', 'behaviour'] -%}
  {{ exceptions.raise_compiler_error("segment_source: '" ~ var('segment_source') ~ "' is neither listed nor behaviour") }}
{%- endif -%}
{{ maintained(
    unique_key=['customer_key'],
    invalidated_by={
        'int_customer_keys': 'customer_key',
        'int_record_customers': 'customer_key',
        'stg_customers': customers_of('customers', 'customer_id'),
        'stg_orders': customers_of('orders', 'order_id'),
        'segments': 'customer_key',
        'int_loads': 'select customer_key from ' ~ ref('int_record_customers') ~ " where record_kind = 'customers' and record_id in ("
        ~ records_of_loads('customer_id', ref('stg_customers'), 'customers') ~ ')',
    }
) }}
-- One row for each real person, and one for all whom no identifier names.
with persons as (

    select
        customer_key,
        count(*) as identifiers
    from {{ ref('int_customer_keys') }}
    where {{ is_invalidated('customer_key') }}
    group by customer_key

),

loads as (

    {{ file_columns('customers', ['referred_by']) }}

),

-- A person with several customer records is described by the newest.
described as (

    select
        records.customer_key,
        customers.segment,
        customers.country,
        customers.language,
        customers.preferred_channel,
        customers.marketing_opt_in,
        -- A list without a column for it does not say that nobody sent them.
        case
            when max(customers.referred_by) over (partition by records.customer_key) is not null then true
            when max(case when loads.file_has_referred_by then 1 end) over (partition by records.customer_key) = 1 then false
        end as was_referred,
        min(customers.created_at) over (partition by records.customer_key) as joined_at,
        row_number() over (
            partition by records.customer_key
            order by customers.updated_at desc nulls last, customers._batch desc, customers._row desc
        ) as newest
    from {{ ref('stg_customers') }} as customers
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'customers'
            and customers.customer_id = records.record_id
    left join loads
        on
            {{ is_load_of('customers') }}
    where {{ is_invalidated('records.customer_key') }}

),

-- Where the customer list does not say it, the newest order does.
ordered as (

    select
        records.customer_key,
        orders.country,
        row_number() over (
            partition by records.customer_key
            order by orders.ordered_at desc, orders.order_id desc
        ) as newest
    from {{ ref('stg_orders') }} as orders
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'orders'
            and orders.order_id = records.record_id
    where {{ is_invalidated('records.customer_key') }}

),

joined as (

    select
        persons.customer_key,
        {% if var('segment_source') == 'behaviour' -%}
        coalesce(segments.behaviour, 'unknown') as segment,
        {% else -%}
        coalesce(described.segment, 'unknown') as segment,
        {% endif -%}
        coalesce(described.country, ordered.country, 'unknown') as country,
        coalesce(described.language, 'unknown') as language,
        coalesce(described.preferred_channel, 'unknown') as preferred_channel,
        described.marketing_opt_in,
        described.was_referred,
        described.joined_at,
        persons.identifiers
    from persons
    left join described
        on
            persons.customer_key = described.customer_key
            and described.newest = 1
    left join ordered
        on
            persons.customer_key = ordered.customer_key
            and ordered.newest = 1
    {% if var('segment_source') == 'behaviour' -%}
    left join {{ ref('segments') }} as segments on persons.customer_key = segments.customer_key
    {%- endif %}

)

select *
from joined
union all
select
    'unknown' as customer_key,
    'unknown' as segment,
    'unknown' as country,
    'unknown' as language,
    'unknown' as preferred_channel,
    cast(null as boolean) as marketing_opt_in,
    cast(null as boolean) as was_referred,
    cast(null as timestamp) as joined_at,
    0 as identifiers
