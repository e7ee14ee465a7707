{%- set signups = ref('stg_signups') -%}
{{ maintained(
    unique_key=['signup_id'],
    invalidated_by={
        'stg_signups': 'signup_id',
        'int_visitors': 'select signup_id from ' ~ signups ~ ' where visitor_id in (select visitor_id from {changes})',
        'int_record_customers': records_of('signups'),
        'dim_customers': rows_with_changed('signup_id', 'customer_key'),
        'int_loads': records_of_loads('signup_id', signups, 'signups'),
    },
    invalidated_by_as_of=['select signup_id from ' ~ signups ~ ' where ' ~ passed('completed_at')]
) }}
with signups as (

    select
        signups.*,
        coalesce(records.customer_key, visitors.customer_key, 'unknown') as customer_key
    from {{ ref('stg_signups') }} as signups
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'signups'
            and signups.signup_id = records.record_id
    left join {{ ref('int_visitors') }} as visitors on signups.visitor_id = visitors.visitor_id
    where {{ is_invalidated('signups.signup_id') }}

),

loads as (

    {{ file_columns('signups', ['completed_at']) }}

)

select
    signups.signup_id,
    signups.customer_key,
    {{ visitor_key('signups.visitor_id') }} as visitor_key,
    signups.started_at,
    {{ known('signups.completed_at') }} as completed_at,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    -- A file that has no column for completed signups leaves them unknown, not broken off.
    case when loads.file_has_completed_at then coalesce(signups.completed_at <= {{ as_of() }}, false) end as is_completed,
    signups.extra
from signups
left join {{ ref('dim_customers') }} as customers on signups.customer_key = customers.customer_key
left join loads
    on
        {{ is_load_of('signups') }}
