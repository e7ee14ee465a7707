{#- Every kind that names a customer, with the columns that it names them by.

    All versions of a record speak, not only the newest: an identifier that a record once carried still leads to the person,
    and an identifier's age is that of its first arrival. -#}
{#- What stands for a record, its date, its identifiers. Of sessions and usage, which can be many, a customer is one record. -#}
{%- set kinds = {
    'tickets': ['ticket_id', 'created_at', ['customer_id', 'customer_email', 'customer_phone']],
    'calls': ['call_id', 'started_at', ['customer_id', 'customer_email', 'customer_phone']],
    'reviews': ['review_id', 'created_at', ['customer_id', 'customer_email', none]],
    'orders': ['order_id', 'ordered_at', ['customer_id', 'customer_email', 'customer_phone']],
    'surveys': ['response_id', 'responded_at', ['customer_id', 'customer_email', 'customer_phone']],
    'customers': ['customer_id', 'created_at', ['customer_id', 'email', 'phone']],
    'survey_invitations': ['invitation_id', 'sent_at', ['customer_id', 'customer_email', none]],
    'signups': ['signup_id', 'started_at', ['customer_id', 'customer_email', none]],
    'subscriptions': ['subscription_id', 'started_at', ['customer_id', none, none]],
    'web_sessions': ['customer_id', 'started_at', ['customer_id', none, none]],
    'product_usage': ['customer_id', 'used_at', ['customer_id', none, none]],
} -%}
{{ identifiers_maintained(kinds) }}
{% set phone_digits = regexp_remove('customer_phone', '[^0-9+]') -%}
{%- set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}

with named as (

    {% for kind, (record_id, created_at, (customer_id, email, phone)) in kinds.items() -%}
    select
        '{{ kind }}' as record_kind,
        {{ record_id }} as record_id,
        {{ customer_id }} as customer_id,
        {{ email or no_text }} as customer_email,
        {{ phone or no_text }} as customer_phone,
        _batch
    from {{ source('raw', kind) }}
    where
        ({{ created_at }} <= {{ as_of() }} or {{ created_at }} is null)
        and {{ is_touched("'" ~ kind ~ "'", record_id) }}
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

select
    record_kind,
    record_id,
    identifier,
    min(_batch) as _batch
from long
group by
    record_kind,
    record_id,
    identifier
