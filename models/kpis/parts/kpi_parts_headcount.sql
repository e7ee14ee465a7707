{#- Generated from the semantic model headcount: make docs -#}
{{ kpi_parts(ref('fct_headcount')) }}
