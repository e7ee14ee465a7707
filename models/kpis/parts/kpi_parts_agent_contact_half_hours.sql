{{ kpi_parts(ref('fct_agent_contact_half_hours')) }}
