{#- Generated from the semantic model orders: make docs -#}
{{ kpi_parts(ref('fct_orders')) }}
