{#- Generated from the semantic model customer_months: make docs -#}
{{ kpi_parts(ref('fct_customer_months')) }}
