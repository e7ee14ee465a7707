{#- Generated from the semantic model contacts: make docs -#}
{{ kpi_parts(ref('fct_contacts')) }}
