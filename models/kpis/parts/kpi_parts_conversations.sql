{#- Generated from the semantic model conversations: make docs -#}
{{ kpi_parts(ref('fct_conversations')) }}
