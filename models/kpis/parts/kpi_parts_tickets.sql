{#- Generated from the semantic model tickets: make docs -#}
{{ kpi_parts(ref('fct_tickets')) }}
