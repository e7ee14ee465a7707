{{ kpi_parts(ref('fct_calls')) }}
