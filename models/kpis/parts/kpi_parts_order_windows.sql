{{ kpi_parts(ref('fct_order_windows')) }}
