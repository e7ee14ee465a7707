{#- Every kind that names a customer, with the columns that it names them by. -#}
{%- set kinds = {
    'tickets': ['ticket_id', true, true, true],
    'calls': ['call_id', true, true, true],
    'reviews': ['review_id', true, true, false],
    'orders': ['order_id', true, true, true],
    'surveys': ['response_id', true, true, true],
    'customers': ['customer_id', true, true, true],
} -%}
{%- set phone_digits = regexp_remove('customer_phone', '[^0-9+]') -%}

with named as (

    {% for kind, (record_id, _, _, has_phone) in kinds.items() -%}
    select
        '{{ kind }}' as record_kind,
        {{ record_id }} as record_id,
        _batch,
        {% if kind == 'customers' -%}
        customer_id,
        email as customer_email,
        phone as customer_phone
        {%- else -%}
        customer_id,
        customer_email,
        {{ 'customer_phone' if has_phone else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as customer_phone
        {%- endif %}
    from {{ ref('stg_' ~ kind) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- E.164: '00…' is '+…', and a number without a calling code gets the configured one.
normalised as (

    select
        record_kind,
        record_id,
        _batch,
        customer_id,
        lower(trim(customer_email)) as email,
        case
            when {{ phone_digits }} like '+%' then {{ phone_digits }}
            when {{ phone_digits }} like '00%' then concat('+', substring({{ phone_digits }}, 3))
            when '{{ var("phone_country_code") }}' <> '' and {{ phone_digits }} like '0%'
                then concat('{{ var("phone_country_code") }}', substring({{ phone_digits }}, 2))
            else {{ phone_digits }}
        end as phone
    from named

),

long as (

    select
        record_kind,
        record_id,
        _batch,
        concat('id:', customer_id) as identifier
    from normalised
    where customer_id is not null
    union all
    select
        record_kind,
        record_id,
        _batch,
        concat('email:', email) as identifier
    from normalised
    where email <> ''
    union all
    select
        record_kind,
        record_id,
        _batch,
        concat('phone:', phone) as identifier
    from normalised
    where length(phone) >= 5

)

select distinct
    record_kind,
    record_id,
    _batch,
    identifier
from long
