{%- set identifiers = ref('int_customer_identifiers') -%}
{{ maintained(
    unique_key=['identifier'],
    invalidated_by={
        'int_customer_identifiers': [
            'identifier',
            'select own.identifier from ' ~ identifiers ~ ' as own inner join {changes} as changed '
            ~ 'on own.record_kind = changed.record_kind and own.record_id = changed.record_id',
        ],
    }
) }}
-- Both directions, so that a join on one side finds every neighbour.
with pairs as (

    select
        a.identifier,
        b.identifier as other_identifier,
        min(greatest(a._batch, b._batch)) as first_batch
    from {{ ref('int_customer_identifiers') }} as a
    inner join {{ ref('int_customer_identifiers') }} as b
        on
            a.record_kind = b.record_kind
            and a.record_id = b.record_id
            and a.identifier <> b.identifier
    where {{ is_invalidated('a.identifier') }}
    group by
        a.identifier,
        b.identifier

)

select
    *,
    count(*) over (partition by identifier) as fanout
from pairs
