{{ kpi_parts(ref('fct_conversations')) }}
