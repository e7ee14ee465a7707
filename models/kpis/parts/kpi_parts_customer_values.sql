{{ kpi_parts(ref('customer_values')) }}
