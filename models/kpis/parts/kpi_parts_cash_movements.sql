{#- Generated from the semantic model cash_movements: make docs -#}
{{ kpi_parts(ref('fct_cash_movements')) }}
