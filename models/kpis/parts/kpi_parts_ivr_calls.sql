{#- Generated from the semantic model ivr_calls: make docs -#}
{{ kpi_parts(ref('fct_ivr_calls')) }}
