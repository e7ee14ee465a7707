{#- Generated from the semantic model agent_contact_half_hours: make docs -#}
{{ kpi_parts(ref('fct_agent_contact_half_hours')) }}
