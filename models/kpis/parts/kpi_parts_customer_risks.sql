{#- Generated from the semantic model customer_risks: make docs -#}
{{ kpi_parts(ref('customer_risks')) }}
