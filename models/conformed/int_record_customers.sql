{{ maintained(
    unit=['record_kind', 'record_id'],
    touched_by={
        'int_customer_identifiers': 'record_kind, record_id',
        'int_customer_keys': 'select record_kind, record_id from ' ~ ref('int_customer_identifiers')
        ~ ' where identifier in (select identifier from {changes})',
    }
) }}
-- The identifiers of one record lead to one person, unless shared ones keep them apart: then the strongest decides.
with ranked as (

    select
        identifiers.record_kind,
        identifiers.record_id,
        keys.customer_key,
        row_number() over (
            partition by identifiers.record_kind, identifiers.record_id
            order by
                case
                    when identifiers.identifier like 'id:%' then 1
                    when identifiers.identifier like 'email:%' then 2
                    else 3
                end,
                identifiers.identifier
        ) as strength
    from {{ ref('int_customer_identifiers') }} as identifiers
    inner join {{ ref('int_customer_keys') }} as keys
        on identifiers.identifier = keys.identifier
    where {{ is_touched('identifiers.record_kind', 'identifiers.record_id') }}

)

select
    record_kind,
    record_id,
    customer_key
from ranked
where strength = 1
