{{ kpi_parts(ref('customer_risks')) }}
