{%- set usage_key = customer_key(dbt.concat([
    "'usage|'", "usage.customer_id", "'|'", "coalesce(usage.user_id, '')", "'|'",
    "coalesce(usage.feature, '')", "'|'", "cast(usage.used_at as " ~ dbt.type_string() ~ ")",
])) -%}
{{ maintained(
    unique_key=['usage_key'],
    invalidated_by={
        'stg_product_usage': 'select ' ~ usage_key ~ ' from {changes} as usage',
        'int_record_customers': 'select ' ~ usage_key ~ ' from ' ~ ref('stg_product_usage')
        ~ ' as usage where customer_id in (' ~ records_of('product_usage') ~ ')',
        'dim_customers': rows_with_changed('usage_key', 'customer_key'),
    }
) }}
select
    {{ usage_key }} as usage_key,
    coalesce(records.customer_key, 'unknown') as customer_key,
    -- Several people can use what one customer has bought.
    {{ customer_key("concat('user:', usage.customer_id, '|', coalesce(usage.user_id, ''))") }} as user_key,
    usage.used_at,
    coalesce(usage.feature, 'unknown') as feature,
    cast(usage.duration_seconds as bigint) as duration_seconds,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment
from {{ ref('stg_product_usage') }} as usage
left join {{ ref('int_record_customers') }} as records
    on
        records.record_kind = 'product_usage'
        and usage.customer_id = records.record_id
left join {{ ref('dim_customers') }} as customers on records.customer_key = customers.customer_key
where {{ is_invalidated(usage_key) }}
