{#- Generated from the semantic model customer_values: make docs -#}
{{ kpi_parts(ref('customer_values')) }}
