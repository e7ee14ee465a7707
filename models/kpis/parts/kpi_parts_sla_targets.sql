{{ kpi_parts(ref('fct_sla_targets')) }}
