{#- Generated from the semantic model cost_gaps: make docs -#}
{{ kpi_parts(ref('cost_gaps')) }}
