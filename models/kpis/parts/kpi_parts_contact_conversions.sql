{#- Generated from the semantic model contact_conversions: make docs -#}
{{ kpi_parts(ref('fct_contact_conversions')) }}
