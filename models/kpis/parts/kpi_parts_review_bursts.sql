{#- Generated from the semantic model review_bursts: make docs -#}
{{ kpi_parts(ref('audit_review_bursts')) }}
