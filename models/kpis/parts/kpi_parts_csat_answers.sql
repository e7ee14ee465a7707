{{ kpi_parts(ref('fct_csat_answers')) }}
