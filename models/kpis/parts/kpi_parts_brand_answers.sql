{#- Generated from the semantic model brand_answers: make docs -#}
{{ kpi_parts(ref('fct_brand_answers')) }}
