{{ kpi_parts(ref('fct_staffing_half_hours')) }}
