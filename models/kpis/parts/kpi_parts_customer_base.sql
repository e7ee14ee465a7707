{#- Generated from the semantic model customer_base: make docs -#}
{{ kpi_parts(ref('fct_customer_base')) }}
