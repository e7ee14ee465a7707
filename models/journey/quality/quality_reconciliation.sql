-- Counts that must agree, each taken in two places.
{%- set staged = {
    'tickets': 'created_at',
    'ticket_events': 'event_at',
    'calls': 'started_at',
    'reviews': 'created_at',
    'orders': 'ordered_at',
    'order_items': none,
    'surveys': 'responded_at',
    'customers': 'created_at',
    'agents': none,
} -%}
{%- set facts = {
    'support_ticket': ['stg_tickets', 'fct_tickets'],
    'support_call': ['stg_calls', 'fct_calls'],
    'place_order': ['stg_orders', 'fct_orders'],
    'leave_review': ['stg_reviews', 'fct_reviews'],
    'answer_survey': ['stg_surveys', 'fct_survey_responses'],
} %}
with counts as (

    {% for kind, created_at in staged.items() -%}
    select
        '{{ kind }}: rows that the ledger says were loaded = rows in raw' as reconciliation,
        (
            select coalesce(sum(ledger.rows_loaded), 0)
            from {{ source('raw', 'load_ledger') }} as ledger
            where
                ledger.kind = '{{ kind }}'
                and ledger.status = 'loaded'
        ) as expected,
        (select count(*) from {{ source('raw', kind) }}) as found
    union all
    -- Raw rows are current, superseded by a newer version of their record, or of after `as_of`.
    select
        '{{ kind }}: records in raw = rows in staging' as reconciliation,
        (
            select count(distinct {{ record_key(kind) }})
            from {{ source('raw', kind) }}
            {% if created_at -%}
            where {{ created_at }} <= {{ as_of() }} or {{ created_at }} is null
            {%- endif %}
        ) as expected,
        (select count(*) from {{ ref('stg_' ~ kind) }}) as found
    union all
    {% endfor %}
    {%- for touchpoint, (staging, fact) in facts.items() -%}
    select
        '{{ fact }} = {{ staging }}' as reconciliation,
        (select count(*) from {{ ref(staging) }}) as expected,
        (select count(*) from {{ ref(fact) }}) as found
    union all
    select
        'touchpoints {{ touchpoint }} = {{ fact }}' as reconciliation,
        (select count(*) from {{ ref(fact) }}) as expected,
        (
            select count(*)
            from {{ ref('fct_touchpoints') }}
            where touchpoint = '{{ touchpoint }}'
        ) as found
    union all
    {% endfor %}
    select
        'tickets open at the end of the last day: opening + created + reopened - solved = closing' as reconciliation,
        (select coalesce(sum(created + reopened - solved), 0) from {{ ref('fct_backlog_days') }}) as expected,
        (
            select coalesce(sum(closing), 0)
            from {{ ref('fct_backlog_days') }}
            where date_day = (select max(date_day) from {{ ref('fct_backlog_days') }})
        ) as found

)

select
    reconciliation,
    cast(expected as bigint) as expected,
    cast(found as bigint) as found,
    cast(found - expected as bigint) as difference
from counts
