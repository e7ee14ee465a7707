{#- Generated from the semantic model sentiment: make docs -#}
{{ kpi_parts(ref('fct_sentiment')) }}
