{{ kpi_parts(ref('fct_brand_answers')) }}
