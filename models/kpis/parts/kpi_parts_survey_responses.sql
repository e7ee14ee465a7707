{#- Generated from the semantic model survey_responses: make docs -#}
{{ kpi_parts(ref('fct_survey_responses')) }}
