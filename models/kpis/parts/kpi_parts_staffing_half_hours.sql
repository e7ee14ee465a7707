{#- Generated from the semantic model staffing_half_hours: make docs -#}
{{ kpi_parts(ref('fct_staffing_half_hours')) }}
