{{ maintained(
    unique_key=['visitor_id'],
    invalidated_by={
        'stg_web_sessions': 'visitor_id',
        'stg_signups': 'visitor_id',
        'int_record_customers': [
            'select visitor_id from ' ~ ref('stg_web_sessions') ~ ' where customer_id in (' ~ records_of('web_sessions') ~ ')',
            'select visitor_id from ' ~ ref('stg_signups') ~ ' where signup_id in (' ~ records_of('signups') ~ ')',
        ],
    }
) }}
-- A visitor is a customer from the first time that one logs in; one who was several customers (a shared computer) is none.
with named as (

    select
        sessions.visitor_id,
        records.customer_key
    from {{ ref('stg_web_sessions') }} as sessions
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'web_sessions'
            and sessions.customer_id = records.record_id
    where
        sessions.visitor_id is not null
        and {{ is_invalidated('sessions.visitor_id') }}
    union all
    select
        signups.visitor_id,
        records.customer_key
    from {{ ref('stg_signups') }} as signups
    inner join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'signups'
            and signups.signup_id = records.record_id
    where
        signups.visitor_id is not null
        and {{ is_invalidated('signups.visitor_id') }}

)

select
    visitor_id,
    max(customer_key) as customer_key
from named
group by visitor_id
having count(distinct customer_key) = 1
