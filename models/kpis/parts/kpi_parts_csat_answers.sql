{#- Generated from the semantic model csat_answers: make docs -#}
{{ kpi_parts(ref('fct_csat_answers')) }}
