{{ maintained(
    unique_key=['response_id'],
    invalidated_by={
        'stg_surveys': [
            'response_id',
            'select response_id from ' ~ ref('stg_surveys') ~ " where kind = 'brand' and coalesce(survey_id, '') in "
            ~ "(select coalesce(survey_id, '') from {changes} where kind = 'brand')",
        ],
        'fct_survey_responses': 'response_id',
    }
) }}
-- What a respondent was asked about the brand, attribute by attribute, and which of them they picked. A list is parted by
-- commas, semicolons or bars. Who was asked without a list was asked what anybody picked in the same survey.
with responses as (

    select
        response_id,
        coalesce(survey_id, '') as survey,
        attributes_asked is null as is_asked_without_list,
        replace(replace(coalesce(attributes, ''), ';', ','), '|', ',') as picked,
        replace(replace(coalesce(attributes_asked, ''), ';', ','), '|', ',') as asked
    from {{ ref('stg_surveys') }}
    where kind = 'brand'

),

asked as (

    select
        response_id,
        lower(trim(attribute)) as attribute
    from ({{ split_to_rows('responses', 'response_id', 'asked', 'attribute') }}) as parts
    where trim(attribute) <> ''

),

picked as (

    select distinct
        response_id,
        lower(trim(attribute)) as attribute
    from ({{ split_to_rows('responses', 'response_id', 'picked', 'attribute') }}) as parts
    where trim(attribute) <> ''

),

choices as (

    select distinct
        responses.survey,
        picked.attribute
    from picked
    inner join responses on picked.response_id = responses.response_id

),

-- What was picked was asked.
all_asked as (

    select
        response_id,
        attribute
    from asked
    union
    select
        response_id,
        attribute
    from picked
    union
    select
        responses.response_id,
        choices.attribute
    from responses
    inner join choices on responses.survey = choices.survey
    where responses.is_asked_without_list

)

select
    all_asked.response_id,
    all_asked.attribute,
    answers.customer_key,
    answers.responded_at,
    answers.survey_id,
    answers.channel,
    answers.country,
    answers.segment,
    picked.attribute is not null as is_picked
from all_asked
inner join {{ ref('fct_survey_responses') }} as answers on all_asked.response_id = answers.response_id
left join picked
    on
        all_asked.response_id = picked.response_id
        and all_asked.attribute = picked.attribute
where {{ is_invalidated('all_asked.response_id') }}
