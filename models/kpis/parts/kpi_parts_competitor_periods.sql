{#- Generated from the semantic model competitor_periods: make docs -#}
{{ kpi_parts(ref('fct_competitor_periods')) }}
