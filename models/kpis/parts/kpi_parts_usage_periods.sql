{#- Generated from the semantic model usage_periods: make docs -#}
{{ kpi_parts(ref('fct_usage_periods')) }}
