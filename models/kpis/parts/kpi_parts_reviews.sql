{#- Generated from the semantic model reviews: make docs -#}
{{ kpi_parts(ref('fct_reviews')) }}
