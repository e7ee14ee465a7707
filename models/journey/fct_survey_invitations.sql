{%- set invitations = ref('stg_survey_invitations') -%}
{{ maintained(
    unique_key=['invitation_id'],
    invalidated_by={
        'stg_survey_invitations': 'invitation_id',
        'int_record_customers': records_of('survey_invitations'),
        'dim_customers': rows_with_changed('invitation_id', 'customer_key'),
        'int_loads': records_of_loads('invitation_id', invitations, 'survey_invitations'),
    },
    invalidated_by_as_of=[
        'select invitation_id from {this} where response_id in (select response_id from ' ~ source('raw', 'surveys')
        ~ ' where ' ~ passed('responded_at') ~ ')',
    ]
) }}
with invitations as (

    select
        invitations.*,
        coalesce(records.customer_key, 'unknown') as customer_key
    from {{ ref('stg_survey_invitations') }} as invitations
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'survey_invitations'
            and invitations.invitation_id = records.record_id
    where {{ is_invalidated('invitations.invitation_id') }}

),

-- Answers that are still to come at `as_of`; staging knows nothing of them.
later as (

    select response_id
    from {{ source('raw', 'surveys') }}
    group by response_id
    having min(responded_at) > {{ as_of() }}

),

-- A file that has no column for answers leaves them unknown, not missing.
loads as (

    {{ file_columns('survey_invitations', ['response_id']) }}

)

select
    invitations.invitation_id,
    invitations.customer_key,
    invitations.sent_at,
    invitations.kind,
    coalesce(invitations.survey_id, 'unknown') as survey_id,
    coalesce(invitations.channel, 'unknown') as channel,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    invitations.response_id,
    case
        when invitations.response_id is not null or loads.file_has_response_id
            then invitations.response_id is not null and later.response_id is null
    end as is_answered,
    invitations.extra
from invitations
left join {{ ref('dim_customers') }} as customers on invitations.customer_key = customers.customer_key
left join later on invitations.response_id = later.response_id
left join loads
    on
        {{ is_load_of('invitations') }}
