{#- Generated from the semantic model order_windows: make docs -#}
{{ kpi_parts(ref('fct_order_windows')) }}
