{#- Generated from the semantic model stage_entries: make docs -#}
{{ kpi_parts(ref('fct_stage_entries')) }}
