{{ kpi_parts(ref('fct_customer_months')) }}
