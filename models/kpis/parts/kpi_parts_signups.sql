{{ kpi_parts(ref('fct_signups')) }}
