{#- Generated from the semantic model rate_changes: make docs -#}
{{ kpi_parts(ref('rate_changes')) }}
