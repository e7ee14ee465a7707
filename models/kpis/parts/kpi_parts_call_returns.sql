{#- Generated from the semantic model call_returns: make docs -#}
{{ kpi_parts(ref('fct_call_returns')) }}
