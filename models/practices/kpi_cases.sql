-- For each KPI the query of the cases behind a value, and for each of its dimensions the column that holds the members.
select
    cases.kpi_id,
    cases.dimension,
    cases.member_column,
    cases.template,
    cases.failing_condition
from (
    values
    {% for row in kpi_cases() -%}
    (
        {{ text_literal(row[0]) }},
        {{ text_literal(row[1]) }},
        {{ text_literal(row[2]) }},
        {{ text_literal(row[3]) }},
        {{ text_literal(row[4]) }}
    ),
    {% endfor -%}
    ('', '', '', '', '')
) as cases (kpi_id, dimension, member_column, template, failing_condition)
where cases.kpi_id <> ''
