{{ kpi_parts(ref('fct_contacts')) }}
