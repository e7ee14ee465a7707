{#- Generated from the semantic model agent_half_hours: make docs -#}
{{ kpi_parts(ref('fct_agent_half_hours')) }}
