{{ kpi_parts(ref('fct_headcount')) }}
