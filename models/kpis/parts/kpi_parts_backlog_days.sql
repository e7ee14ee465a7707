{{ kpi_parts(ref('fct_backlog_days')) }}
