{{ kpi_parts(ref('fct_queue_visits')) }}
