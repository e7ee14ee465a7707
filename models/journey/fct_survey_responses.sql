{{ maintained(
    unique_key=['response_id'],
    invalidated_by={
        'stg_surveys': 'response_id',
        'int_record_customers': records_of('surveys'),
        'dim_customers': rows_with_changed('response_id', 'customer_key'),
        'stg_tickets': rows_with_changed('response_id', 'ticket_id'),
        'stg_calls': 'select response_id from ' ~ ref('stg_surveys') ~ ' where call_id in (select call_id from {changes})',
        'int_call_names': 'select response_id from ' ~ ref('stg_surveys') ~ ' where call_id in (select named_id from {changes})',
        'int_calls': rows_with_changed('response_id', 'call_id'),
    }
) }}
-- Defaults of a survey that does not name its scale: 0-10 for recommendation, 1-7 for effort, 1-5 for satisfaction (which begins
-- at 0 where it ends at 10). One that ends at 1 begins at 0: else its bad answers would be none.
with responses as (

    select
        responses.*,
        coalesce(records.customer_key, 'unknown') as customer_key,
        coalesce(
            responses.scale_min,
            case
                when responses.kind in ('nps', 'enps') then 0
                when responses.kind = 'csat' and responses.scale_max = 10 then 0
                when responses.scale_max = 1 then 0
                else 1
            end
        ) as lowest,
        coalesce(
            responses.scale_max,
            case
                when responses.kind in ('nps', 'enps') then 10
                when responses.kind = 'ces' then 7
                else 5
            end
        ) as highest
    from {{ ref('stg_surveys') }} as responses
    left join {{ ref('int_record_customers') }} as records
        on
            records.record_kind = 'surveys'
            and responses.response_id = records.record_id
    where {{ is_invalidated('responses.response_id') }}

),

scaled as (

    select
        *,
        -- A score off its own scale is no answer.
        case when score between lowest and highest then score end as answer,
        case when score between lowest and highest then 100.0 * (score - lowest) / nullif(highest - lowest, 0) end
            as scaled_score
    from responses

),

judged as (

    select
        *,
        case
            -- The question is asked on the scale of 0 to 10 and no other.
            when kind not in ('nps', 'enps') or lowest <> 0 or highest <> 10 then null
            when answer >= 9 then 1
            when answer >= 7 then 0
            when answer >= 0 then -1
        end as recommendation,
        case
            when kind <> 'ces' then null
            when coalesce(polarity, '{{ var("ces_default_polarity") }}') = 'ease' then 100 - scaled_score
            else scaled_score
        end as effort
    from scaled

)

select
    judged.response_id,
    judged.customer_key,
    judged.responded_at,
    judged.kind,
    -- Asked about a case, it is about the case.
    coalesce(
        judged.mode,
        case
            when coalesce(judged.ticket_id, judged.call_id, judged.order_id) is not null then 'transactional'
            else 'relational'
        end
    ) as mode,
    coalesce(judged.survey_id, 'unknown') as survey_id,
    coalesce(judged.channel, 'unknown') as channel,
    coalesce(judged.topic, 'unknown') as topic,
    -- Whom the answer is about: of a ticket or the leg of a call that was asked about, its agent and team; a leg without any was
    -- a queue or a menu.
    coalesce(judged.agent_id, tickets.agent_id, asked_legs.agent_id, calls.agent_id, 'unknown') as agent_id,
    coalesce(tickets.team, asked_legs.team, calls.team, 'unknown') as team,
    coalesce(customers.country, 'unknown') as country,
    coalesce(customers.segment, 'unknown') as segment,
    judged.ticket_id,
    coalesce(names.call_id, judged.call_id) as call_id,
    judged.order_id,
    cast(judged.answer as double) as score,
    cast(judged.highest as bigint) as scale_max,
    judged.recommendation,
    cast(judged.effort as double) as effort,
    case
        when judged.kind <> 'csat' then null
        -- A slider has no boxes: which of its answers are satisfied nobody says.
        when judged.highest - judged.lowest > {{ most_boxes() }} - 1 then null
        -- The top two boxes of the question's own scale, wherever it begins; of a scale of two or three answers, the top one.
        when judged.highest - judged.lowest >= 3 then judged.answer >= judged.highest - 1
        else judged.answer >= judged.highest
    end as is_satisfied,
    judged.effort <= {{ var('low_effort_max') }} as is_low_effort,
    judged.issue_solved as is_issue_solved,
    -- Without any of its own an answer has those of the case that it is about.
    coalesce(judged.extra, tickets.extra, asked_legs.extra, calls.extra) as extra
from judged
left join {{ ref('dim_customers') }} as customers on judged.customer_key = customers.customer_key
left join {{ ref('stg_tickets') }} as tickets on judged.ticket_id = tickets.ticket_id
left join {{ ref('stg_calls') }} as asked_legs on judged.call_id = asked_legs.call_id
left join {{ ref('int_call_names') }} as names on judged.call_id = names.named_id
left join {{ ref('int_calls') }} as calls on names.call_id = calls.call_id
