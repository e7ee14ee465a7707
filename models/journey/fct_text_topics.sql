-- What customers' texts are about, a row for each text and topic, without the text. A text of no known topic has one row, too.
with said as (

    select
        topics.record_kind,
        topics.record_id,
        topics.topic_id,
        topics.share_of_words,
        said.said_at,
        said.ticket_id,
        said.call_id,
        said.customer_key,
        said.channel,
        said.country,
        said.segment,
        said.language,
        said.polarity,
        said.is_negative
    from {{ source('raw', 'text_topics') }} as topics
    inner join {{ ref('fct_sentiment') }} as said
        on
            topics.record_kind = said.record_kind
            and topics.record_id = said.record_id

),

-- The product of an order with one only.
bought as (

    select
        order_id,
        min(product_id) as product_id
    from {{ ref('fct_order_items') }}
    where product_id is not null
    group by order_id
    having min(product_id) = max(product_id)

),

cases as (

    select
        'ticket' as case_kind,
        ticket_id as case_id,
        order_id,
        cast(null as {{ dbt.type_string() }}) as product_id
    from {{ ref('fct_tickets') }}
    union all
    select
        'call' as case_kind,
        call_id as case_id,
        order_id,
        cast(null as {{ dbt.type_string() }}) as product_id
    from {{ ref('fct_calls') }}
    union all
    select
        'review' as case_kind,
        review_id as case_id,
        order_id,
        product_id
    from {{ ref('fct_reviews') }}

),

products as (

    select
        cases.case_kind,
        cases.case_id,
        coalesce(cases.product_id, bought.product_id) as product_id
    from cases
    left join bought on cases.order_id = bought.order_id

),

-- The newest answer about each case; of a survey, about the case that it names.
answers as (

    select
        case when answers.category = 'ticket' or surveys.ticket_id is not null then 'ticket' else 'call' end as case_kind,
        case
            when answers.category = 'survey' then coalesce(surveys.ticket_id, surveys.call_id)
            else answers.source_id
        end as case_id,
        answers.is_satisfied,
        answers.rated_at,
        answers.source_id
    from {{ ref('fct_csat_answers') }} as answers
    left join {{ ref('fct_survey_responses') }} as surveys
        on
            answers.category = 'survey'
            and answers.source_id = surveys.response_id

),

newest_answers as (

    select
        case_kind,
        case_id,
        is_satisfied,
        row_number() over (
            partition by case_kind, case_id
            order by rated_at desc, source_id desc
        ) as place
    from answers
    where case_id is not null

),

-- What the customer met last before the text that was no contact, review or survey itself.
met as (

    select
        said.record_kind,
        said.record_id,
        touchpoints.stage,
        row_number() over (
            partition by said.record_kind, said.record_id
            order by touchpoints.occurred_at desc, touchpoints.touchpoint_id desc
        ) as place
    from (
        select distinct
            record_kind,
            record_id,
            customer_key,
            said_at
        from said
        where customer_key <> 'unknown'
    ) as said
    inner join {{ ref('fct_touchpoints') }} as touchpoints
        on
            said.customer_key = touchpoints.customer_key
            and said.said_at >= touchpoints.occurred_at
            and touchpoints.occurred_at > {{ dbt.dateadd('day', -var('journey_window_days'), 'said.said_at') }}
    where touchpoints.source_system not in ('tickets', 'calls', 'reviews', 'surveys')

)

select
    said.record_kind,
    said.record_id,
    said.topic_id,
    coalesce(found.topic, 'none') as topic_name,
    said.share_of_words,
    said.said_at,
    said.ticket_id,
    said.call_id,
    said.customer_key,
    said.channel,
    said.country,
    said.segment,
    said.language,
    coalesce(met.stage, 'unknown') as stage,
    coalesce(products.product_id, 'unknown') as product_id,
    said.polarity,
    said.is_negative,
    newest_answers.is_satisfied
from said
left join {{ source('raw', 'topics_found') }} as found on said.topic_id = found.topic_id
left join met
    on
        said.record_kind = met.record_kind
        and said.record_id = met.record_id
        and met.place = 1
left join products
    on
        products.case_kind = case
            when said.record_kind = 'review' then 'review'
            when said.ticket_id is not null then 'ticket'
            else 'call'
        end
        and products.case_id = case
            when said.record_kind = 'review' then said.record_id
            else coalesce(said.ticket_id, said.call_id)
        end
left join newest_answers
    on
        newest_answers.case_kind = case when said.ticket_id is not null then 'ticket' else 'call' end
        and newest_answers.case_id = coalesce(said.ticket_id, said.call_id)
        and newest_answers.place = 1
