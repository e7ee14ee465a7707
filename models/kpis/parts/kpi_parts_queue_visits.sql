{#- Generated from the semantic model queue_visits: make docs -#}
{{ kpi_parts(ref('fct_queue_visits')) }}
