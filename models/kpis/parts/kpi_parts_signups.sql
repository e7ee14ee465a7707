{#- Generated from the semantic model signups: make docs -#}
{{ kpi_parts(ref('fct_signups')) }}
