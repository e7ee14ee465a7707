{{ kpi_parts(ref('fct_web_sessions')) }}
