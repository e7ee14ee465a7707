{{ kpi_parts(ref('fct_reviews')) }}
