-- Counts that must agree, each taken in two places.
{#- touchpoints that a fact makes, and the staging whose rows it keeps (a parcel can be recorded by its order, too). -#}
{%- set facts = {
    'fct_tickets': [['support_ticket'], 'stg_tickets'],
    'fct_calls': [['support_call'], 'int_calls'],
    'fct_orders': [['place_order', 'order_again'], 'stg_orders'],
    'fct_reviews': [['leave_review'], 'stg_reviews'],
    'fct_survey_responses': [['answer_survey'], 'stg_surveys'],
    'fct_web_sessions': [['browse_site', 'view_pricing'], 'stg_web_sessions'],
    'fct_signups': [['create_account'], 'stg_signups'],
    'fct_product_usage': [['use_product'], 'stg_product_usage'],
    'fct_survey_invitations': [[], 'stg_survey_invitations'],
    'fct_subscriptions': [[], 'stg_subscriptions'],
    'fct_shipments': [['receive_parcel'], none],
} %}
with
{%- for kind, declared in export_kinds().items() %}

{{ kind }}_records as (

    with {{ standing_rows(kind) }},

    versions as (

        select
            {{ "is_deleted," if declared.has_deletions }}
            {{ "coalesce(updated_at, " ~ declared.event_at ~ ") as changed_at," if declared.has_updates }}
            _batch,
            _row,
            {{ record_key(kind) }} as record
        from standing
        {%- if declared.event_at %}
        where {{ declared.event_at }} <= {{ as_of() }} or {{ declared.event_at }} is null
        {%- endif %}

    ),
    {%- if not declared.has_deletions %}

    present as (

        select count(*) as records
        from (select distinct record from versions) as once

    )
    {%- else %}

    -- Which version is the newest matters where one of them is a deletion only: to rank sorts all rows.
    found as (

        select
            record,
            max(case when is_deleted then 1 else 0 end) as deletions
        from versions
        group by record

    ),

    ranked as (

        select
            versions.is_deleted,
            row_number() over (
                partition by versions.record
                order by
                    {%- if declared.has_updates %}
                    case when versions.changed_at <= {{ as_of() }} then 0 else 1 end,
                    versions.changed_at desc nulls last,
                    {%- endif %}
                    versions._batch desc,
                    versions._row desc
            ) as version_number
        from versions
        inner join found
            on
                versions.record = found.record
                and found.deletions > 0

    ),

    present as (

        select count(*) as records
        from found
        where deletions = 0
        union all
        select count(*) as records
        from ranked
        where
            version_number = 1
            and not coalesce(is_deleted, false)

    )
    {%- endif %}

    select sum(records) as records
    from present

),
{%- endfor %}

counts as (

    {% for kind in export_kinds() -%}
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
    -- Raw rows are current, superseded by a newer version of their record, taken back, or of after `as_of`.
    select
        '{{ kind }}: records in raw = rows in staging' as reconciliation,
        (select found.records from {{ kind }}_records as found) as expected,
        (select count(*) from {{ ref('stg_' ~ kind) }}) as found
    union all
    {% endfor %}
    {%- for fact, (touchpoints, staging) in facts.items() -%}
    {%- if staging %}
    select
        '{{ fact }} = {{ staging }}' as reconciliation,
        (select count(*) from {{ ref(staging) }}) as expected,
        (select count(*) from {{ ref(fact) }}) as found
    union all
    {%- endif %}
    {%- if touchpoints %}
    select
        'touchpoints {{ touchpoints | join(', ') }} = {{ fact }}' as reconciliation,
        (select count(*) from {{ ref(fact) }}) as expected,
        (
            select count(*)
            from {{ ref('fct_touchpoints') }}
            where '{{ touchpoints | join(" ") }}' like concat('%', touchpoint, '%')
        ) as found
    union all
    {%- endif %}
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
