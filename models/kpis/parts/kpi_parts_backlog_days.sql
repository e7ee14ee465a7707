{#- Generated from the semantic model backlog_days: make docs -#}
{{ kpi_parts(ref('fct_backlog_days')) }}
