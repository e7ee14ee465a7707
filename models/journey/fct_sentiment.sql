-- What customers say, text by text, without the text. A call whose transcript came apart from it is said once; the text of a
-- ticket that is no contact (spam, merged, deleted) is nobody's.
with scored as (

    select *
    from {{ source('raw', 'text_sentiment') }}

),

transcripts as (

    select
        transcripts.transcript_id,
        transcripts.created_at,
        transcripts.ticket_id,
        coalesce(legs.call_id, transcripts.call_id) as call_id,
        customers.customer_key
    from {{ ref('stg_transcripts') }} as transcripts
    left join {{ ref('int_call_legs') }} as legs on transcripts.call_id = legs.leg_id
    left join {{ ref('int_record_customers') }} as customers
        on
            customers.record_kind = 'transcripts'
            and transcripts.transcript_id = customers.record_id

),

spoken as (

    select
        'call' as record_kind,
        legs.leg_id as record_id,
        calls.started_at as said_at,
        legs.call_id,
        cast(null as {{ dbt.type_string() }}) as customer_key
    from {{ ref('int_call_legs') }} as legs
    inner join {{ ref('fct_calls') }} as calls on legs.call_id = calls.call_id
    where
        legs.call_id not in (
            select transcripts.call_id
            from transcripts
            where transcripts.call_id is not null
        )
    union all
    select
        'transcript' as record_kind,
        transcript_id as record_id,
        created_at as said_at,
        call_id,
        customer_key
    from transcripts
    where
        ticket_id is null
        or call_id is not null

),

-- What was written with a ticket: its text, the comment of its rating, the transcript of its chat.
written as (

    select
        'ticket' as record_kind,
        ticket_id as record_id,
        created_at as said_at,
        ticket_id,
        cast(null as {{ dbt.type_string() }}) as customer_key
    from {{ ref('fct_tickets') }}
    union all
    select
        'ticket comment' as record_kind,
        ticket_id as record_id,
        coalesce(rated_at, solved_at, created_at) as said_at,
        ticket_id,
        cast(null as {{ dbt.type_string() }}) as customer_key
    from {{ ref('fct_tickets') }}
    union all
    select
        'transcript' as record_kind,
        transcript_id as record_id,
        created_at as said_at,
        ticket_id,
        customer_key
    from transcripts
    where
        ticket_id is not null
        and call_id is null

),

said as (

    select
        spoken.record_kind,
        spoken.record_id,
        spoken.said_at,
        cast(null as {{ dbt.type_string() }}) as ticket_id,
        spoken.call_id,
        coalesce(nullif(calls.customer_key, 'unknown'), spoken.customer_key, 'unknown') as customer_key,
        coalesce(calls.channel, 'unknown') as channel,
        coalesce(calls.team, 'unknown') as team,
        coalesce(calls.agent_id, 'unknown') as agent_id,
        coalesce(calls.topic, 'unknown') as topic,
        coalesce(calls.country, 'unknown') as country,
        coalesce(calls.segment, 'unknown') as segment
    from spoken
    left join {{ ref('fct_calls') }} as calls on spoken.call_id = calls.call_id
    union all
    select
        written.record_kind,
        written.record_id,
        written.said_at,
        tickets.ticket_id,
        cast(null as {{ dbt.type_string() }}) as call_id,
        coalesce(nullif(tickets.customer_key, 'unknown'), written.customer_key, 'unknown') as customer_key,
        tickets.channel,
        tickets.team,
        tickets.agent_id,
        tickets.topic,
        tickets.country,
        tickets.segment
    from written
    inner join {{ ref('fct_tickets') }} as tickets on written.ticket_id = tickets.ticket_id
    where tickets.is_contact
    union all
    select
        'review' as record_kind,
        review_id as record_id,
        created_at as said_at,
        cast(null as {{ dbt.type_string() }}) as ticket_id,
        cast(null as {{ dbt.type_string() }}) as call_id,
        customer_key,
        channel,
        'unknown' as team,
        'unknown' as agent_id,
        'unknown' as topic,
        country,
        segment
    from {{ ref('fct_reviews') }}
    union all
    select
        'survey' as record_kind,
        response_id as record_id,
        responded_at as said_at,
        ticket_id,
        call_id,
        customer_key,
        channel,
        team,
        agent_id,
        topic,
        country,
        segment
    from {{ ref('fct_survey_responses') }}

)

select
    scored.record_kind,
    scored.record_id,
    said.said_at,
    said.ticket_id,
    said.call_id,
    said.customer_key,
    said.channel,
    said.team,
    said.agent_id,
    said.topic,
    said.country,
    said.segment,
    scored.language,
    scored.language_from,
    scored.sentences,
    scored.polarity,
    scored.worst_sentence,
    scored.p_negative,
    scored.is_negative,
    scored.model,
    scored.version,
    {{ dbt.concat(['scored.model', "' '", 'scored.version']) }} as scored_by
from scored
inner join said
    on
        scored.record_kind = said.record_kind
        and scored.record_id = said.record_id
