-- Every stage fact stands in the spine, row for row.
{{ config(meta={'dagster': {'ref': {'name': 'fct_touchpoints'}}}) }}
{%- set facts = {
    'support_ticket': 'fct_tickets',
    'support_call': 'fct_calls',
    'place_order': 'fct_orders',
    'leave_review': 'fct_reviews',
    'answer_survey': 'fct_survey_responses',
} %}
with facts as (

    {% for touchpoint, fact in facts.items() -%}
    select
        '{{ touchpoint }}' as touchpoint,
        count(*) as fact_rows
    from {{ ref(fact) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

spine as (

    select
        touchpoint,
        count(*) as spine_rows
    from {{ ref('fct_touchpoints') }}
    group by touchpoint

)

select
    facts.touchpoint,
    facts.fact_rows,
    spine.spine_rows
from facts
left join spine on facts.touchpoint = spine.touchpoint
where facts.fact_rows <> coalesce(spine.spine_rows, 0)
