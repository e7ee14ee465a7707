{#- Generated from the semantic model review_steadiness: make docs -#}
{{ kpi_parts(ref('review_steadiness')) }}
