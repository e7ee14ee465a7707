{{ kpi_parts(ref('fct_competitor_periods')) }}
