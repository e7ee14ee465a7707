{#- Generated from the semantic model sla_targets: make docs -#}
{{ kpi_parts(ref('fct_sla_targets')) }}
