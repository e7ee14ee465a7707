{#- Generated from the semantic model feature_adoption: make docs -#}
{{ kpi_parts(ref('fct_feature_adoption')) }}
