{{ kpi_parts(ref('fct_orders')) }}
