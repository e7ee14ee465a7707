{#- Generated from the semantic model agent_days: make docs -#}
{{ kpi_parts(ref('fct_agent_days')) }}
