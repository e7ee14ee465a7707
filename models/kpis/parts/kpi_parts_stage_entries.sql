{{ kpi_parts(ref('fct_stage_entries')) }}
