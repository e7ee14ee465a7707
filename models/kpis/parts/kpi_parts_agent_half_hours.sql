{{ kpi_parts(ref('fct_agent_half_hours')) }}
