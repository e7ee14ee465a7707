{#- Every kind that names a customer, with the columns that it names them by.

    Only the newest version of a record says whom it names: what was corrected, deleted, or left out of a later snapshot joins
    nobody. An identifier that it still names is as old as the first version that named it, so that a correction of
    something else leaves the person's key. -#}
{#- What stands for a record, and its identifiers. Of sessions and usage, which can be many, a customer is one record. -#}
{%- set kinds = {
    'tickets': ['ticket_id', ['customer_id', 'customer_email', 'customer_phone']],
    'calls': ['call_id', ['customer_id', 'customer_email', 'customer_phone']],
    'reviews': ['review_id', ['customer_id', 'customer_email', none]],
    'orders': ['order_id', ['customer_id', 'customer_email', 'customer_phone']],
    'surveys': ['response_id', ['customer_id', 'customer_email', 'customer_phone']],
    'customers': ['customer_id', ['customer_id', 'email', 'phone']],
    'survey_invitations': ['invitation_id', ['customer_id', 'customer_email', none]],
    'signups': ['signup_id', ['customer_id', 'customer_email', none]],
    'subscriptions': ['subscription_id', ['customer_id', none, none]],
    'web_sessions': ['customer_id', ['customer_id', none, none]],
    'product_usage': ['customer_id', ['customer_id', none, none]],
    'transcripts': ['transcript_id', ['customer_id', none, none]],
} -%}
{{ identifiers_maintained(kinds) }}
{% set phone_digits = regexp_remove('customer_phone', '[^0-9+]') -%}
{%- set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}

with named as (

    {% for kind, (record_id, (customer_id, email, phone)) in kinds.items() -%}
    {% for rows, is_newest in [(ref('stg_' ~ kind), 1), (source('raw', kind), 0)] -%}
    select
        '{{ kind }}' as record_kind,
        {{ record_id }} as record_id,
        {{ customer_id }} as customer_id,
        {{ email or no_text }} as customer_email,
        {{ phone or no_text }} as customer_phone,
        _batch,
        {{ is_newest }} as is_newest
    from {{ rows }}
    where {{ is_invalidated("'" ~ kind ~ "'", record_id) }}
    {{ "union all" if not loop.last }}
    {% endfor -%}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- E.164: '00…' is '+…', and a number without a calling code gets the configured one.
normalised as (

    select
        record_kind,
        record_id,
        _batch,
        is_newest,
        customer_id,
        lower(trim(customer_email)) as email,
        case
            when {{ is_rounded('customer_phone') }} then null
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
        is_newest,
        concat('id:', customer_id) as identifier
    from normalised
    where
        customer_id is not null
        and not {{ is_rounded('customer_id') }}
    union all
    select
        record_kind,
        record_id,
        _batch,
        is_newest,
        concat('email:', email) as identifier
    from normalised
    where email <> ''
    union all
    select
        record_kind,
        record_id,
        _batch,
        is_newest,
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
having max(is_newest) = 1
