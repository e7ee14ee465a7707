{#- A record touches itself; as a leg, its call; and a call and its tickets touch each other. -#}
{%- set legs, opened = ref('int_call_legs') | string, ref('int_call_tickets') | string -%}
{%- set calls_of_legs = 'select call_id from ' ~ legs
    ~ " where leg_id in (select record_id from {records} where record_kind = 'calls')" -%}
{%- set rules = [
    'select record_kind, record_id from {records}',
    "select 'calls', call_id from (" ~ calls_of_legs ~ ') as calls',
    "select 'tickets', ticket_id from " ~ opened ~ ' where call_id in (' ~ calls_of_legs ~ ')',
    "select 'calls', call_id from " ~ opened
    ~ " where ticket_id in (select record_id from {records} where record_kind = 'tickets')",
] -%}
{%- set named = '(select record_kind, record_id from ' ~ ref('int_customer_identifiers')
    ~ ' where identifier in (select identifier from {changes})) as named' -%}
{%- set by_records, by_keys = [], [] -%}
{%- for rule in rules -%}{%- do by_records.append(rule | replace('{records}', '{changes}')) -%}{%- endfor -%}
{%- for rule in rules -%}{%- do by_keys.append(rule | replace('{records}', named)) -%}{%- endfor -%}
{{ maintained(
    unique_key=['record_kind', 'record_id'],
    invalidated_by={
        'int_customer_identifiers': by_records,
        'int_customer_keys': by_keys,
        'int_call_legs': [
            "select 'calls', call_id from {changes}",
            "select 'tickets', ticket_id from " ~ opened ~ ' where call_id in (select call_id from {changes})',
        ],
        'int_call_tickets': ["select 'calls', call_id from {changes}", "select 'tickets', ticket_id from {changes}"],
    }
) }}
-- The identifiers of one record lead to one person, unless shared ones keep them apart: then the strongest decides.
-- A call is one record, whichever of its legs names the customer. A call and the tickets opened in it are of one person: where
-- one of them names nobody, the other does.
with named as (

    select
        identifiers.record_kind,
        coalesce(legs.call_id, identifiers.record_id) as record_id,
        identifiers.identifier,
        coalesce(legs.leg, 1) as place,
        0 as is_of_other_record
    from {{ ref('int_customer_identifiers') }} as identifiers
    left join {{ ref('int_call_legs') }} as legs
        on
            identifiers.record_kind = 'calls'
            and identifiers.record_id = legs.leg_id
    where {{ is_invalidated('identifiers.record_kind', 'coalesce(legs.call_id, identifiers.record_id)') }}
    union all
    select
        'calls' as record_kind,
        opened.call_id as record_id,
        identifiers.identifier,
        1 as place,
        1 as is_of_other_record
    from {{ ref('int_call_tickets') }} as opened
    inner join {{ ref('int_customer_identifiers') }} as identifiers
        on
            identifiers.record_kind = 'tickets'
            and opened.ticket_id = identifiers.record_id
    where {{ is_invalidated("'calls'", 'opened.call_id') }}
    union all
    select
        'tickets' as record_kind,
        opened.ticket_id as record_id,
        identifiers.identifier,
        legs.leg as place,
        1 as is_of_other_record
    from {{ ref('int_call_tickets') }} as opened
    inner join {{ ref('int_call_legs') }} as legs on opened.call_id = legs.call_id
    inner join {{ ref('int_customer_identifiers') }} as identifiers
        on
            identifiers.record_kind = 'calls'
            and legs.leg_id = identifiers.record_id
    where {{ is_invalidated("'tickets'", 'opened.ticket_id') }}

),

ranked as (

    select
        named.record_kind,
        named.record_id,
        keys.customer_key,
        row_number() over (
            partition by named.record_kind, named.record_id
            order by
                named.is_of_other_record,
                named.place,
                case
                    when named.identifier like 'id:%' then 1
                    when named.identifier like 'email:%' then 2
                    else 3
                end,
                named.identifier
        ) as strength
    from named
    inner join {{ ref('int_customer_keys') }} as keys on named.identifier = keys.identifier

)

select
    record_kind,
    record_id,
    customer_key
from ranked
where strength = 1
