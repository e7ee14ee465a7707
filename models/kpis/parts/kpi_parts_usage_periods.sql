{{ kpi_parts(ref('fct_usage_periods')) }}
