{{ kpi_parts(ref('fct_tickets')) }}
