{%- set tail = kpi_query_tail() if execute -%}
-- For each KPI its query by any cuts over the published facts, or why it has none.
select
    queries.kpi_id,
    queries.dimensions,
    queries.grains,
    queries.query,
    queries.reason
from (
    values
    {% for definition in kpi_list() -%}
    {%- set reason = why_no_query(definition) -%}
    (
        {{ text_literal(definition.kpi_id) }},
        {{ text_literal(readers_dimensions(definition) | join(', ')) }},
        {{ text_literal(readers_grains(definition) | join(', ')) }},
        {{ text_literal(none if reason else kpi_query(definition, tail)) }},
        {{ text_literal(reason) }}
    ),
    {% endfor -%}
    ('', '', '', '', '')
) as queries (kpi_id, dimensions, grains, query, reason)
where queries.kpi_id <> ''
