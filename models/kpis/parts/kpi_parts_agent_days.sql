{{ kpi_parts(ref('fct_agent_days')) }}
