-- For each KPI the query of the cases behind a value, and for each of its dimensions the column that holds the members.
select
    cases.kpi_id,
    cases.dimension,
    cases.member_column,
    cases.template,
    cases.bad_side
from (
    values
    {% for row in kpi_cases() -%}
    (
        {%- for text in row %}{{ text_literal(text) }}{{ ', ' if not loop.last }}{% endfor -%}
    ),
    {% endfor -%}
    ('', '', '', '', '')
) as cases (kpi_id, dimension, member_column, template, bad_side)
where cases.kpi_id <> ''
