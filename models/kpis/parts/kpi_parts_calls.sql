{#- Generated from the semantic model calls: make docs -#}
{{ kpi_parts(ref('fct_calls')) }}
