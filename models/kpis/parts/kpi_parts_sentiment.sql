{{ kpi_parts(ref('fct_sentiment')) }}
